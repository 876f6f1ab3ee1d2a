/* prepare.js: a drawing as MNIST has its digits. SPDX-License-Identifier: Apache-2.0
 *
 * The ink is cropped, scaled into a box of 20x20 keeping its proportions, each pixel the mean of
 * the area that falls on it, and set into 28x28 with its centre of mass in the middle. */

export const SIDE = 28;
const BOX = 20;
const FAINTEST = 32; // paler than this is paper, when it comes to cropping

/** The smallest box with all ink of `ink` ([height][width], 0 paper to 255 ink), or null. */
export function findInk(ink, width, height) {
    let left = width, top = height, right = 0, bottom = 0;
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            if (ink[y * width + x] < FAINTEST) continue;
            if (x < left) left = x;
            if (x >= right) right = x + 1;
            if (y < top) top = y;
            bottom = y + 1;
        }
    }
    return right === 0 ? null : {left, top, right, bottom};
}

/* How much of each pixel k of `n` lies in [from, to): a list of [k, share]. */
function cover(from, to, n) {
    const shares = [];
    for (let k = Math.floor(from); k < to && k < n; k++)
        shares.push([k, Math.min(k + 1, to) - Math.max(k, from)]);
    return shares;
}

/* The box of the ink as [boxHeight][boxWidth] means of areas. */
function shrink(ink, width, box, boxWidth, boxHeight) {
    const wide = box.right - box.left, high = box.bottom - box.top;
    const stepX = wide / boxWidth, stepY = high / boxHeight;
    const columns = [], out = new Float64Array(boxWidth * boxHeight);
    for (let x = 0; x < boxWidth; x++)
        columns.push(cover(x * stepX, (x + 1) * stepX, wide));
    for (let y = 0; y < boxHeight; y++) {
        const rows = cover(y * stepY, (y + 1) * stepY, high);
        for (let x = 0; x < boxWidth; x++) {
            let sum = 0;
            for (const [row, rowShare] of rows) {
                const line = (box.top + row) * width + box.left;
                for (const [column, share] of columns[x]) sum += ink[line + column] * rowShare * share;
            }
            out[y * boxWidth + x] = sum / (stepX * stepY);
        }
    }
    return out;
}

/* Where the box begins along one axis, so that `centre` of it comes to the middle. Halves go to the
 * right and down, whatever the last bit of the sums is. */
function place(centre, extent) {
    return Math.min(Math.max(Math.floor(SIDE / 2 - centre + 0.5 + 1e-6), 0), SIDE - extent);
}

/** 784 bytes, 0 paper to 255 ink, of a drawing [height][width]; null if nothing is drawn. */
export function prepare(ink, width, height) {
    const box = findInk(ink, width, height);
    if (box === null) return null;
    const wide = box.right - box.left, high = box.bottom - box.top, longest = Math.max(wide, high);
    const boxWidth = Math.max(1, Math.floor(wide * BOX / longest + 0.5));
    const boxHeight = Math.max(1, Math.floor(high * BOX / longest + 0.5));
    const pixels = shrink(ink, width, box, boxWidth, boxHeight);

    let mass = 0, massX = 0, massY = 0;
    pixels.forEach((value, k) => {
        mass += value;
        massX += value * (k % boxWidth + 0.5);
        massY += value * (Math.floor(k / boxWidth) + 0.5);
    });
    const left = place(massX / mass, boxWidth), top = place(massY / mass, boxHeight);
    const out = new Uint8Array(SIDE * SIDE);
    pixels.forEach((value, k) => {
        const y = top + Math.floor(k / boxWidth), x = left + k % boxWidth;
        out[y * SIDE + x] = Math.floor(value + 0.5);
    });
    return out;
}

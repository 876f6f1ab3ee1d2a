/* prepare.js: a drawing as MNIST has its digits. SPDX-License-Identifier: Apache-2.0
 *
 * The ink is cropped, scaled into a box of 20x20 keeping its proportions, each pixel the mean of
 * the area that falls on it, and set into 28x28 with its centre of mass in the middle. */

export const SIDE = 28;
const BOX = 20;
const FAINTEST = 32; // paler than this is paper, when it comes to cropping

/** The smallest box with all ink of `ink` ([height][width], 0 paper to 255 ink), or null. */
export function findInk(ink, width, height) {
    const isBlank = (y) => {
        for (let k = y * width; k < (y + 1) * width; k++) if (ink[k] >= FAINTEST) return false;
        return true;
    };
    let left = width, top = 0, right = 0, bottom = height;
    while (top < height && isBlank(top)) top++;
    if (top === height) return null;
    while (isBlank(bottom - 1)) bottom--;
    for (let y = top; y < bottom; y++) { // only what lies outside of the box so far
        let x = 0;
        while (x < left && ink[y * width + x] < FAINTEST) x++;
        left = x;
        for (x = width; x > right && ink[y * width + x - 1] < FAINTEST;) x--;
        right = x;
    }
    return {left, top, right, bottom};
}

/* How `n` areas that divide `extent` pixels evenly cover them: area k takes the pixels first[k] to
 * end[k] - 1, of pixel i shares[k * most + i - first[k]]. */
function cover(extent, n) {
    const step = extent / n, most = Math.ceil(step) + 1;
    const first = new Int32Array(n), end = new Int32Array(n), shares = new Float64Array(n * most);
    for (let k = 0; k < n; k++) {
        const from = k * step, to = (k + 1) * step;
        first[k] = Math.floor(from);
        end[k] = Math.min(Math.ceil(to), extent);
        for (let i = first[k]; i < end[k]; i++)
            shares[k * most + i - first[k]] = Math.min(i + 1, to) - Math.max(i, from);
    }
    return {step, first, end, shares, most};
}

/* The sum of the ink over area (x, y), with line 0 of the box at `start`. */
function sumArea(ink, width, start, columns, x, rows, y) {
    let sum = 0;
    for (let row = rows.first[y], i = y * rows.most; row < rows.end[y]; row++, i++) {
        const line = start + row * width, rowShare = rows.shares[i];
        for (let column = columns.first[x], j = x * columns.most; column < columns.end[x]; column++, j++)
            sum += ink[line + column] * rowShare * columns.shares[j];
    }
    return sum;
}

/* The box of the ink as [boxHeight][boxWidth] means of areas. */
function shrink(ink, width, box, boxWidth, boxHeight) {
    const columns = cover(box.right - box.left, boxWidth), rows = cover(box.bottom - box.top, boxHeight);
    const start = box.top * width + box.left, out = new Float64Array(boxWidth * boxHeight);
    for (let y = 0; y < boxHeight; y++)
        for (let x = 0; x < boxWidth; x++)
            out[y * boxWidth + x] = sumArea(ink, width, start, columns, x, rows, y) / (columns.step * rows.step);
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

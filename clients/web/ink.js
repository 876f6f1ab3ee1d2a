/* ink.js: strokes as ink on a sheet of pixels, the same in every browser.
 * SPDX-License-Identifier: Apache-2.0 */

export const SHEET = 280;  // side of the sheet, in pixels; a stroke's unit, too
export const PEN = 23;     // width of the pen

/** An empty sheet: [SHEET][SHEET], 0 paper to 255 ink. */
export function blankSheet() {
    return new Uint8Array(SHEET * SHEET);
}

/** Draws a line from (x0, y0) to (x1, y1) with a round pen; its edge is one pixel soft. */
export function drawLine(sheet, x0, y0, x1, y1) {
    const radius = PEN / 2, reach = radius + 1;
    const inner = (radius - 0.5) ** 2, outer = (radius + 0.5) ** 2; // between them is the edge
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(SHEET, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(SHEET, Math.ceil(Math.max(y0, y1) + reach));
    const dx = x1 - x0, dy = y1 - y0, squared = dx * dx + dy * dy;
    for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
            const px = x + 0.5 - x0, py = y + 0.5 - y0;
            const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
            const aside = px - along * dx, above = py - along * dy, far = aside * aside + above * above;
            if (far >= outer) continue;
            const value = far <= inner ? 255 : Math.round(255 * (radius + 0.5 - Math.hypot(aside, above)));
            if (value > sheet[y * SHEET + x]) sheet[y * SHEET + x] = value;
        }
    }
}

/** Draws strokes, each a list of [x, y]; a stroke of one point is a dot. */
export function drawStrokes(sheet, strokes) {
    for (const stroke of strokes) {
        drawLine(sheet, ...stroke[0], ...stroke[0]);
        for (let k = 1; k < stroke.length; k++) drawLine(sheet, ...stroke[k - 1], ...stroke[k]);
    }
    return sheet;
}

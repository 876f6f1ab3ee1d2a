/* prepare.test.mjs: drawings come out as MNIST's digits are. SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {SHEET, blankSheet, drawStrokes} from '../../clients/web/ink.js';
import {SIDE, findInk, prepare} from '../../clients/web/prepare.js';
import {drawings} from './drawings.mjs';

/* A sheet with a full rectangle of ink. */
function rectangle(width, height, left, top, wide, high) {
    const ink = new Uint8Array(width * height);
    for (let y = top; y < top + high; y++) ink.fill(255, y * width + left, y * width + left + wide);
    return ink;
}

/* The smallest box that holds what is not 0, [left, top, right, bottom]. */
function extent(pixels) {
    const box = [SIDE, SIDE, 0, 0];
    pixels.forEach((value, k) => {
        if (value === 0) return;
        const x = k % SIDE, y = Math.floor(k / SIDE);
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x + 1);
        box[3] = Math.max(box[3], y + 1);
    });
    return box;
}

function centre(pixels) {
    let mass = 0, x = 0, y = 0;
    pixels.forEach((value, k) => {
        mass += value;
        x += value * (k % SIDE + 0.5);
        y += value * (Math.floor(k / SIDE) + 0.5);
    });
    return [x / mass, y / mass];
}

test('an empty sheet is no digit', () => {
    assert.equal(prepare(blankSheet(), SHEET, SHEET), null);
    assert.equal(findInk(new Uint8Array(4).fill(31), 2, 2), null);
});

test('a rectangle fills the box of 20 and keeps its proportions', () => {
    for (const [wide, high, box] of [[100, 100, [4, 4, 24, 24]], [40, 20, [4, 9, 24, 19]],
                                     [20, 40, [9, 4, 19, 24]], [10, 10, [4, 4, 24, 24]],
                                     [200, 1, [4, 14, 24, 15]]]) {
        const pixels = prepare(rectangle(280, 240, 60, 30, wide, high), 280, 240);
        assert.deepEqual(extent(pixels), box, `${wide}x${high}`);
        assert.ok(pixels.every((value) => value === 0 || value === 255), `${wide}x${high}`);
    }
});

test('where on the sheet it was drawn makes no difference', () => {
    const here = prepare(rectangle(280, 280, 0, 0, 33, 77), 280, 280);
    const there = prepare(rectangle(280, 280, 247, 203, 33, 77), 280, 280);
    assert.deepEqual(here, there);
});

test('a pixel is the mean of the area that falls on it', () => {
    const ink = rectangle(40, 40, 0, 0, 40, 40);
    ink[0] = ink[1] = 0; // half of the first area of 2x2
    assert.equal(prepare(ink, 40, 40)[4 * SIDE + 4], 128);
});

test('areas that cut through pixels take their shares', () => {
    const ink = rectangle(30, 30, 0, 0, 30, 30);
    ink[1] = 0; // a third of the first area of 1.5x1.5: half of a pixel, and a whole one in height
    assert.equal(prepare(ink, 30, 30)[4 * SIDE + 4], Math.round(255 * (1 - 0.5 / 2.25)));
});

test('the centre of mass is in the middle, within half a pixel', () => {
    for (const {digit, hand, strokes} of drawings) {
        const pixels = prepare(drawStrokes(blankSheet(), strokes), SHEET, SHEET);
        const [x, y] = centre(pixels), [left, top, right, bottom] = extent(pixels);
        const name = `${digit} of ${hand}: ${x}, ${y}`;
        assert.ok(Math.abs(x - SIDE / 2) <= 0.51 && Math.abs(y - SIDE / 2) <= 0.51, name);
        assert.ok(right - left <= 20 && bottom - top <= 20, name);
    }
});

test('ink at one end does not push the digit over the edge', () => {
    const ink = rectangle(200, 200, 0, 0, 60, 200);
    for (let x = 60; x < 200; x++) ink[x] = 40; // a faint line to the right
    const [left, top, right, bottom] = extent(prepare(ink, 200, 200));
    assert.ok(left >= 0 && top >= 0 && right === left + 20 && bottom === top + 20);
});

test('a dot is round and soft at its edge', () => {
    const sheet = drawStrokes(blankSheet(), [[[140, 140]]]);
    assert.equal(sheet[140 * SHEET + 140], 255);
    assert.equal(sheet[140 * SHEET + 140 + 13], 0);
    assert.ok(sheet.some((value) => value > 0 && value < 255));
    assert.deepEqual(findInk(sheet, SHEET, SHEET), {left: 128, top: 128, right: 152, bottom: 152});
});

test('a line at the edge of the sheet stays on it', () => {
    const sheet = drawStrokes(blankSheet(), [[[-20, 5], [300, 5]]]);
    assert.equal(sheet[0], 255);
    assert.equal(sheet[30 * SHEET], 0);
});

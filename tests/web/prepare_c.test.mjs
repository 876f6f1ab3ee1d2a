/* prepare_c.test.mjs: the library prepares every drawing as the page does, to 1/255 per pixel.
 * SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {SHEET, blankSheet, drawStrokes} from '../../clients/web/ink.js';
import {SIDE, prepare} from '../../clients/web/prepare.js';
import {drawings} from './drawings.mjs';

const TOOL = process.env.PREPARE_DIGIT ?? 'build/prepare_digit';
const DATA = new URL('../data/', import.meta.url);

/* What the library makes of sheets {ink, width, height}: 784 bytes each, or null. */
function prepareInC(sheets) {
    const input = sheets.flatMap(({ink, width, height}) => {
        const size = Buffer.alloc(4);
        size.writeUInt16LE(width, 0);
        size.writeUInt16LE(height, 2);
        return [size, Buffer.from(ink)];
    });
    const {stdout, status, error} = spawnSync(TOOL, {input: Buffer.concat(input), maxBuffer: 1 << 28});
    assert.equal(error, undefined, `${TOOL}: ${error}`);
    assert.equal(status, 0);
    const bytes = 1 + SIDE * SIDE;
    assert.equal(stdout.length, sheets.length * bytes);
    return sheets.map((_, k) => (stdout[k * bytes] === 1 ? stdout.subarray(k * bytes + 1, (k + 1) * bytes) : null));
}

/* The largest difference of a pixel. */
function difference(a, b) {
    return a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k])), 0);
}

function assertSame(sheets) {
    prepareInC(sheets).forEach((digit, k) => {
        const {name, ink, width, height} = sheets[k], page = prepare(ink, width, height);
        assert.equal(digit === null, page === null, name);
        if (page !== null) assert.ok(difference(digit, page) <= 1, `${name}: ${difference(digit, page)} of 255`);
    });
}

test('every drawing comes out the same in C', () => {
    assert.ok(drawings.length >= 30);
    assertSame(drawings.map(({digit, hand, strokes}) => ({
        name: `${digit} of ${hand}`, ink: drawStrokes(blankSheet(), strokes), width: SHEET, height: SHEET})));
});

/* A generator of whole numbers below n, the same everywhere (Numerical Recipes' constants). */
function generator(seed) {
    return (n) => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return Math.floor(seed / 2 ** 32 * n);
    };
}

test('blots of any size on sheets of any size come out the same in C', () => {
    const below = generator(1), sheets = [];
    for (let k = 0; k < 500; k++) {
        const width = 1 + below(90), height = 1 + below(90), ink = new Uint8Array(width * height);
        for (let blot = below(4); blot > 0; blot--) {
            const left = below(width), top = below(height), value = below(256);
            for (let y = top; y < Math.min(height, top + 1 + below(40)); y++)
                ink.fill(value, y * width + left, y * width + Math.min(width, left + 1 + below(40)));
        }
        sheets.push({name: `sheet ${k}`, ink, width, height});
    }
    assertSame(sheets);
});

test('the prepared drawings kept as data are what the page makes of them', () => {
    for (let digit = 0; digit < 10; digit++) {
        const {strokes} = drawings.find((drawing) => drawing.digit === digit);
        const page = prepare(drawStrokes(blankSheet(), strokes), SHEET, SHEET);
        assert.deepEqual(new Uint8Array(readFileSync(new URL(`drawings/${digit}.bin`, DATA))), page);
    }
});

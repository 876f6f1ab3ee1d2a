/* make_drawings.mjs: writes tests/data/drawings/: one drawing of each digit as a PNG, black on white,
 * and the 28x28 bytes that the page makes of it. SPDX-License-Identifier: Apache-2.0 */
import {mkdirSync, writeFileSync} from 'node:fs';
import {crc32, deflateSync} from 'node:zlib';

import {SHEET, blankSheet, drawStrokes} from '../../clients/web/ink.js';
import {prepare} from '../../clients/web/prepare.js';
import {drawings} from './drawings.mjs';

const FOLDER = new URL('../data/drawings/', import.meta.url);

function chunk(kind, data) {
    const body = Buffer.concat([Buffer.from(kind), data]), out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
}

/* Black ink on white paper, 8 bits a pixel. */
function png(sheet) {
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0]);
    header.writeUInt32BE(SHEET, 0);
    header.writeUInt32BE(SHEET, 4);
    const rows = Buffer.alloc(SHEET * (SHEET + 1));
    sheet.forEach((ink, k) => {
        rows[Math.floor(k / SHEET) * (SHEET + 1) + 1 + k % SHEET] = 255 - ink;
    });
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header),
                          chunk('IDAT', deflateSync(rows, {level: 9})), chunk('IEND', Buffer.alloc(0))]);
}

mkdirSync(FOLDER, {recursive: true});
for (let digit = 0; digit < 10; digit++) {
    const {strokes} = drawings.find((drawing) => drawing.digit === digit);
    const sheet = drawStrokes(blankSheet(), strokes);
    writeFileSync(new URL(`${digit}.png`, FOLDER), png(sheet));
    writeFileSync(new URL(`${digit}.bin`, FOLDER), prepare(sheet, SHEET, SHEET));
}

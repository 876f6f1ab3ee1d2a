/* drawings.mjs: digits drawn by several hands, as strokes of points on a sheet of 280x280.
 * SPDX-License-Identifier: Apache-2.0 */
import {readFileSync} from 'node:fs';

export const drawings = JSON.parse(readFileSync(new URL('strokes.json', import.meta.url), 'utf8'));

/* api.js: what the page asks the server. SPDX-License-Identifier: Apache-2.0 */

import {Client} from './lstmd.js';

/** The page says itself when it tries again, and keeps the key in memory only. */
export const client = new Client(new URL('.', document.baseURI).href, {timeout: 10, retries: 0});

/** Pixels as the model takes them: 0 to 1, three decimals. */
export function numbersOf(pixels) {
    return Array.from(pixels, (value) => Math.round(value / 0.255) / 1000);
}

/** A shell's line that sends the same; `shown` is short enough to read. */
export function curlOf(model, verb, body) {
    const url = new URL(`v1/models/${encodeURIComponent(model)}:${verb}`, document.baseURI).href;
    const secret = client.apiKey === '' ? '' : ' -H "Authorization: Bearer $KEY"';
    const line = (text) => `curl -s ${url}${secret} -d '${text}'`;
    const text = JSON.stringify(body);
    const shown = text.length > 1400 ? `${text.slice(0, 1000)} … ${text.slice(-120)}` : text;
    return {whole: line(text), shown: line(shown)};
}

/* api.js: what the page asks the server. SPDX-License-Identifier: Apache-2.0 */

const TIMEOUT_MS = 10000;

/** An answer that is an error; status 0: there was no answer. */
export class ApiError extends Error {
    constructor(status, message, retryAfter) {
        super(message);
        this.status = status;
        this.retryAfter = retryAfter;
    }
}

let key = '';

/** The API key to send, '' for none. It is kept in memory only. */
export function setKey(text) {
    key = text;
}

export function urlOf(path) {
    return new URL(path, document.baseURI).href;
}

async function ask(path, method, body, type) {
    const headers = type === undefined ? {} : {'Content-Type': type};
    if (key !== '') headers.Authorization = `Bearer ${key}`;
    let answer;
    try {
        answer = await fetch(urlOf(path),
                             {method, headers, body, signal: AbortSignal.timeout(TIMEOUT_MS)});
    } catch {
        throw new ApiError(0, 'the server does not answer', 0);
    }
    if (answer.ok) return answer;
    const text = await answer.text().catch(() => '');
    let sentence = `the server answers ${answer.status}`;
    try {
        sentence = JSON.parse(text).error ?? sentence;
    } catch { /* not ours: a proxy's page */ }
    throw new ApiError(answer.status, sentence, Number(answer.headers.get('Retry-After')) || 0);
}

export async function getJson(path) {
    return (await ask(path, 'GET')).json();
}

export async function getText(path) {
    return (await ask(path, 'GET')).text();
}

/** Posts JSON, given as a text so that what is shown is what was sent. */
export async function post(path, text) {
    return (await ask(path, 'POST', text, 'application/json')).json();
}

/** Pixels as the model takes them: 0 to 1, three decimals. */
export function numbersOf(pixels) {
    return Array.from(pixels, (value) => Math.round(value / 0.255) / 1000);
}

/** A shell's line that sends the same; `shown` is short enough to read. */
export function curlOf(path, text) {
    const secret = key === '' ? '' : ' -H "Authorization: Bearer $KEY"';
    const line = (body) => `curl -s ${urlOf(path)}${secret} -d '${body}'`;
    const shown = text.length > 1400 ? `${text.slice(0, 1000)} … ${text.slice(-120)}` : text;
    return {whole: line(text), shown: line(shown)};
}

/* chromium.mjs: Chromium by its debugging pipe, with nothing but what a measurement needs switched
 * on: what other programs switch on (an event for every request) takes longer than what is to be
 * measured. SPDX-License-Identifier: Apache-2.0 */
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';

const POLL_MS = 20;

export class Chromium {
    #child;
    #folder = mkdtempSync(path.join(tmpdir(), 'lstmd-browser-'));
    #waiting = new Map(); // by number: {resolve, reject}
    #number = 0;
    #rest = '';

    constructor(program) {
        this.#child = spawn(program, [
            '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--remote-debugging-pipe', `--user-data-dir=${this.#folder}`, 'about:blank'],
                            {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
        this.#child.stdio[4].setEncoding('utf8').on('data', (text) => this.#receive(text));
    }

    #receive(text) {
        const messages = (this.#rest + text).split('\0');
        this.#rest = messages.pop();
        for (const {id, result, error} of messages.map((message) => JSON.parse(message))) {
            const {resolve, reject} = this.#waiting.get(id) ?? {};
            this.#waiting.delete(id);
            if (error !== undefined) reject?.(new Error(error.message));
            else resolve?.(result);
        }
    }

    /** One command of the DevTools protocol: its result. */
    call(method, params = {}, sessionId = undefined) {
        const id = ++this.#number;
        this.#child.stdio[3].write(`${JSON.stringify({id, method, params, sessionId})}\0`);
        return new Promise((resolve, reject) => this.#waiting.set(id, {resolve, reject}));
    }

    /** A page on which `prepare`, a function, runs before the page's own scripts. */
    async open(url, prepare) {
        const {targetId} = await this.call('Target.createTarget', {url: 'about:blank'});
        const {sessionId} = await this.call('Target.attachToTarget', {targetId, flatten: true});
        const page = new Page(this, targetId, sessionId);
        await page.call('Page.enable');
        await page.call('Page.addScriptToEvaluateOnNewDocument', {source: `(${prepare})()`});
        await page.call('Page.navigate', {url});
        return page;
    }

    /** CPU seconds that all its processes have used. */
    async cpuSeconds() {
        const {processInfo} = await this.call('SystemInfo.getProcessInfo');
        return processInfo.reduce((total, {cpuTime}) => total + cpuTime, 0);
    }

    async close() {
        const ended = new Promise((resolve) => this.#child.once('exit', resolve));
        this.call('Browser.close').catch(() => {});
        await ended;
        rmSync(this.#folder, {recursive: true, force: true, maxRetries: 5});
    }
}

class Page {
    #browser;
    #targetId;
    #sessionId;

    constructor(browser, targetId, sessionId) {
        this.#browser = browser;
        this.#targetId = targetId;
        this.#sessionId = sessionId;
    }

    call(method, params) {
        return this.#browser.call(method, params, this.#sessionId);
    }

    /** What an expression gives in the page. */
    async run(expression) {
        const {result, exceptionDetails: thrown} =
            await this.call('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
        if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
        return result.value;
    }

    async waitFor(expression) {
        while (!await this.run(expression)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }

    /** type: mousePressed, mouseMoved, mouseReleased. */
    mouse(type, [x, y], isDown) {
        return this.call('Input.dispatchMouseEvent', {
            type, x, y, clickCount: 1, buttons: isDown ? 1 : 0,
            button: type !== 'mouseMoved' || isDown ? 'left' : 'none'});
    }

    close() {
        return this.#browser.call('Target.closeTarget', {targetId: this.#targetId});
    }
}

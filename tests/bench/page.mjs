/* page.mjs: how quick the demo page is in Chromium: from its first paint to its first use, and from a
 * new point of a stroke to new bars. SPDX-License-Identifier: Apache-2.0
 *
 *     NODE_PATH=build/browser/node_modules node tests/bench/page.mjs [CLIENTS]
 *
 * CLIENTS (16) others post digits to the same daemon, with wrk, while it is drawn on. */
import {spawn} from 'node:child_process';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

import {drawings} from '../web/drawings.mjs';

const OPENINGS = 20, DRAWINGS = 10;
const clients = process.argv[2] ?? '16';
const {chromium} = createRequire(import.meta.url)('playwright-core');

const quantile = (values, q) =>
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

/* In the page, before its own scripts: when it could be used first, and for each pointer event how
 * long it took until the bars showed another answer. */
function watch() {
    window.usable = 0;
    window.latencies = [];
    let waiting = [];
    addEventListener('pointermove', (event) => {
        if (event.buttons !== 0) waiting.push(performance.now());
    }, {capture: true});
    document.addEventListener('DOMContentLoaded', () => {
        new MutationObserver(() => {
            if (window.usable === 0 && document.querySelector('#server.up') !== null)
                window.usable = performance.now();
        }).observe(document.getElementById('server'), {attributes: true});
        new MutationObserver(() => {
            const now = performance.now();
            for (const begun of waiting) window.latencies.push(now - begun);
            waiting = [];
        }).observe(document.getElementById('bars'),
                   {subtree: true, childList: true, attributes: true, characterData: true});
    });
}

async function measureOpening(browser, url) {
    const fromPaint = [], fromStart = [];
    for (let k = 0; k < OPENINGS; k++) {
        const page = await browser.newPage();
        await page.addInitScript(watch);
        await page.goto(url);
        await page.waitForFunction(() => window.usable > 0);
        const [usable, paint] = await page.evaluate(() =>
            [window.usable, performance.getEntriesByName('first-paint')[0]?.startTime ?? 0]);
        fromStart.push(usable);
        fromPaint.push(usable - paint);
        await page.close();
    }
    for (const [name, values] of [['first paint to usable', fromPaint], ['opening to usable', fromStart]])
        console.log(`${name}: median ${quantile(values, 0.5).toFixed(0)} ms, ` +
                    `worst ${Math.max(...values).toFixed(0)} ms`);
}

async function measureStrokes(browser, url) {
    const page = await browser.newPage();
    await page.addInitScript(watch);
    await page.goto(url);
    await page.waitForSelector('#server.up');
    const box = await page.locator('#pad').boundingBox();
    for (const {strokes} of drawings.slice(0, DRAWINGS)) {
        for (const stroke of strokes) {
            const at = ([x, y]) => [box.x + x * box.width / 280, box.y + y * box.height / 280];
            await page.mouse.move(...at(stroke[0]));
            await page.mouse.down();
            for (const point of stroke) await page.mouse.move(...at(point));
            await page.mouse.up();
        }
        await page.waitForFunction(() => !document.getElementById('best').classList.contains('stale'));
        await page.locator('#clear').click();
    }
    const latencies = await page.evaluate(() => window.latencies);
    console.log(`new point to new bars, ${clients} other clients: p50 ` +
                `${quantile(latencies, 0.5).toFixed(1)} ms, p95 ${quantile(latencies, 0.95).toFixed(1)} ms ` +
                `of ${latencies.length} points`);
    await page.close();
}

async function startDaemon() {
    const child = spawn('build/lstmd', ['serve', '--port', '0', '--log-level', 'warn'],
                        {stdio: ['ignore', 'pipe', 'inherit']});
    for await (const line of createInterface({input: child.stdout}))
        return {child, url: /http:\S+$/.exec(line)[0]};
    throw new Error('the daemon did not start');
}

const {child, url} = await startDaemon();
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update', '--disable-sync']});
try {
    await measureOpening(browser, url);
    const load = clients === '0' ? null : spawn(
        'wrk', ['-t1', `-c${clients}`, '-d60s', '-s', 'tests/bench/post.lua', `${url}/v1/models/mnist:predict`],
        {stdio: 'ignore', env: {...process.env, BODY: 'tests/data/mnist/digit.json', CT: 'application/json'}});
    await measureStrokes(browser, url);
    load?.kill();
} finally {
    await browser.close();
    child.kill();
}

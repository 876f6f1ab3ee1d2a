/* page.mjs: how quick the demo page is in Chromium: from its first paint to its first use, and from a
 * new point of a stroke to new bars. SPDX-License-Identifier: Apache-2.0
 *
 *     node tests/bench/page.mjs [CLIENTS] [PAUSE_MS]
 *
 * CLIENTS (16) others post digits to the same daemon, with wrk, while it is drawn on: as fast as it
 * answers, or with PAUSE_MS (0) between an answer and the next request. LSTMD names another binary
 * than build/lstmd, which brings its own page. */
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

import {drawings} from '../web/drawings.mjs';
import {Chromium} from './chromium.mjs';
import {collect, watch} from './page_watch.mjs';

const OPENINGS = 20, DRAWINGS = 10;
const clients = process.argv[2] ?? '16', pauseMs = process.argv[3] ?? '0';

/* [name, of a point and the request that answered it] */
const STAGES = [
    ['pointer to page', ({dispatched, input}) => dispatched - input],
    ['page: draw, prepare, ask', ({dispatched}, {sent}) => sent - dispatched],
    ['browser: question out', (_, {sent, requestStart}) => requestStart - sent],
    ['network and server', (_, {requestStart, responseStart}) => responseStart - requestStart],
    ['  of it the server', (_, {server}) => server],
    ['browser: answer in', (_, {responseStart, read}) => read - responseStart],
    ['page: bars', ({bars}, {read}) => bars - read],
    ['new point to new bars', ({bars, dispatched}) => bars - dispatched],
    ['  since the pointer was there', ({bars, input}) => bars - input],
    ['  and in a frame', ({frame, input}) => frame - input]];

const quantile = (values, q) =>
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

async function measureOpening(browser, url) {
    const fromPaint = [], fromStart = [];
    for (let k = 0; k < OPENINGS; k++) {
        const page = await browser.open(url, watch);
        await page.waitFor('window.usable > 0');
        const [usable, paint] = await page.run(
            "[usable, performance.getEntriesByName('first-paint')[0]?.startTime ?? 0]");
        fromStart.push(usable);
        fromPaint.push(usable - paint);
        await page.close();
    }
    for (const [name, values] of [['first paint to usable', fromPaint], ['opening to usable', fromStart]])
        console.log(`${name}: median ${quantile(values, 0.5).toFixed(0)} ms, ` +
                    `worst ${Math.max(...values).toFixed(0)} ms`);
}

async function drawAll(page) {
    const box = await page.run("document.getElementById('pad').getBoundingClientRect().toJSON()");
    const at = ([x, y]) => [box.x + x * box.width / 280, box.y + y * box.height / 280];
    for (const {strokes} of drawings.slice(0, DRAWINGS)) {
        for (const stroke of strokes) {
            await page.mouse('mouseMoved', at(stroke[0]), false);
            await page.mouse('mousePressed', at(stroke[0]), true);
            for (const point of stroke.slice(1)) await page.mouse('mouseMoved', at(point), true);
            await page.mouse('mouseReleased', at(stroke.at(-1)), false);
        }
        await page.waitFor("!document.getElementById('best').classList.contains('stale')");
        await page.run("document.getElementById('clear').click()");
    }
}

function tell({points, requests}, cpuSeconds) {
    const answered = points.filter(({frame}) => frame !== undefined);
    console.log(`${clients} other clients, ${pauseMs} ms between their requests: ${points.length} points, ` +
                `${answered.length} answered, ${requests.length} requests, ` +
                `${(1000 * cpuSeconds / points.length).toFixed(1)} ms of the browser's CPUs per point`);
    for (const [name, lasts] of STAGES) {
        const values = answered.map((point) => lasts(point, requests[point.request]));
        const [p50, p95] = [0.5, 0.95].map((q) => quantile(values, q).toFixed(1).padStart(6));
        console.log(`${name.padEnd(30)} p50 ${p50} ms, p95 ${p95} ms`);
    }
}

async function measureStrokes(browser, url) {
    const page = await browser.open(url, watch);
    await page.waitFor("document.querySelector('#server.up') !== null");
    const before = await browser.cpuSeconds();
    await drawAll(page);
    const after = await browser.cpuSeconds();
    tell(await page.run(`(${collect})()`), after - before);
    await page.close();
}

async function startDaemon() {
    const child = spawn(process.env.LSTMD ?? 'build/lstmd', ['serve', '--port', '0', '--log-level', 'warn'],
                        {stdio: ['ignore', 'pipe', 'inherit']});
    for await (const line of createInterface({input: child.stdout}))
        return {child, url: /http:\S+$/.exec(line)[0]};
    throw new Error('the daemon did not start');
}

function startLoad(url) {
    if (clients === '0') return null;
    return spawn('wrk', ['-t1', `-c${clients}`, '-d300s', '-s', 'tests/bench/post.lua',
                         `${url}/v1/models/mnist:predict`],
                 {stdio: 'ignore', env: {...process.env, BODY: 'tests/data/mnist/digit.json',
                                         CT: 'application/json', PAUSE_MS: pauseMs}});
}

const {child, url} = await startDaemon();
const browser = new Chromium(process.env.CHROMIUM ?? '/usr/bin/chromium');
let load = null;
try {
    await measureOpening(browser, url);
    load = startLoad(url);
    await measureStrokes(browser, url);
} finally {
    load?.kill();
    await browser.close();
    child.kill();
}

/* browser.mjs: the demo page in Chromium, against the daemon. SPDX-License-Identifier: Apache-2.0
 *
 * Needs chromium and npm's playwright-core, where NODE_PATH points; without them it says so and
 * ends well. With SCREENSHOTS=FOLDER it leaves pictures to look at. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {accessSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';

import {drawings} from './drawings.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const LSTMD = process.env.LSTMD ?? 'build/lstmd';
const LEAST_RIGHT = 28; // of 30 drawings
const PATIENCE_MS = 120000;
const OF_A_SERVER_THAT_ENDS = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|status of 503/;
const MOST_BYTES = 150 * 1000; // of the whole page

function findPlaywright() {
    try {
        accessSync(CHROMIUM);
        return createRequire(import.meta.url)('playwright-core').chromium;
    } catch (error) {
        console.log(`test-web: no browser test: ${error.message.split('\n')[0]}`);
        return null;
    }
}

/* A daemon that can be stopped and started again on its port; it ends with this program. */
class Daemon {
    constructor(models, ...options) {
        this.models = models;
        this.options = options;
        this.port = 0;
        process.on('exit', () => this.child?.kill('SIGKILL'));
    }

    async start() {
        this.child = spawn(LSTMD, ['serve', '--models', this.models, '--port', String(this.port),
                                   '--log-level', 'warn', ...this.options],
                           {stdio: ['ignore', 'pipe', 'inherit']});
        this.ended = new Promise((resolve) => this.child.once('exit', resolve));
        for await (const line of createInterface({input: this.child.stdout})) {
            this.url = /http:\S+$/.exec(line)[0];
            this.port = Number(new URL(this.url).port);
            return;
        }
        throw new Error('the daemon did not start');
    }

    stop() {
        this.child.kill('SIGTERM');
        return this.ended;
    }
}

async function draw(page, strokes) {
    const box = await page.locator('#pad').boundingBox();
    const at = ([x, y]) => [box.x + x * box.width / 280, box.y + y * box.height / 280];
    for (const stroke of strokes) {
        await page.mouse.move(...at(stroke[0]));
        await page.mouse.down();
        for (const point of stroke) await page.mouse.move(...at(point));
        await page.mouse.up();
    }
}

/* Waits until the answer is that of the drawing as it is. */
async function answered(page) {
    await page.waitForFunction(() => !document.getElementById('best').classList.contains('stale'));
    return page.locator('#best').textContent();
}

async function clear(page) {
    if (await page.locator('#clear').isEnabled()) await page.locator('#clear').click();
    await page.waitForFunction(() => document.getElementById('best').textContent === '?');
}

async function shoot(page, name) {
    const folder = process.env.SCREENSHOTS;
    if (folder) await page.screenshot({path: path.join(folder, `${name}.png`), fullPage: true});
}

/* Opens the page and watches it: what it asks of others, and what its console complains of. */
async function open(browser, url, options) {
    const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...options});
    const page = await context.newPage();
    const complaints = [];
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('request', (request) => {
        if (!request.url().startsWith(url)) complaints.push(`asked ${request.url()}`);
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
        if (message.type() === 'error' && !OF_A_SERVER_THAT_ENDS.test(message.text()))
            complaints.push(message.text());
    });
    await page.goto(url);
    await page.waitForSelector('#server.up');
    return {page, complaints};
}

async function assertNoOverflow(page) {
    const [content, room] = await page.evaluate(() =>
        [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= room, `the page is ${content} wide in ${room}`);
}

/* No violation of axe-core's rules, where that is installed. */
async function assertAccessible(page) {
    let source;
    try {
        source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    } catch {
        console.log('browser: axe-core is not installed');
        return;
    }
    await page.evaluate(source);
    const {violations} = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({id, nodes}) => `${id}: ${nodes.map((n) => n.html)}`), []);
}

/* The page's own files are small, and what they may do is said strictly. */
async function testSize(browser, url) {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    let bytes = 0, policy = '';
    page.on('response', async (response) => {
        if (response.url() === `${url}/`) policy = response.headers()['content-security-policy'];
        if (/\/([^/]*\.(js|css|svg|html))?$/.test(response.url()))
            bytes += Number(response.headers()['content-length']);
    });
    await page.goto(`${url}/`);
    await page.waitForSelector('#server.up');
    assert.ok(bytes > 0 && bytes <= MOST_BYTES, `the page has ${bytes} bytes`);
    assert.match(policy, /default-src|script-src/);
    assert.doesNotMatch(policy, /unsafe-/);
    await page.close();
}

async function testDrawings(page) {
    const wrong = [];
    for (const {digit, hand, strokes} of drawings) {
        await clear(page);
        await draw(page, strokes);
        if (await answered(page) !== String(digit)) wrong.push(`${digit} of ${hand}`);
    }
    console.log(`browser: ${drawings.length - wrong.length} of ${drawings.length} drawings read`);
    assert.ok(drawings.length - wrong.length >= LEAST_RIGHT, `wrong: ${wrong.join(', ')}`);
}

async function testBars(page) {
    const shares = await page.locator('#bars li .text').allTextContents();
    assert.equal(shares.length, 10);
    const total = shares.reduce((sum, text) => sum + parseFloat(text), 0);
    assert.ok(Math.abs(total - 100) < 1, `${shares}`);
}

async function testReading(page) {
    await page.locator('#read').click();
    await page.waitForSelector('#reading:not([hidden])');
    const step = page.locator('#step'), text = page.locator('#step-text');
    const best = await page.locator('#best').textContent();
    while (await page.locator('#play').textContent() === 'Pause') await page.locator('#play').click();
    await step.fill('28');
    assert.match(await text.textContent(), new RegExp(`^After row 28 of 28: ${best}, `));
    await step.fill('3');
    assert.match(await text.textContent(), /^After row 3 of 28: /);
    await page.locator('#play').click();
    await page.waitForFunction(() => document.getElementById('play').textContent === 'Play');
    assert.match(await text.textContent(), /^After row 28 /);
    assert.equal(await page.locator('#maps canvas').count(), 6);
}

async function testCurl(page, url) {
    await clear(page);
    await draw(page, drawings[0].strokes);
    await answered(page);
    const shown = await page.locator('#curl').textContent();
    assert.ok(shown.startsWith(`curl -s ${url}/v1/models/mnist:predict -d '{"instances":[[`), shown);
    await page.locator('#copy').click();
    await page.waitForFunction(() => document.getElementById('copied').textContent !== '');
    assert.match(await page.locator('#copied').textContent(), /^Copied/);
}

async function testKeyboard(page) {
    await clear(page);
    await page.locator('#pad').focus();
    const press = async (key, times) => {
        for (let k = 0; k < times; k++) await page.keyboard.press(key);
    };
    await press('ArrowUp', 6);
    await press('Space', 1);
    await press('ArrowDown', 12);
    await press('Space', 1);
    assert.equal(await answered(page), '1');
    await press('Backspace', 1);
    assert.equal(await page.locator('#best').textContent(), '?');
}

/* Each step brings the answer nearer to what it is told; what it learned can be forgotten. */
async function testTeaching(page) {
    const share = async (digit) =>
        parseFloat(await page.locator('#bars li .text').nth(digit).textContent());
    await clear(page);
    await draw(page, drawings[1].strokes);
    await answered(page);
    assert.ok(await share(7) < 50);
    for (let step = 1; step <= 60 && await share(7) < 90; step++) {
        await page.getByRole('button', {name: 'It is 7'}).click();
        await page.waitForFunction((text) =>
            document.getElementById('teach-text').textContent.startsWith(text), `Step ${step}:`);
        await answered(page);
    }
    assert.ok(await share(7) >= 50, 'it did not learn');
    await shoot(page, 'taught');
    page.once('dialog', (dialog) => dialog.accept());
    await page.locator('#publish').click();
    await page.waitForFunction(() =>
        document.getElementById('teach-text').textContent === 'Published as version 2.');
    assert.equal(await page.locator('#server-text').textContent(), 'mnist, version 2');
    await page.getByRole('button', {name: 'It is 1'}).click();
    await page.waitForFunction(() => document.getElementById('teach-text').textContent.startsWith('Step '));
    await page.locator('#reset').click();
    await page.waitForFunction(() => document.getElementById('teach-text').textContent.startsWith('The model is as published'));
}

async function testFigures(page) {
    await page.waitForFunction(() => /\d/.test(document.getElementById('p95').textContent));
    await page.waitForFunction(() => document.querySelectorAll('#batches li').length > 1);
}

/* The server stops and comes back: the page says so and goes on by itself. */
async function testRestart(page, daemon) {
    await daemon.stop();
    await page.waitForSelector('#server.down');
    await page.waitForSelector('#banner:not([hidden])');
    await draw(page, [[[140, 40], [140, 240]]]);
    assert.equal(await page.locator('#said').textContent(), 'Waiting for the answer.');
    await shoot(page, 'stopped');
    await daemon.start();
    await page.waitForSelector('#server.up');
    await page.waitForSelector('#banner', {state: 'hidden'});
    assert.equal(await answered(page), '1');
}

async function testLayouts(browser, url) {
    for (const [name, options] of Object.entries({
        phone: {viewport: {width: 360, height: 740}, hasTouch: true, isMobile: true, deviceScaleFactor: 2},
        'phone-dark': {viewport: {width: 360, height: 740}, colorScheme: 'dark'},
        tablet: {viewport: {width: 768, height: 1024}},
        dark: {colorScheme: 'dark', reducedMotion: 'reduce'}})) {
        const {page, complaints} = await open(browser, url, options);
        await draw(page, drawings[5].strokes);
        await answered(page);
        await page.locator('#read').click();
        await page.waitForSelector('#reading:not([hidden])');
        if (options.reducedMotion) assert.equal(await page.locator('#play').textContent(), 'Play');
        await assertNoOverflow(page);
        await assertAccessible(page);
        await shoot(page, name);
        assert.deepEqual(complaints, []);
        await page.context().close();
    }
}

/* A server with keys: the page asks for one, says if it is wrong, and goes on with a good one; what
 * the key does not allow is not offered. */
async function testKeys(browser, models) {
    const keys = path.join(models, '..', `${path.basename(models)}-keys`);
    const digest = createHash('sha256').update('a-long-key').digest('hex');
    writeFileSync(keys, `predict sha256:${digest} page\n`, {mode: 0o600});
    const daemon = new Daemon(models, '--api-keys', keys);
    await daemon.start();
    try {
        const page = await browser.newPage();
        page.setDefaultTimeout(PATIENCE_MS);
        await page.goto(daemon.url);
        await page.locator('#key').fill('another-key');
        await page.locator('#key-form button').click();
        await page.waitForSelector('#banner:not([hidden])');
        await shoot(page, 'key');
        await page.locator('#key').fill('a-long-key');
        await page.locator('#key-form button').click();
        await page.waitForSelector('#server.up');
        await draw(page, drawings[7].strokes);
        assert.equal(await answered(page), '7');
        assert.match(await page.locator('#curl').textContent(), / -H "Authorization: Bearer \$KEY" /);
        assert.ok(await page.locator('#teach-panel').isHidden());
        assert.ok(await page.locator('#key-form').isHidden());
    } finally {
        rmSync(keys);
        await daemon.stop();
    }
}

async function testAll(browser, models) {
    const daemon = new Daemon(models);
    await daemon.start();
    try {
        const permissions = ['clipboard-read', 'clipboard-write'];
        const {page, complaints} = await open(browser, daemon.url, {permissions});
        await shoot(page, 'empty');
        await testSize(browser, daemon.url);
        await testDrawings(page);
        await testBars(page);
        await testReading(page);
        await testFigures(page);
        await shoot(page, 'wide');
        await assertNoOverflow(page);
        await testCurl(page, daemon.url);
        await testKeyboard(page);
        await testLayouts(browser, daemon.url);
        await testRestart(page, daemon);
        await testTeaching(page);
        assert.deepEqual(complaints, []);
    } finally {
        await daemon.stop();
    }
}

const patience = setTimeout(() => {
    console.error('browser: it hangs');
    process.exit(1);
}, 15 * PATIENCE_MS);
const chromium = findPlaywright();
if (chromium !== null) {
    const browser = await chromium.launch({
        executablePath: CHROMIUM, headless: true,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
               '--disable-background-networking', '--disable-component-update', '--disable-sync']});
    const models = mkdtempSync(path.join(tmpdir(), 'lstmd-models-'));
    try {
        cpSync('models/mnist', path.join(models, 'mnist'), {recursive: true});
        await testKeys(browser, models);
        await testAll(browser, models);
        console.log('browser: passed');
    } finally {
        await browser.close();
        rmSync(models, {recursive: true, force: true});
    }
}
clearTimeout(patience);

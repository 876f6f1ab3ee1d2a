/* main.js: the page: a drawing, what is made of it, and how the server is.
 * SPDX-License-Identifier: Apache-2.0 */
import {client, curlOf, numbersOf} from './api.js';
import {Figures} from './figures.js';
import {SHEET} from './ink.js';
import {Pad} from './pad.js';
import {paintDigit, percent, showBars} from './pixels.js';
import {prepare} from './prepare.js';
import {Reading, stateBody} from './reading.js';
import {Teaching} from './teach.js';

const RETRY_MS = 1000;

const find = (id) => document.getElementById(id);

let model = '', labels = [];
let pixels = null;    // what the model sees; null: nothing is drawn
let curl = null;      // the line that is shown
let isAsking = false; // one prediction is in flight at a time
let isStale = false;  // the drawing changed meanwhile
let isDown = false;

const pad = new Pad(find('pad'), drawingChanged);
const reading = new Reading();
const teaching = new Teaching({drawing: () => pixels, learned, published, failed});

function showServer(kind, text) {
    find('server').className = `pill ${kind}`;
    if (find('server-text').textContent !== text) find('server-text').textContent = text;
}

function showBanner(text) {
    find('banner').hidden = text === '';
    if (find('banner').textContent !== text) find('banner').textContent = text;
}

/** Says kindly what went wrong, and sees to it that the page recovers. */
function failed(error) {
    if (error.status === undefined) throw error;
    if (error.status === 401 || error.status === 403) {
        find('key-form').hidden = false;
        showServer('down', 'Key needed');
        showBanner(find('key').value === '' ? '' : `That key did not do: ${error.message}.`);
    } else if (error.status === 0 || error.status === 502 || error.status === 503) {
        const why = error.status === 503 ? 'The server is busy or stopping'
                                         : 'The server does not answer';
        showBanner(`${why}. Your drawing is safe; this page goes on when it is back.`);
        showServer('down', error.status === 503 ? 'Busy' : 'Not reachable');
        if (!isDown) setTimeout(recover, (error.retryAfter || RETRY_MS / 1000) * 1000);
        isDown = true;
    } else {
        showBanner(`That did not work: ${error.message}.`);
    }
}

async function recover() {
    try {
        await connect();
    } catch (error) {
        isDown = false;
        failed(error);
        if (error.status === 404) setTimeout(recover, RETRY_MS); // it may be loaded later
    }
}

/* Finds the model to talk to. Throws LstmdError. */
async function connect() {
    const {models} = await client.models();
    const asked = new URLSearchParams(location.search).get('model') ?? 'mnist';
    const found = models.find((one) => one.name === asked) ?? models[0];
    isDown = false;
    find('key-form').hidden = true;
    if (found === undefined) {
        showServer('up', 'No model');
        showBanner('The server has no model yet. This page goes on when it has one.');
        setTimeout(recover, RETRY_MS);
        return;
    }
    model = found.name;
    const {model_spec: spec, metadata} = await client.metadata(model);
    labels = metadata.labels ?? Array.from({length: 10}, (_, k) => String(k));
    published(spec.version);
    showBanner('');
    showAnswer(null);
    drawingChanged(true);
    await teaching.offer(model, labels);
}

function drawingChanged(isStrokeDone) {
    pixels = prepare(pad.sheet, SHEET, SHEET);
    paintDigit(find('seen'), pixels);
    find('pad-invitation').hidden = !pad.isEmpty;
    find('undo').disabled = find('clear').disabled = pad.isEmpty;
    find('read').disabled = pixels === null;
    if (pixels === null) {
        showAnswer(null);
        reading.close();
        return;
    }
    find('best').classList.add('stale');
    if (find('best').textContent === '?') find('said').textContent = 'Waiting for the answer.';
    recognise();
    if (isStrokeDone && reading.isOpen) read(false);
}

function predictBody() {
    return {instances: [numbersOf(pixels)]};
}

/** Asks about the drawing as it is, and once more if it changed meanwhile. */
async function recognise() {
    isStale = true;
    if (isAsking || isDown || model === '') return;
    isAsking = true;
    try {
        while (isStale && pixels !== null) {
            isStale = false;
            const body = predictBody(), begun = performance.now();
            const predictions = await client.predict(model, body);
            showAnswer(pixels === null ? null : predictions[0], performance.now() - begun);
            showCurl(curlOf(model, 'predict', body));
            showBanner('');
        }
    } catch (error) {
        failed(error);
    } finally {
        isAsking = false;
    }
}

function showAnswer(shares, tookMs) {
    const none = shares === null, best = none ? -1 : shares.indexOf(Math.max(...shares));
    const said = none ? 'Nothing is drawn yet.' : `${percent(shares[best])} sure`;
    find('best').textContent = none ? '?' : labels[best];
    find('best').classList.toggle('stale', none || isStale);
    find('said').textContent = said;
    find('timing').textContent = none ? '' : `answered in ${tookMs.toFixed(1)} ms`;
    showBars(find('bars'), labels.map((label, k) => {
        const share = none ? 0 : shares[k];
        return {name: label, share, text: none ? '' : percent(share)};
    }));
    if (!isStale && pad.pointer === null) find('spoken').textContent = none ? said : `${labels[best]}, ${said}`;
}

/** Lets the LSTM read the drawing row by row. */
async function read(isPlayed) {
    try {
        await reading.load(model, labels, pixels);
        showCurl(curlOf(model, 'state', stateBody(pixels)));
        if (isPlayed && !matchMedia('(prefers-reduced-motion: reduce)').matches) reading.play();
    } catch (error) {
        failed(error);
    }
}

function published(version) {
    showServer('up', `${model}, version ${version}`);
}

/* The model may answer otherwise now. */
async function learned(line) {
    if (pixels === null) return;
    await recognise();
    if (reading.isOpen) await read(false);
    if (line !== null) showCurl(line);
}

function showCurl(line) {
    curl = line;
    find('curl').textContent = line.shown;
    find('copy').disabled = false;
}

/* Outside https and localhost, browsers have no clipboard for scripts. */
function copyFromSelection(text) {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
}

async function copyCurl() {
    let isDone = true;
    try {
        await navigator.clipboard.writeText(curl.whole);
    } catch {
        isDone = copyFromSelection(curl.whole);
    }
    find('copied').textContent = isDone ? 'Copied, with all its numbers.' : 'The browser did not let it be copied.';
}

find('undo').addEventListener('click', () => pad.undo());
find('clear').addEventListener('click', () => pad.clear());
find('read').addEventListener('click', () => read(true));
find('copy').addEventListener('click', copyCurl);
find('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    client.apiKey = find('key').value.trim();
    recover();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => paintDigit(find('seen'), pixels));
recover();
new Figures(client, failed);

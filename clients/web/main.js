/* main.js: the page: a drawing, what is made of it, and how the server is.
 * SPDX-License-Identifier: Apache-2.0 */
import {client, curlOf, numbersOf} from './api.js';
import {Figures} from './figures.js';
import {SHEET} from './ink.js';
import {Newest} from './newest.js';
import {Pad} from './pad.js';
import {inNextFrame, paintDigit, percent, setText, showBars} from './pixels.js';
import {prepare} from './prepare.js';
import {Reading, stateBody} from './reading.js';
import {Teaching} from './teach.js';

const RETRY_MS = 1000;
const REST_MS = 300; // without a new stroke, before the drawing is read row by row again
const LATE_MS = 250; // without an answer, before the last one is shown as old

const find = (id) => document.getElementById(id);

let model = '', labels = [];
let pixels = null; // what the model sees; null: nothing is drawn
let curl = null;   // the line that is shown
let isDown = false;
let rest = 0, late = 0; // timers

const predictions = new Newest({ask, taken: answered, failed});
const pad = new Pad(find('pad'), drawingChanged);
const paintSeen = inNextFrame(() => paintDigit(find('seen'), pixels));
const reading = new Reading();
const teaching = new Teaching({drawing: () => pixels, learned, published, failed});

function showServer(kind, text) {
    find('server').className = `pill ${kind}`;
    setText(find('server-text'), text);
}

function showBanner(text) {
    find('banner').hidden = text === '';
    setText(find('banner'), text);
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

/* The question goes out first: all that is shown can wait for the next frame. */
function drawingChanged(isStrokeDone) {
    if (pad.isEmpty) predictions.forget();
    else recognise();
    if (isStrokeDone || isDown) {
        see();
        paintSeen();
    }
    showWhetherDrawn(!pad.isEmpty);
    if (pad.isEmpty) {
        showAnswer(null);
        reading.close();
    } else if (find('best').textContent === '?') {
        setText(find('said'), 'Waiting for the answer.');
    }
    clearTimeout(rest);
    if (isStrokeDone && reading.isOpen) rest = setTimeout(() => read(false), REST_MS);
}

function showWhetherDrawn(isDrawn) {
    find('pad-invitation').hidden = isDrawn;
    find('undo').disabled = find('clear').disabled = find('read').disabled = !isDrawn;
}

function see() {
    pixels = prepare(pad.sheet, SHEET, SHEET);
}

function ask() {
    see();
    return client.predict(model, pixels);
}

/** Asks about the drawing as it is. */
async function recognise() {
    const asked = isDown || model === '' ? null : predictions.askNow();
    markOld(true);
    await asked;
}

/* `stale` tells that another answer is to come; it shows only if that takes long. */
function markOld(isOld) {
    const {classList} = find('best');
    classList.toggle('stale', isOld);
    if (!isOld) {
        clearTimeout(late);
        late = 0;
        classList.remove('late');
    } else if (late === 0) {
        late = setTimeout(() => classList.add('late'), LATE_MS);
    }
}

/* While a stroke is drawn, only what it is about is shown. */
function answered([shares], tookMs) {
    showAnswer(shares, tookMs);
    paintSeen();
    if (pad.isDrawing) return;
    showCurl(curlOf(model, 'predict', {instances: [numbersOf(pixels)]}));
    showBanner('');
}

function showAnswer(shares, tookMs) {
    const none = shares === null, best = none ? -1 : shares.indexOf(Math.max(...shares));
    const said = none ? 'Nothing is drawn yet.' : `${percent(shares[best])} sure`;
    showBars(find('bars'), labels.map((label, k) => {
        const share = none ? 0 : shares[k];
        return {name: label, share, text: none ? '' : percent(share)};
    }));
    setText(find('best'), none ? '?' : labels[best]);
    markOld(none || !predictions.isAnswered);
    setText(find('said'), said);
    setText(find('timing'), none ? '' : `answered in ${tookMs.toFixed(1)} ms`);
    if (predictions.isAnswered && !pad.isDrawing)
        setText(find('spoken'), none ? said : `${labels[best]}, ${said}`);
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
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintSeen);
recover();
new Figures(client, {failed, isQuiet: () => !pad.isDrawing});

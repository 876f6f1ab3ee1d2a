/* reading.js: the LSTM reads the rows one at a time. SPDX-License-Identifier: Apache-2.0
 *
 * Two calls give all of it: :state with the trace and the gates, and :predict of 28 copies of the
 * drawing, copy t with a sequence_length of t, which are the answers after each row. */
import {client, numbersOf} from './api.js';
import {paintDigit, paintMap, percent} from './pixels.js';
import {SIDE} from './prepare.js';

const FRAME_MS = 140; // for each row while it plays
const PARTS = [
    ['c', 'the cell state', 'trace'], ['h', 'the output', 'trace'], ['j', 'what is new', 'gates'],
    ['i', 'input gate', 'gates'], ['f', 'forget gate', 'gates'], ['o', 'output gate', 'gates']];
const SIGNED = 'chj';

const find = (id) => document.getElementById(id);

/** The body that asks for everything within, as the curl line shows it. */
export function stateBody(pixels) {
    return {instances: [numbersOf(pixels)], trace: true, gates: true};
}

function prefixesBody(pixels) {
    const numbers = numbersOf(pixels), rows = [];
    for (let y = 0; y < SIDE; y++) rows.push(numbers.slice(y * SIDE, (y + 1) * SIDE));
    const lengths = rows.map((_, y) => y + 1);
    return {inputs: {input: Array(SIDE).fill(rows), sequence_length: lengths}};
}

/* [steps][units] of the first recurrent layer. */
function partOf(states, source, name) {
    const layer = Array.isArray(states[source]) ? states[source][0] : states[source];
    return layer[name] === undefined ? null : layer[name][0];
}

export class Reading {
    constructor() {
        this.pixels = this.states = this.answers = null;
        this.labels = [];
        this.timer = 0;
        this.maps = PARTS.map(([name, what]) => this.addMap(name, what));
        find('step').addEventListener('input', () => {
            this.pause();
            this.show();
        });
        find('play').addEventListener('click', () => this.timer !== 0 ? this.pause() : this.play());
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.show());
    }

    get isOpen() {
        return !find('reading').hidden;
    }

    addMap(name, what) {
        const figure = document.createElement('figure'), canvas = document.createElement('canvas');
        const caption = document.createElement('figcaption'), bold = document.createElement('b');
        canvas.className = 'pixels';
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', `${name}, ${what}, of each unit after each row`);
        bold.textContent = name;
        caption.append(bold, ` ${what}`);
        figure.append(canvas, caption);
        find('maps').append(figure);
        return canvas;
    }

    /** Asks for everything about a drawing and shows it. Throws LstmdError. */
    async load(model, labels, pixels) {
        const [states, answers] = await Promise.all([
            client.state(model, stateBody(pixels)), client.predict(model, prefixesBody(pixels))]);
        const c = partOf(states, 'trace', 'c') ?? partOf(states, 'trace', 'h');
        const last = c[c.length - 1];
        this.order = last.map((_, unit) => unit).sort((a, b) => last[b] - last[a]);
        this.bound = Math.max(1, ...c.flat().map(Math.abs));
        Object.assign(this, {pixels, states, labels, answers});
        find('reading').hidden = false;
        find('class-names').replaceChildren(...labels.map((label) => {
            const name = document.createElement('span');
            name.textContent = label;
            return name;
        }));
        this.show();
    }

    close() {
        this.pause();
        this.states = null;
        find('reading').hidden = true;
    }

    play() {
        const slider = find('step');
        if (Number(slider.value) >= SIDE) slider.value = 1;
        find('play').textContent = 'Pause';
        this.show();
        this.timer = setInterval(() => {
            slider.value = Number(slider.value) + 1;
            this.show();
            if (Number(slider.value) >= SIDE) this.pause();
        }, FRAME_MS);
    }

    pause() {
        clearInterval(this.timer);
        this.timer = 0;
        find('play').textContent = 'Play';
    }

    show() {
        if (this.states === null) return;
        const end = Number(find('step').value), now = this.answers[end - 1];
        const best = now.indexOf(Math.max(...now));
        const text = `After row ${end} of ${SIDE}: ${this.labels[best]}, ${percent(now[best])}`;
        find('step-text').textContent = text;
        find('step').setAttribute('aria-valuetext', text);
        paintDigit(find('rows'), this.pixels, end);
        const classes = find('classes');
        classes.height = this.labels.length;
        paintMap(classes, this.answers, now.map((_, k) => k), {bound: 1, isSigned: false, end});
        PARTS.forEach(([name, , source], k) => this.showMap(this.maps[k], name, source, end));
    }

    showMap(canvas, name, source, end) {
        const values = partOf(this.states, source, name);
        canvas.parentElement.hidden = values === null;
        if (values === null) return;
        canvas.width = values.length;
        canvas.height = values[0].length;
        const bound = name === 'c' ? this.bound : 1;
        paintMap(canvas, values, this.order, {bound, isSigned: SIGNED.includes(name), end});
    }
}

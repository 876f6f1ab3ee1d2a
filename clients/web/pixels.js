/* pixels.js: arrays of numbers as pictures, and bars. SPDX-License-Identifier: Apache-2.0 */

/* Colours are laid over the page's with an opacity, so that they suit the dark mode, too. */
const INK = 'ink', POSITIVE = 'positive', NEGATIVE = 'negative', GATE = 'gate';

let scheme = null;
const colours = {}; // by whether the scheme is dark

/** A function that has paint() called in the next frame, once, however often it is called. */
export function inNextFrame(paint) {
    let isAsked = false;
    const run = () => {
        isAsked = false;
        paint();
    };
    return () => {
        if (!isAsked) requestAnimationFrame(run);
        isAsked = true;
    };
}

/* The red, green and blue of the custom properties of the page. Asking for them costs a layout. */
function coloursOfPage() {
    scheme ??= matchMedia('(prefers-color-scheme: dark)');
    return colours[scheme.matches] ??= readColours();
}

function readColours() {
    const style = getComputedStyle(document.documentElement), read = {};
    for (const name of [INK, POSITIVE, NEGATIVE, GATE])
        read[name] = style.getPropertyValue(`--${name}-rgb`).trim().split(/[ ,]+/).map(Number);
    return read;
}

function paint(canvas, colourAt) {
    const {width, height} = canvas, context = canvas.getContext('2d');
    const image = context.createImageData(width, height), {data} = image;
    for (let k = 0; k < width * height; k++) {
        const [[red, green, blue], opacity] = colourAt(k % width, Math.floor(k / width));
        data[4 * k] = red;
        data[4 * k + 1] = green;
        data[4 * k + 2] = blue;
        data[4 * k + 3] = Math.round(255 * Math.min(1, opacity));
    }
    context.putImageData(image, 0, 0);
}

/** 28x28 bytes; rows from `end` on are faint, the one before it is marked. */
export function paintDigit(canvas, pixels, end = Infinity) {
    const colours = coloursOfPage(), {width} = canvas;
    paint(canvas, (x, y) => {
        const ink = pixels === null ? 0 : pixels[y * width + x] / 255;
        if (y === end - 1) return [colours.positive, 0.25 + 0.75 * ink];
        return [colours.ink, y < end ? ink : 0.15 * ink];
    });
}

/** values[step][row] by the order of rows, signed within +-bound or 0 to bound; `end` steps. */
export function paintMap(canvas, values, order, {bound, isSigned, end}) {
    const colours = coloursOfPage();
    paint(canvas, (x, y) => {
        if (x >= end) return [colours.ink, 0.04];
        const value = values[x][order[y]];
        const colour = !isSigned ? colours.gate : value < 0 ? colours.negative : colours.positive;
        return [colour, Math.abs(value) / bound];
    });
}

/** A line through values, the last at the right edge of `room` of them. */
export function paintLine(canvas, values, room) {
    const ratio = devicePixelRatio || 1, context = canvas.getContext('2d');
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    context.lineJoin = 'round';
    const top = Math.max(1, ...values), first = room - values.length;
    context.beginPath();
    values.forEach((value, k) => {
        const x = (first + k) * (width - 2) / (room - 1) + 1;
        context.lineTo(x, height - 2 - value / top * (height - 4));
    });
    context.stroke();
}

/** Sets an element's text; one that is the same costs nothing. */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

function addRow(list) {
    const item = document.createElement('li');
    for (const part of ['name', 'track', 'text']) {
        const span = document.createElement('span');
        span.className = part;
        item.append(span);
    }
    item.children[1].append(document.createElement('i'));
    list.append(item);
}

/** Rows of a list: name, bar, text. `rows`: [{name, share, text}]. */
export function showBars(list, rows) {
    while (list.children.length > rows.length) list.lastElementChild.remove();
    while (list.children.length < rows.length) addRow(list);
    const most = Math.max(...rows.map((row) => row.share));
    rows.forEach((row, k) => {
        const item = list.children[k], [name, track, text] = item.children;
        setText(name, row.name);
        setText(text, row.text);
        track.firstElementChild.style.transform = `scaleX(${row.share})`;
        item.classList.toggle('best', row.share > 0 && row.share === most);
    });
}

/** "97.3 %". */
export function percent(share) {
    return `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}

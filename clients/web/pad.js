/* pad.js: the sheet to draw on, with a pointer or with keys. SPDX-License-Identifier: Apache-2.0 */
import {SHEET, PEN, blankSheet, drawStrokes, drawLine} from './ink.js';

const STEP = 14, SMALL_STEP = 4; // of the keyboard's pen
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class Pad {
    /** changed(isStrokeDone) is called whenever there is more or less ink. */
    constructor(canvas, changed) {
        this.canvas = canvas;
        this.changed = changed;
        this.strokes = [];
        this.sheet = blankSheet();
        this.pointer = null;                  // the one that draws
        this.cursor = [SHEET / 2, SHEET / 2]; // the keyboard's pen
        this.isPenDown = false;
        this.hasKeys = false;
        const listen = (name, handle) => canvas.addEventListener(name, handle.bind(this));
        listen('pointerdown', this.begin);
        listen('pointermove', this.move);
        listen('pointerup', this.end);
        listen('pointercancel', this.end);
        listen('keydown', this.press);
        listen('blur', this.leave);
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paint());
        new ResizeObserver(() => this.fit()).observe(canvas);
    }

    get isEmpty() {
        return this.strokes.length === 0;
    }

    clear() {
        this.restart([]);
    }

    undo() {
        this.restart(this.strokes.slice(0, -1));
    }

    restart(strokes) {
        this.strokes = strokes;
        this.sheet = drawStrokes(blankSheet(), strokes);
        this.pointer = null;
        this.isPenDown = false;
        this.paint();
        this.changed(true);
    }

    pointOf(event) {
        const frame = this.canvas.getBoundingClientRect();
        const unit = SHEET / frame.width;
        const tenths = (value) => Math.round(value * unit * 10) / 10;
        return [tenths(event.clientX - frame.left), tenths(event.clientY - frame.top)];
    }

    startStroke(point) {
        this.strokes.push([point]);
        drawLine(this.sheet, ...point, ...point);
    }

    addPoint(point) {
        const stroke = this.strokes[this.strokes.length - 1];
        drawLine(this.sheet, ...stroke[stroke.length - 1], ...point);
        stroke.push(point);
    }

    begin(event) {
        if (this.pointer !== null || event.button !== 0) return;
        event.preventDefault();
        this.canvas.focus({preventScroll: true});
        this.canvas.setPointerCapture(event.pointerId);
        this.pointer = event.pointerId;
        this.hasKeys = this.isPenDown = false;
        this.startStroke(this.pointOf(event));
        this.paint();
        this.changed(false);
    }

    move(event) {
        if (event.pointerId !== this.pointer) return;
        const all = event.getCoalescedEvents?.() ?? [];
        for (const one of all.length > 0 ? all : [event]) this.addPoint(this.pointOf(one));
        this.paint();
        this.changed(false);
    }

    end(event) {
        if (event.pointerId !== this.pointer) return;
        this.pointer = null;
        this.changed(true);
    }

    press(event) {
        if (event.ctrlKey || event.altKey || event.metaKey || this.pointer !== null) return;
        if (event.key in ARROWS) this.steer(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP);
        else if (event.key === ' ' || event.key === 'Enter') this.togglePen();
        else if (event.key === 'Backspace') this.undo();
        else if (event.key === 'Delete') this.clear();
        else return;
        event.preventDefault();
        this.hasKeys = true;
        this.paint();
    }

    steer([dx, dy], step) {
        const bound = (value) => Math.min(SHEET, Math.max(0, value));
        this.cursor = [bound(this.cursor[0] + dx * step), bound(this.cursor[1] + dy * step)];
        if (!this.isPenDown) return;
        this.addPoint(this.cursor);
        this.changed(false);
    }

    togglePen() {
        this.isPenDown = !this.isPenDown;
        if (this.isPenDown) this.startStroke(this.cursor);
        this.changed(!this.isPenDown);
    }

    leave() {
        if (this.isPenDown) this.togglePen();
        this.hasKeys = false;
        this.paint();
    }

    fit() {
        const side = Math.round(this.canvas.clientWidth * (devicePixelRatio || 1));
        if (side === 0 || side === this.canvas.width) return;
        this.canvas.width = this.canvas.height = side;
        this.paint();
    }

    paint() {
        const context = this.canvas.getContext('2d'), style = getComputedStyle(this.canvas);
        const unit = this.canvas.width / SHEET;
        context.setTransform(unit, 0, 0, unit, 0, 0);
        context.clearRect(0, 0, SHEET, SHEET);
        context.strokeStyle = style.color;
        context.lineWidth = PEN;
        context.lineCap = context.lineJoin = 'round';
        for (const stroke of this.strokes) {
            context.beginPath();
            context.moveTo(...stroke[0]);
            for (const point of stroke) context.lineTo(...point);
            context.stroke();
        }
        if (this.hasKeys) this.paintCursor(context, style);
    }

    paintCursor(context, style) {
        context.strokeStyle = style.caretColor;
        context.lineWidth = this.isPenDown ? 5 : 2;
        context.beginPath();
        context.arc(...this.cursor, PEN / 2 + 2, 0, 2 * Math.PI);
        context.stroke();
    }
}

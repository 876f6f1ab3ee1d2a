/* pad.js: the sheet to draw on, with a pointer or with keys. SPDX-License-Identifier: Apache-2.0 */
import {SHEET, PEN, blankSheet, drawStrokes, drawLine} from './ink.js';
import {inNextFrame} from './pixels.js';

const STEP = 14, SMALL_STEP = 4; // of the keyboard's pen
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class Pad {
    /** changed(isStrokeDone) is called whenever there is more or less ink, before it is painted: what
     * it asks others is on its way while this machine paints. */
    constructor(canvas, changed) {
        this.canvas = canvas;
        this.context = canvas.getContext('2d');
        this.changed = changed;
        this.strokes = [];
        this.sheet = blankSheet();
        this.pointer = null;                  // the one that draws
        this.cursor = [SHEET / 2, SHEET / 2]; // the keyboard's pen
        this.isPenDown = false;
        this.hasKeys = false;
        this.frame = null;       // the canvas in the page, while a stroke is drawn
        this.newest = 0;         // when its last point was
        this.hasNews = false;    // points that nobody was told of
        this.isAhead = false;    // somebody was told of points that the last frame had not
        this.lines = [];         // of the strokes, not painted yet
        this.isRestarted = true; // everything is to be painted
        this.paint = inNextFrame(() => this.paintNow());
        const listen = (name, handle) => canvas.addEventListener(name, handle.bind(this));
        listen('pointerdown', this.begin);
        listen('pointermove', this.move);
        listen('pointerrawupdate', this.move);
        listen('pointerup', this.end);
        listen('pointercancel', this.end);
        listen('keydown', this.press);
        listen('blur', this.leave);
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paintAnew());
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

    get isDrawing() {
        return this.pointer !== null;
    }

    restart(strokes) {
        this.strokes = strokes;
        this.sheet = drawStrokes(blankSheet(), strokes);
        this.pointer = null;
        this.isPenDown = false;
        this.changed(true);
        this.paintAnew();
    }

    measure() {
        const {left, top, width} = this.canvas.getBoundingClientRect();
        this.frame = {left: left + scrollX, top: top + scrollY, unit: SHEET / width};
    }

    pointOf(event) {
        const {left, top, unit} = this.frame;
        const tenths = (value) => Math.round(value * unit * 10) / 10;
        return [tenths(event.pageX - left), tenths(event.pageY - top)];
    }

    startStroke(point) {
        this.strokes.push([]);
        this.addLine(point, point);
    }

    addPoint(point) {
        const stroke = this.strokes[this.strokes.length - 1];
        this.addLine(stroke[stroke.length - 1], point);
    }

    addLine(from, to) {
        drawLine(this.sheet, ...from, ...to);
        this.strokes[this.strokes.length - 1].push(to);
        this.lines.push([from, to]);
    }

    begin(event) {
        if (this.isDrawing || event.button !== 0) return;
        event.preventDefault();
        this.canvas.focus({preventScroll: true});
        this.canvas.setPointerCapture(event.pointerId);
        this.pointer = event.pointerId;
        this.newest = event.timeStamp;
        if (this.hasKeys) this.paintAnew();
        this.hasKeys = this.isPenDown = this.hasNews = this.isAhead = false;
        this.measure();
        this.startStroke(this.pointOf(event));
        this.changed(false);
        this.paint();
    }

    /* Browsers keep pointermove back for the next frame. Where there is pointerrawupdate, a point is
     * taken at once: once per frame, for there are mice that tell a thousand points a second. */
    move(event) {
        if (event.pointerId !== this.pointer) return;
        const isFrame = event.type === 'pointermove', all = event.getCoalescedEvents?.() ?? [];
        const fresh = (all.length > 0 ? all : [event]).filter((one) => one.timeStamp > this.newest);
        for (const one of fresh) this.addPoint(this.pointOf(one));
        this.newest = fresh.at(-1)?.timeStamp ?? this.newest;
        this.hasNews ||= fresh.length > 0;
        if (this.hasNews && (isFrame || !this.isAhead)) {
            this.hasNews = false;
            this.changed(false);
        }
        this.isAhead = !isFrame;
        this.paint();
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
        this.paintAnew();
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
        this.paintAnew();
    }

    fit() {
        const side = Math.round(this.canvas.clientWidth * (devicePixelRatio || 1));
        if (side === 0 || side === this.canvas.width) return;
        this.canvas.width = this.canvas.height = side;
        this.paintAnew();
    }

    paintAnew() {
        this.isRestarted = true;
        this.paint();
    }

    /* What is new; a pointer's place is told by where the canvas is after this frame's layout. */
    paintNow() {
        if (this.isDrawing) this.measure();
        if (this.isRestarted) this.prepareCanvas();
        this.isRestarted = false;
        this.context.beginPath();
        for (const [from, to] of this.lines) {
            this.context.moveTo(...from);
            this.context.lineTo(...to);
        }
        this.context.stroke();
        this.lines = [];
        if (this.hasKeys) this.paintCursor();
    }

    /* An empty canvas, with all strokes to be painted. */
    prepareCanvas() {
        const {context} = this, unit = this.canvas.width / SHEET;
        context.setTransform(unit, 0, 0, unit, 0, 0);
        context.clearRect(0, 0, SHEET, SHEET);
        context.strokeStyle = getComputedStyle(this.canvas).color;
        context.lineWidth = PEN;
        context.lineCap = 'round';
        this.lines = this.strokes.flatMap((stroke) =>
            stroke.map((point, k) => [stroke[Math.max(0, k - 1)], point]));
    }

    paintCursor() {
        const {context} = this;
        context.strokeStyle = getComputedStyle(this.canvas).caretColor;
        context.lineWidth = this.isPenDown ? 5 : 2;
        context.beginPath();
        context.arc(...this.cursor, PEN / 2 + 2, 0, 2 * Math.PI);
        context.stroke();
    }
}

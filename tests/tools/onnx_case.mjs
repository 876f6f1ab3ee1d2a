/* onnx_case.mjs: random recurrent networks as ONNX files. SPDX-License-Identifier: Apache-2.0
 *
 * Stacks of LSTM and GRU nodes with what ONNX gives them (directions, biases, peepholes, activations,
 * linear_before_reset, lengths, initial states), and dense layers behind. Field numbers are those of
 * onnx/onnx.proto. */

const FLOAT = 1, INT32 = 6, INT64 = 7;
const OPSET = 14, IR_VERSION = 8;
const MOST_UNITS = 513, USUAL_UNITS = 65, MOST_STEPS = 300, MOST_ROWS = 40;
/* Multiplications of a case. */
const USUAL_WORK = 3e7;
const EDGES = [1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 129, 256, 512, 513];
const DIRECTIONS = ['forward', 'forward', 'reverse', 'bidirectional'];
const GATES = [['Sigmoid'], ['Sigmoid'], ['HardSigmoid', 0.2, 0.5], ['HardSigmoid', 1 / 6, 0.5]];
/* An LSTM without bounds may double its state at each step, until both sides have nothing but roundings. */
const BOUNDED = [['Tanh'], ['Tanh'], ['Tanh'], ['Softsign'], ['Sigmoid']];
const SHAPES = [...BOUNDED, ['Relu'], ['Elu', 1], ['Softplus']];

/* ---- Protocol buffers ------------------------------------------------------------------------ */

/** @param {bigint} value @returns {number[]} */
function varint(value) {
    const bytes = [];
    for (let left = BigInt.asUintN(64, value); ; left >>= 7n) {
        if (left < 128n)
            return [...bytes, Number(left)];
        bytes.push(Number(left & 127n) | 128);
    }
}

/** @param {number} field @param {number | bigint} value */
const number = (field, value) => Buffer.from([...varint(BigInt(field << 3)), ...varint(BigInt(value))]);

/** @param {number} field @param {number} value */
function float(field, value) {
    const bytes = Buffer.from([...varint(BigInt(field << 3 | 5)), 0, 0, 0, 0]);
    bytes.writeFloatLE(value, bytes.length - 4);
    return bytes;
}

/** A text, bytes, or a message of such parts.
 * @param {number} field @param {string | Buffer | Buffer[]} value */
function message(field, value) {
    const bytes = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value);
    const head = [...varint(BigInt(field << 3 | 2)), ...varint(BigInt(bytes.length))];
    return Buffer.concat([Buffer.from(head), bytes]);
}

/** @param {Float32Array | BigInt64Array} array */
const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/** An input or output; sizes that are texts are open. @param {string} name @param {number} type */
const valueInfo = (field, name, type, shape) => message(field, [message(1, name), message(2, [message(1, [
    number(1, type), message(2, shape.map((size) => message(1, [
        typeof size === 'number' ? number(1, size) : message(2, size)])))])])]);

/** Whole numbers in an array are BigInts. @param {number | string | string[] | number[] | bigint[]} value */
function attribute(name, value) {
    const parts = [message(1, name)];
    if (typeof value === 'number')
        parts.push(number(3, value), number(20, 2));
    else if (typeof value === 'string')
        parts.push(message(4, value), number(20, 3));
    else if (typeof value[0] === 'string')
        parts.push(...value.map((text) => message(9, text)), number(20, 8));
    else if (typeof value[0] === 'bigint')
        parts.push(...value.map((each) => number(8, each)), number(20, 7));
    else
        parts.push(...value.map((each) => float(7, each)), number(20, 6));
    return message(5, parts);
}

/** A graph that grows. */
class Graph {
    parts = [];
    names = 0;

    /** @returns the name of a new constant */
    constant(shape, array) {
        const name = `constant${this.names++}`;
        this.parts.push(message(5, [...shape.map((size) => number(1, size)),
            number(2, array instanceof Float32Array ? FLOAT : INT64), message(8, name),
            message(9, bytesOf(array))]));
        return name;
    }

    whole(...values) {
        return this.constant([values.length], BigInt64Array.from(values, BigInt));
    }

    /** @returns the name of its first output */
    node(op, inputs, attributes = {}, outputs = [`value${this.names++}`]) {
        this.parts.push(message(1, [...inputs.map((name) => message(1, name)),
            ...outputs.map((name) => message(2, name)), message(4, op),
            ...Object.entries(attributes).map(([name, value]) => attribute(name, value))]));
        return outputs[0];
    }

    input(name, type, shape) {
        this.parts.push(valueInfo(11, name, type, shape));
        return name;
    }

    output(name, shape) {
        this.parts.push(valueInfo(12, name, FLOAT, shape));
    }

    model() {
        return Buffer.concat([number(1, IR_VERSION), message(8, [number(2, OPSET)]),
            message(7, [message(2, 'network'), ...this.parts])]);
    }
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/** Numbers of one seed (splitmix32). */
class Draw {
    constructor(seed) {
        this.state = Math.imul(seed + 1, 0x9e3779b9);
    }

    /** At least 0, below 1. */
    next() {
        this.state = (this.state + 0x9e3779b9) | 0;
        let z = this.state;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
    }

    below(n) {
        return Math.floor(this.next() * n);
    }

    oneIn(n) {
        return this.below(n) === 0;
    }

    of(list) {
        return list[this.below(list.length)];
    }

    /** 1 to most, small ones as often as large ones; now and then next to a vector's width. */
    size(most) {
        const edge = this.of(EDGES);
        return this.oneIn(4) && edge <= most ? edge : Math.max(1, Math.floor((most + 1) ** this.next()));
    }

    /** So scaled that a network neither forgets everything nor amplifies a rounding. */
    weights(n, rows) {
        return Float32Array.from({length: n}, () => (2 * this.next() - 1) / Math.sqrt(Math.max(rows, 4)));
    }

    numbers(n) {
        return Float32Array.from({length: n}, () => 2 * this.next() - 1);
    }
}

/** A recurrent layer: its sizes and the options of its node. */
function drawLayer(draw, inputs, most) {
    const isLstm = draw.oneIn(2), direction = draw.of(DIRECTIONS);
    const gate = draw.of(GATES), shape = draw.of(isLstm ? BOUNDED : SHAPES);
    const functions = isLstm ? [gate, shape, shape] : [gate, shape];
    return {isLstm, direction, inputs, functions, units: draw.size(most), hasBias: !draw.oneIn(4),
        hasPeepholes: isLstm && draw.oneIn(3), resetsBehind: !isLstm && draw.oneIn(2),
        directions: direction === 'bidirectional' ? 2 : 1};
}

/** @returns the multiplications of one step */
const workOf = ({isLstm, directions, units, inputs}) =>
    directions * (isLstm ? 4 : 3) * units * (units + inputs);

function activationAttributes(layer) {
    const each = Array(layer.directions).fill(layer.functions).flat();
    const attributes = {activations: each.map(([name]) => name)};
    const alphas = each.filter((f) => f.length > 1).map((f) => f[1]);
    const betas = each.filter((f) => f.length > 2).map((f) => f[2]);
    return {...attributes, ...alphas.length && {activation_alpha: alphas},
        ...betas.length && {activation_beta: betas}};
}

/** Its node; what it gives is `y<k>`, `h<k>` and `c<k>`. */
function addLayer(graph, draw, layer, k, x, hasStates) {
    const {isLstm, directions, units, inputs} = layer, rows = (isLstm ? 4 : 3) * units;
    const weights = (...shape) =>
        graph.constant(shape, draw.weights(shape.reduce((a, b) => a * b), inputs + units));
    const state = (name) =>
        hasStates ? graph.input(`${name}0_${k}`, FLOAT, [directions, 'batch', units]) : '';
    const names = [x, weights(directions, rows, inputs), weights(directions, rows, units),
        layer.hasBias ? weights(directions, 2 * rows) : '', 'lengths', state('h'), isLstm ? state('c') : '',
        layer.hasPeepholes ? weights(directions, 3 * units) : ''];
    while (names.at(-1) === '')
        names.pop();
    graph.node(isLstm ? 'LSTM' : 'GRU', names, {hidden_size: units, direction: layer.direction,
        ...activationAttributes(layer), ...layer.resetsBehind && {linear_before_reset: 1}},
    [`y${k}`, `h${k}`, ...isLstm ? [`c${k}`] : []]);
    for (const name of isLstm ? ['h', 'c'] : ['h'])
        graph.output(`${name}${k}`, [directions, 'batch', units]);
}

/** All steps, [time, batch, values], or the last state, [batch, values], directions side by side. */
function joined(graph, layer, k, isWhole) {
    const name = isWhole ? `y${k}` : `h${k}`;
    if (layer.directions === 1)
        return graph.node('Squeeze', [name, graph.whole(isWhole ? 1 : 0)]);
    const turned = graph.node('Transpose', [name], {perm: isWhole ? [0n, 2n, 1n, 3n] : [1n, 0n, 2n]});
    return graph.node('Reshape', [turned, isWhole ? graph.whole(0, 0, -1) : graph.whole(0, -1)]);
}

/** A dense layer of `values` inputs. @returns its output, and how many values that has */
function addDense(graph, draw, x, values, isWhole) {
    const outputs = draw.size(USUAL_UNITS);
    const kernel = graph.constant([values, outputs], draw.weights(values * outputs, values));
    const bias = graph.constant([outputs], draw.weights(outputs, 4));
    const sum = graph.node('Add', [graph.node('MatMul', [x, kernel]), bias]);
    return [draw.oneIn(2) ? graph.node('Softmax', [sum], {axis: isWhole ? 2 : 1}) : sum, outputs];
}

/** Lengths from 0 on, of fewer and shorter sequences where the network is large; the first has a step. */
function drawLengths(draw, work) {
    const most = Math.max(2, Math.min(MOST_STEPS, Math.floor(USUAL_WORK / work)));
    const lengths = [draw.size(most)];
    let left = USUAL_WORK / work - lengths[0];
    for (let n = draw.below(draw.oneIn(3) ? MOST_ROWS : 4); n > 0 && left > 0; n--) {
        lengths.push(draw.oneIn(8) ? 0 : draw.size(Math.min(most, Math.max(1, Math.floor(left)))));
        left -= lengths.at(-1);
    }
    return lengths;
}

/** The case of a seed: its file, its layers, the values of a row of output, whether there is a row for
 * each step, and what goes in. */
export function makeCase(seed) {
    const draw = new Draw(seed), graph = new Graph();
    const most = draw.oneIn(4) ? MOST_UNITS : USUAL_UNITS, features = draw.size(most);
    const isWhole = draw.oneIn(2), hasStates = draw.oneIn(2), layers = [];
    let x = graph.input('x', FLOAT, ['time', 'batch', features]), values = features;
    graph.input('lengths', INT32, ['batch']);
    for (let k = 0, n = 1 + draw.below(3); k < n; k++) {
        const layer = drawLayer(draw, values, most);
        layers.push(layer);
        addLayer(graph, draw, layer, k, x, hasStates);
        values = layer.units * layer.directions;
        x = joined(graph, layer, k, isWhole || k + 1 < n);
    }
    if (!draw.oneIn(4))
        [x, values] = addDense(graph, draw, x, values, isWhole);
    x = graph.node('Identity', [x], {}, ['out']);
    graph.output(x, isWhole ? ['time', 'batch', values] : ['batch', values]);
    const lengths = drawLengths(draw, layers.reduce((sum, layer) => sum + workOf(layer), 0));
    return {model: graph.model(), layers, features, values, isWhole, lengths,
        inputs: lengths.map((n) => draw.numbers(n * features)),
        states: hasStates ? lengths.map(() => draw.numbers(stateSize(layers))) : null};
}

export const stateSize = (layers) =>
    layers.reduce((sum, {isLstm, directions, units}) => sum + (isLstm ? 2 : 1) * directions * units, 0);

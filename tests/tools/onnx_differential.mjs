/* onnx_differential.mjs: random ONNX models through lstmd's importer and kernel, and through ONNX
 * Runtime; tells the largest difference. SPDX-License-Identifier: Apache-2.0
 *
 *     node tests/tools/onnx_differential.mjs ONNX_RUN FOLDER CASES [FIRST]
 *
 * ONNX_RUN is build/onnx_run; onnxruntime-node is in FOLDER/node_modules. Of each case all outputs
 * within the lengths, and the final states of all layers, are compared; of a sequence without steps
 * the final state is the initial one, as TensorFlow has it, where ONNX Runtime gives zeros. Exit
 * status 1 if a case differs by more than rounding, or if one of the two does not run it. */
import {spawnSync} from 'node:child_process';
import {createRequire} from 'node:module';
import {resolve} from 'node:path';
import process from 'node:process';

import {makeCase, stateSize} from './onnx_case.mjs';

/* As in tests/support/differential.h: |a - b| / (1 + |b|). */
const MOST = 1e-4;
const MOST_BYTES = 1 << 30;

const [program, folder, cases, first] = process.argv.slice(2);
const {InferenceSession, Tensor} = createRequire(resolve(folder, 'package.json'))('onnxruntime-node');

/** @param {ArrayBufferView} array */
const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/** What lstmd gives for each sequence. @returns {{output: Float32Array, state: Float32Array}[]} */
function runOurs({model, lengths, inputs, states, layers, values, isWhole}) {
    const input = Buffer.concat([Uint32Array.of(model.length, lengths.length, states ? 1 : 0), model,
        Uint32Array.from(lengths), ...inputs, ...states ?? []].map(bytesOf));
    const {status, stdout, stderr} = spawnSync(program, {input, maxBuffer: MOST_BYTES});
    if (status !== 0)
        throw new Error(`onnx_run: ${stderr}`);
    const all = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
    let at = 0;
    const take = (n) => all.subarray(at, at += n);
    const results = lengths.map((n) => ({
        output: take(n === 0 ? 0 : values * (isWhole ? n : 1)), state: take(stateSize(layers))}));
    if (at !== all.length)
        throw new Error(`onnx_run gave ${all.length} values instead of ${at}`);
    return results;
}

/** Where the states of the layers lie among those of a sequence: calls back with each layer's number,
 * 'h' or 'c', direction, and offset. lstmd has c then h of each cell. */
function eachState(layers, call) {
    let at = 0;
    layers.forEach(({isLstm, directions, units}, k) => {
        for (let d = 0; d < directions; d++)
            for (const name of isLstm ? ['c', 'h'] : ['h']) {
                call(k, name, d, at);
                at += units;
            }
    });
}

/** [n, values] of rows with the time first, and zeros behind the end. */
function padded(rows, lengths, features) {
    const steps = Math.max(...lengths), x = new Float32Array(steps * rows.length * features);
    rows.forEach((row, b) => {
        for (let t = 0; t < lengths[b]; t++)
            x.set(row.subarray(t * features, (t + 1) * features), (t * rows.length + b) * features);
    });
    return new Tensor('float32', x, [steps, rows.length, features]);
}

/** The same of ONNX Runtime. */
async function runTheirs({model, lengths, inputs, states, layers, features, values, isWhole}) {
    const session = await InferenceSession.create(model, {intraOpNumThreads: 1, interOpNumThreads: 1});
    const n = lengths.length;
    const feeds = {x: padded(inputs, lengths, features),
        lengths: new Tensor('int32', Int32Array.from(lengths), [n])};
    if (states)
        eachState(layers, (k, name, d, at) => {
            const {directions, units} = layers[k];
            const feed = feeds[`${name}0_${k}`] ??=
                new Tensor('float32', new Float32Array(directions * n * units), [directions, n, units]);
            states.forEach((state, b) => feed.data.set(state.subarray(at, at + units), (d * n + b) * units));
        });
    const found = await session.run(feeds), out = found.out.data;
    const results = lengths.map((steps, b) => {
        const output = new Float32Array(steps === 0 ? 0 : values * (isWhole ? steps : 1));
        for (let t = 0; t * values < output.length; t++)
            output.set(out.subarray((t * n + b) * values, (t * n + b + 1) * values), t * values);
        const state = states && steps === 0 ? states[b] : new Float32Array(stateSize(layers));
        eachState(layers, (k, name, d, at) => {
            if (steps === 0)
                return;
            const {units} = layers[k], from = (d * n + b) * units;
            state.set(found[`${name}${k}`].data.subarray(from, from + units), at);
        });
        return {output, state};
    });
    await session.release();
    return results;
}

/** @param {Float32Array} ours @param {Float32Array} theirs */
function largestDifference(ours, theirs) {
    let largest = 0;
    ours.forEach((value, i) => {
        const difference = Math.abs(value - theirs[i]) / (1 + Math.abs(theirs[i]));
        largest = difference <= largest ? largest : Number.isNaN(difference) ? Infinity : difference;
    });
    return largest;
}

async function main() {
    const worst = {difference: 0, where: 'nothing', seed: 0};
    const from = Number(first ?? 1);
    for (let seed = from; seed < from + Number(cases); seed++) {
        const case_ = makeCase(seed);
        const ours = runOurs(case_), theirs = await runTheirs(case_);
        ours.forEach((_, b) => {
            for (const where of ['output', 'state']) {
                const difference = largestDifference(ours[b][where], theirs[b][where]);
                if (difference > worst.difference) {
                    Object.assign(worst, {difference, where, seed});
                    console.log(`case ${seed}: ${where} differs by ${difference.toPrecision(3)}`);
                }
            }
        });
    }
    console.log(`${cases} cases from ${from} on, ONNX Runtime: largest difference ` +
        `${worst.difference.toPrecision(3)}, of ${worst.where} in case ${worst.seed}`);
    process.exitCode = worst.difference <= MOST ? 0 : 1;
}

await main();

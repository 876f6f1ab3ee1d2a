/* javascript.test.mjs: the JavaScript client against the real daemon.
 * SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {after, before, describe, test} from 'node:test';

import * as lstmd from '../../clients/javascript/lstmd.js';

const {Client, Session} = lstmd;
const LSTMD = process.env.LSTMD ?? 'build/lstmd';
const BYTES = new Uint8Array(readFileSync('tests/data/mnist/digit.bin'));
const PNG = readFileSync('tests/data/mnist/digit.png');
const NUMBERS = Array.from(BYTES, (byte) => byte / 255);
const ROWS = Array.from({length: 28}, (_, y) => NUMBERS.slice(28 * y, 28 * y + 28));
const SEVEN = 7, TOLERANCE = 1e-5;
const EVERYTHING = 'key-of-an-admin-0123456789', PREDICTING = 'key-for-predicting-0123456789';

/* A child process whose first line ends with its URL. */
class Server {
    constructor(command, ...args) {
        this.command = command;
        this.args = args;
        process.on('exit', () => this.child?.kill('SIGKILL'));
    }

    async start() {
        this.child = spawn(this.command, this.args, {stdio: ['pipe', 'pipe', 'inherit']});
        this.ended = new Promise((resolve) => this.child.once('exit', resolve));
        for await (const line of createInterface({input: this.child.stdout})) {
            this.url = /https?:\S+$/.exec(line)[0];
            return this;
        }
        throw new Error(`${this.command} did not start`);
    }

    async stop() {
        this.child.kill('SIGTERM');
        assert.equal(await this.ended, 0);
    }
}

function daemonOf(port, ...options) {
    return new Server(LSTMD, 'serve', '--models', 'models', '--port', String(port), '--log-level',
                      'warn', ...options);
}

function assertSeven(predictions, n = 1) {
    assert.equal(predictions.length, n);
    for (const row of predictions) assert.ok(row.length === 10 && row[SEVEN] > 0.9);
}

function assertClose(found, expected) {
    assert.equal(found.length, expected.length);
    found.forEach((value, k) => assert.ok(Math.abs(value - expected[k]) < TOLERANCE));
}

/* Every method; connect() gives a client. */
function testCalls(connect) {
    test('predict takes arrays, typed arrays, pictures and whole bodies', async () => {
        const client = connect();
        for (const instances of [[NUMBERS], [ROWS], [Float32Array.from(NUMBERS)], BYTES,
                                 BYTES.slice().buffer, Uint8ClampedArray.from(BYTES),
                                 Float32Array.from(NUMBERS), Float64Array.from(NUMBERS), PNG,
                                 {inputs: [ROWS]},
                                 {inputs: {input: [ROWS], sequence_length: [28]}}]) {
            assertSeven(await client.predict('mnist', instances));
        }
        assertSeven(await client.predict('mnist', Buffer.concat([BYTES, BYTES])), 2);
        assertSeven(await client.predict('mnist/versions/1', BYTES));
    });

    test('state gives outputs, states, and what is asked for', async () => {
        const plain = await connect().state('mnist', [ROWS]);
        assert.deepEqual(Object.keys(plain).sort(), ['outputs', 'state']);
        assert.deepEqual(plain.outputs[0][27], plain.state.h[0]);
        for (const instances of [[ROWS], BYTES]) {
            const state = await connect().state('mnist', instances, {
                trace: true, gates: true, predictions: true, stateIsTuple: false, layers: [0]});
            assert.deepEqual(Object.keys(state).sort(),
                             ['gates', 'outputs', 'predictions', 'state', 'trace']);
            assert.equal(state.state[0][0].length, 200);
        }
        const body = await connect().state('mnist', {instances: [ROWS], trace: true});
        assert.equal(body.trace.c[0].length, 28);
    });

    test('training is seen by predictions and forgotten by reset', async () => {
        const client = connect();
        await client.reset('mnist');
        const old = await client.evaluate('mnist', BYTES, [3]);
        const step = await client.trainStep('mnist', BYTES, [3], {learningRate: 0.01});
        assert.equal(step.step, 1);
        assert.ok(Math.abs(step.loss - old.loss) < 1e-3);
        assert.ok((await client.evaluate('mnist', [NUMBERS], [3])).loss < old.loss);
        const row = Array.from({length: 10}, (_, k) => Number(k === SEVEN));
        const second = await client.trainStep('mnist', Buffer.concat([BYTES, BYTES]), [row, row],
                                              {sampleWeight: [1, 0.5]});
        assert.equal(second.examples, 2);
        assert.equal((await client.training('mnist')).unpublished_steps, 2);
        const {settings} = await client.setTraining('mnist', {learningRate: 0.25});
        assert.equal(settings.learning_rate, 0.25);
        assert.equal((await client.reset('mnist')).step, 0);
    });

    test('models and the server tell of themselves', async () => {
        const client = connect();
        assert.deepEqual((await client.models()).models.map(({name}) => name), ['mnist']);
        assert.equal((await client.model('mnist')).model_version_status[0].state, 'AVAILABLE');
        assert.equal((await client.metadata('mnist')).metadata.labels[SEVEN], '7');
        assert.deepEqual(await client.health(), {live: true, ready: true});
        assert.match(await client.metrics(), /lstmd_requests_total/);
        await client.unload('mnist');
        await assert.rejects(client.predict('mnist', BYTES), lstmd.NotFound);
        assert.equal((await client.load('mnist')).model_version_status[0].state, 'AVAILABLE');
    });

    test('a session in pieces is the sequence whole; its state is read, set, forked', async () => {
        const client = connect(), [whole] = await client.predict('mnist', [ROWS]);
        const session = await client.session('mnist/versions/1', {id: 'pen-1'});
        await assert.rejects(client.session('mnist', {id: 'pen-1'}), lstmd.Conflict);
        await session.predict([ROWS.slice(0, 20)]);
        assertClose((await session.predict([ROWS.slice(20)]))[0], whole);
        const state = await session.getState();
        assert.equal(state.steps, 28);
        const fork = await session.fork('pen-2');
        assert.deepEqual(await fork.getState(), state);
        assert.equal((await fork.state(BYTES, {trace: true})).trace.c[0].length, 28);
        assert.equal((await fork.setState(state.state, {steps: 5})).steps, 5);
        assert.equal((await fork.setState(state)).steps, 28);
        const begun = await client.session('mnist', {initialState: state.state});
        assert.deepEqual((await begun.getState()).state, state.state);
        assert.equal((await session.move(1)).version, '1');
        const {sessions} = await client.sessions('mnist', {limit: 10});
        assert.deepEqual(sessions.map(({id}) => id), ['pen-1', 'pen-2', begun.id]);
        assert.equal((await (await client.openSession('mnist', 'pen-1')).info()).steps, 28);
        for (const one of [session, fork, begun]) assert.equal((await one.delete()).id, one.id);
        await assert.rejects(client.openSession('mnist', 'pen-1'), lstmd.NotFound);
    });

    test('an error has its class, the sentence and the request', async () => {
        await assert.rejects(connect().predict('mnist', [[1, 2]]), (error) => {
            assert.ok(error instanceof lstmd.BadRequest && error instanceof Error);
            assert.match(error.message, /instances\[0\]/);
            assert.equal(error.status, 400);
            assert.equal(error.name, 'BadRequest');
            assert.ok(error.requestId);
            return true;
        });
    });
}

describe('over HTTP', () => {
    const daemon = daemonOf(0);
    before(() => daemon.start());
    after(() => daemon.stop());
    testCalls(() => new Client(`${daemon.url}/`, {retries: 0}));
});

/* Node takes certificates from NODE_EXTRA_CA_CERTS alone. */
describe('over TLS, with keys', {skip: process.env.CERTIFICATE === undefined}, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'lstmd-keys-'));
    let daemon;
    const connect = (apiKey) => new Client(daemon.url, {apiKey, retries: 0});
    before(async () => {
        const line = (scope, key) =>
            `${scope} sha256:${createHash('sha256').update(key).digest('hex')}\n`;
        writeFileSync(`${folder}/keys`, line('admin', EVERYTHING) + line('predict', PREDICTING),
                      {mode: 0o600});
        daemon = await daemonOf(0, '--tls-cert', process.env.CERTIFICATE, '--tls-key',
                                process.env.CERTIFICATE_KEY, '--api-keys', `${folder}/keys`).start();
    });
    after(async () => {
        await daemon.stop();
        rmSync(folder, {recursive: true});
    });
    testCalls(() => connect(EVERYTHING));

    test('the key decides what is answered', async () => {
        await assert.rejects(connect('').predict('mnist', BYTES), lstmd.Unauthorized);
        await assert.rejects(connect('wrong').predict('mnist', BYTES), lstmd.Unauthorized);
        assertSeven(await connect(PREDICTING).predict('mnist', BYTES));
        await assert.rejects(connect(PREDICTING).trainStep('mnist', BYTES, [7]), lstmd.Forbidden);
    });
});

describe('a server that comes and goes', () => {
    test('the client outlives a restart', async () => {
        const first = await daemonOf(0).start(), {port} = new URL(first.url);
        const client = new Client(first.url, {retries: 20});
        await client.predict('mnist', BYTES);
        await first.stop();
        assert.deepEqual(await client.health(), {live: false, ready: false});
        const second = daemonOf(port), waiting = client.trainStep('mnist', BYTES, [7]);
        await second.start();
        assert.equal((await waiting).step, 1);
        await second.stop();
        await assert.rejects(new Client(first.url, {retries: 1}).predict('mnist', BYTES),
                             lstmd.ConnectionFailed);
    });

    test('a full queue refuses, and retries come through', async () => {
        const daemon = await daemonOf(0, '--max-queue', '1', '--workers', '1').start();
        const many = Buffer.concat(Array(500).fill(BYTES));
        const askAtOnce = (client) => Promise.allSettled(
            Array.from({length: 3}, () => client.predict('mnist', many)));
        let refused;
        while (refused === undefined) {
            const answers = await askAtOnce(new Client(daemon.url, {retries: 0}));
            refused = answers.find(({status}) => status === 'rejected')?.reason;
        }
        assert.ok(refused instanceof lstmd.Unavailable);
        assert.equal(refused.retryAfter, 1);
        const answers = await askAtOnce(new Client(daemon.url, {retries: 20}));
        assert.ok(answers.every(({value}) => value?.length === 500));
        await daemon.stop();
    });
});

describe('a server that misbehaves', () => {
    const server = new Server('python3', 'tests/clients/fake_server.py');
    let client;
    const requestsOf = async (name) => (await client.model(name)).requests;
    before(async () => {
        await server.start();
        client = new Client(server.url, {timeout: 120});
    });
    after(() => server.child.stdin.end());

    test('a refused request is tried again, whatever it does', async () => {
        assert.equal((await client.trainStep('busy.train', BYTES, [7])).step, 3);
        assert.deepEqual(await client.predict('busy.predict', BYTES), [[3]]);
        await assert.rejects(new Client(server.url, {retries: 1}).predict('busy.twice', BYTES),
                             {name: 'Unavailable', retryAfter: 0, requestId: 'r1', status: 503,
                              message: 'the queue is full'});
        assert.equal(await requestsOf('busy.twice'), 2);
    });

    test('a refusal by a proxy is tried again only if nothing changes', async () => {
        assert.deepEqual(await client.predict('proxy.predict', BYTES), [[2]]);
        await assert.rejects(client.trainStep('proxy.train', BYTES, [7]), lstmd.Unavailable);
        assert.equal(await requestsOf('proxy.train'), 1);
    });

    for (const behaviour of ['cut', 'cut-chunked', 'reset']) {
        test(`${behaviour}: asked again only if nothing changes`, async () => {
            assert.deepEqual(await client.predict(`${behaviour}.predict`, BYTES), [[2]]);
            await assert.rejects(client.trainStep(`${behaviour}.train`, BYTES, [7]),
                                 lstmd.ConnectionFailed);
            assert.equal(await requestsOf(`${behaviour}.train`), 1);
            const session = new Session(client, `${behaviour}.piece`, 's');
            await assert.rejects(session.predict(BYTES), lstmd.ConnectionFailed);
            assert.equal(await requestsOf(`${behaviour}.piece`), 1);
        });
    }

    test('a silent server is left in time', async () => {
        const hasty = new Client(server.url, {timeout: 3});
        await assert.rejects(hasty.predict('silent', BYTES), lstmd.TimedOut);
        while (await requestsOf('silent') === 0);
        assert.equal(await requestsOf('silent'), 1);
    });

    test('the caller may give up, also between two tries', async () => {
        const abort = new AbortController();
        const asking = client.predict('silent.abort', BYTES, {signal: abort.signal});
        abort.abort();
        await assert.rejects(asking, {name: 'AbortError'});
        await assert.rejects(client.predict('fine', BYTES, {signal: AbortSignal.abort()}),
                             {name: 'AbortError'});
        const nobody = new Client('http://127.0.0.1:1', {retries: 1000});
        await assert.rejects(nobody.predict('fine', BYTES, {signal: AbortSignal.timeout(200)}),
                             {name: 'TimeoutError'});
    });

    test('an answer that is no JSON is a ConnectionFailed', async () => {
        await assert.rejects(client.trainStep('html', BYTES, [7]), lstmd.ConnectionFailed);
    });

    test('the url is checked', () => {
        assert.throws(() => new Client('127.0.0.1:8501'), TypeError);
    });
});

/* What a declaration file may forget. */
test('the types name what the module has', () => {
    const types = readFileSync('clients/javascript/lstmd.d.ts', 'utf8');
    for (const name of Object.keys(lstmd)) assert.match(types, new RegExp(`export class ${name} `));
    for (const [kind, end] of [[Client, 'export class Session'], [Session, undefined]]) {
        const from = types.indexOf(`export class ${kind.name} `);
        const declared = types.slice(from, end === undefined ? undefined : types.indexOf(end));
        const names = [...declared.matchAll(/^ {4}(\w+)\(/gm)].map(([, name]) => name);
        assert.deepEqual(names.sort(), Object.getOwnPropertyNames(kind.prototype).sort());
    }
});

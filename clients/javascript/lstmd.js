/* lstmd.js: client of lstmd, for browsers and Node 18 or newer. SPDX-License-Identifier: Apache-2.0
 *
 * What is tried again: any request that the server itself refused (503 with Retry-After), or whose
 * connection was refused (browsers do not tell), for then nothing was applied; beyond that only what
 * changes nothing. lstmd.d.ts has the types. */

const FIRST_WAIT_MS = 100, LONGEST_WAIT_MS = 2000;
const LONGEST_TIMEOUT_MS = 3600000; // that the server takes
const PNG_SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** An answer that is an error; `message` is the server's sentence. */
export class LstmdError extends Error {
    /** status: of HTTP, 0 if there was no answer; retryAfter: seconds, if the server said so;
     * requestId: by which the server's log has the request. */
    constructor(message, {status = 0, retryAfter = undefined, requestId = undefined, cause} = {}) {
        super(message, cause === undefined ? undefined : {cause});
        this.name = new.target.name;
        this.status = status;
        this.retryAfter = retryAfter;
        this.requestId = requestId;
    }
}

/** No answer: no connection, or it broke. A train-step or a session's piece may be applied. */
export class ConnectionFailed extends LstmdError {}
/** No answer within the client's timeout. */
export class TimedOut extends ConnectionFailed {}
export class BadRequest extends LstmdError {}
export class Unauthorized extends LstmdError {}
export class Forbidden extends LstmdError {}
export class NotFound extends LstmdError {}
export class MethodNotAllowed extends LstmdError {}
export class ReceiveTimeout extends LstmdError {}
export class Conflict extends LstmdError {}
export class LengthRequired extends LstmdError {}
export class BodyTooLarge extends LstmdError {}
export class UnsupportedMediaType extends LstmdError {}
export class TooManyRequests extends LstmdError {}
export class HeaderTooLarge extends LstmdError {}
export class ServerError extends LstmdError {}
/** The queue is full, or the server is starting or stopping; nothing was applied. */
export class Unavailable extends LstmdError {}
/** The request's time was over before it was computed; nothing was applied. */
export class DeadlinePassed extends LstmdError {}
/** The server's disk is full; nothing was applied. */
export class NoSpace extends LstmdError {}

const classes = {
    400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 405: MethodNotAllowed,
    408: ReceiveTimeout, 409: Conflict, 411: LengthRequired, 413: BodyTooLarge,
    415: UnsupportedMediaType, 429: TooManyRequests, 431: HeaderTooLarge, 500: ServerError,
    503: Unavailable, 504: DeadlinePassed, 507: NoSpace};

/** A server, by its URL. */
export class Client {
    #base;
    #fetch;

    /** timeout: seconds for a request, its retries and their waits in all. fetch: another than the
     * global one, for what that does not let be set: certificates, proxies. */
    constructor(url = 'http://127.0.0.1:8501',
                {apiKey = '', timeout = 30, retries = 4, fetch = globalThis.fetch} = {}) {
        if (!/^https?:\/\/[^/]/.test(url)) {
            throw new TypeError(`url: expected one like http://127.0.0.1:8501, found '${url}'`);
        }
        this.#base = url.replace(/\/+$/, '');
        this.#fetch = (...args) => fetch(...args); // a browser's wants to be called on no object
        /** The key to send; '': none. */
        this.apiKey = apiKey;
        this.timeout = timeout;
        this.retries = retries;
    }

    /** What the model makes of each instance: [B][outputs]. */
    async predict(model, instances, options = {}) {
        const answer = await this.#post(model, ':predict', inputBody(instances, {}),
                                        {...options, isSafe: true});
        return answer.outputs ?? answer.predictions;
    }

    /** {outputs, state}; with trace and gates those of every step. */
    state(model, instances, {signal, ...asked} = {}) {
        return this.#post(model, ':state', inputBody(instances, stateOptions(asked)),
                          {signal, isSafe: true});
    }

    /** One optimizer step: {step, loss, accuracy, gradient_norm, examples}. */
    trainStep(model, instances, labels, {sampleWeight, learningRate, signal} = {}) {
        const extra = {labels, sample_weight: sampleWeight, learning_rate: learningRate};
        return this.#post(model, ':train-step', inputBody(instances, extra), {signal});
    }

    /** Loss and accuracy as trainStep() tells them; nothing is learned. */
    evaluate(model, instances, labels, {sampleWeight, signal} = {}) {
        const body = inputBody(instances, {labels, sample_weight: sampleWeight});
        return this.#post(model, ':evaluate', body, {signal, isSafe: true});
    }

    /** Writes what was learned as the next version: {version}. */
    publish(model, options) {
        return this.#post(model, ':publish', undefined, options);
    }

    /** Forgets what was learned since the newest version; answers as training() does. */
    reset(model, options) {
        return this.#post(model, ':reset', undefined, options);
    }

    training(model, options) {
        return this.#get(`${pathOf(model)}/training`, options);
    }

    setTraining(model, {learningRate, clipNorm, signal} = {}) {
        const body = jsonBody({learning_rate: learningRate, clip_norm: clipNorm});
        return this.json('PUT', `${pathOf(model)}/training`, {body, signal});
    }

    models(options) {
        return this.#get('/v1/models', options);
    }

    model(model, options) {
        return this.#get(pathOf(model), options);
    }

    metadata(model, options) {
        return this.#get(`${pathOf(model)}/metadata`, options);
    }

    load(model, options) {
        return this.#post(model, ':load', undefined, options);
    }

    unload(model, options) {
        return this.#post(model, ':unload', undefined, options);
    }

    /** {live, ready}, asked once; false where there is no answer. */
    async health(options) {
        const answers = (path) => this.request('GET', path, {...options, retries: 0})
            .then(() => true, (error) => {
                if (error instanceof LstmdError) return false;
                throw error;
            });
        const [live, ready] = await Promise.all(['/v2/health/live', '/v2/health/ready'].map(answers));
        return {live, ready};
    }

    /** The metrics in the Prometheus text format. */
    async metrics(options) {
        return (await this.request('GET', '/metrics', {...options, isSafe: true})).text;
    }

    /** Begins a session; without an id the server makes one up. */
    async session(model, {id, initialState, signal} = {}) {
        const body = jsonBody({id, initial_state: initialState});
        const made = await this.json('POST', `${pathOf(model)}/sessions`, {body, signal});
        return new Session(this, made.model, made.id);
    }

    /** A session that lives already. NotFound: it does not. */
    async openSession(model, id, options) {
        const session = new Session(this, model.split('/')[0], id);
        await session.info(options);
        return session;
    }

    /** {sessions, next}, oldest first; after: the `next` of the last list. */
    sessions(model, {limit = 100, after = 0, signal} = {}) {
        return this.#get(`${pathOf(model)}/sessions?limit=${limit}&after=${after}`, {signal});
    }

    /** Any route whose answer is JSON; options as request() has them. */
    async json(method, path, options) {
        const {text} = await this.request(method, path, options);
        try {
            return JSON.parse(text);
        } catch (cause) {
            throw new ConnectionFailed(`expected JSON from the server: ${cause.message}`, {cause});
        }
    }

    /** Any route: {status, headers, text}. body: {content, type, query}; isSafe: the request
     * changes nothing, so that it may be sent twice. */
    async request(method, path, {body, isSafe = false, retries = this.retries, signal} = {}) {
        const deadline = Date.now() + this.timeout * 1000;
        for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS), retries--) {
            try {
                return await this.#try(method, path, body, deadline, signal);
            } catch (error) {
                const pause = Math.max(wait * (0.5 + Math.random() / 2),
                                       (error?.retryAfter ?? 0) * 1000);
                if (retries <= 0 || Date.now() + pause >= deadline || !mayRepeat(error, isSafe)) {
                    throw error;
                }
                await sleep(pause, signal);
            }
        }
    }

    async #try(method, path, body, deadline, signal) {
        signal?.throwIfAborted();
        const left = Math.max(1, Math.min(deadline - Date.now(), LONGEST_TIMEOUT_MS));
        const abort = new AbortController();
        const giveUp = () => abort.abort();
        const timer = setTimeout(giveUp, left);
        signal?.addEventListener('abort', giveUp);
        try {
            const answer = await this.#fetch(this.#urlOf(path, body?.query), {
                method, body: body?.content, headers: this.#headersOf(body, left),
                signal: abort.signal, redirect: 'error', cache: 'no-store'});
            const text = await answer.text();
            if (!answer.ok) throw errorIn(answer, text);
            return {status: answer.status, headers: answer.headers, text};
        } catch (cause) {
            signal?.throwIfAborted();
            if (cause instanceof LstmdError) throw cause;
            if (abort.signal.aborted) {
                throw new TimedOut(`no answer within ${this.timeout} seconds`, {cause});
            }
            const why = cause.cause?.message ?? cause.message;
            throw new ConnectionFailed(`the server does not answer: ${why}`, {cause});
        } finally {
            clearTimeout(timer);
            signal?.removeEventListener('abort', giveUp);
        }
    }

    #urlOf(path, query = {}) {
        const text = new URLSearchParams(query).toString();
        return this.#base + path + (text === '' ? '' : `?${text}`);
    }

    #headersOf(body, leftMs) {
        const headers = {'X-Request-Timeout-Ms': String(Math.ceil(leftMs))};
        if (this.apiKey !== '') headers.Authorization = `Bearer ${this.apiKey}`;
        if (body !== undefined) headers['Content-Type'] = body.type;
        return headers;
    }

    #get(path, options) {
        return this.json('GET', path, {...options, isSafe: true});
    }

    #post(model, verb, body, options) {
        return this.json('POST', pathOf(model) + verb, {...options, body});
    }
}

/** A sequence that arrives in pieces; from Client.session() or Client.openSession(). After a
 * ConnectionFailed, info() tells how many steps were applied. */
export class Session {
    #client;
    #path;

    constructor(client, model, id) {
        this.#client = client;
        this.#path = `/v1/models/${encodeURIComponent(model)}/sessions/${encodeURIComponent(id)}`;
        this.model = model;
        this.id = id;
    }

    /** The next piece, one instance and maybe shorter; what the model makes of all so far. */
    async predict(piece, options) {
        const answer = await this.#ask('POST', ':predict', inputBody(piece, {}), options);
        return answer.outputs ?? answer.predictions;
    }

    /** The next piece and the states that it goes through, as Client.state() gives them. */
    state(piece, {signal, ...asked} = {}) {
        return this.#ask('POST', ':state', inputBody(piece, stateOptions(asked)), {signal});
    }

    /** {state, steps, version} */
    getState(options) {
        return this.#ask('GET', '/state', undefined, {...options, isSafe: true});
    }

    /** Takes what getState() returned as well as its `state` alone. */
    setState(state, {steps, signal} = {}) {
        const whole = state.state === undefined ? {state} : {...state};
        return this.#ask('PUT', '/state', jsonBody(steps === undefined ? whole : {...whole, steps}),
                         {signal});
    }

    /** A new session that begins with this one's state. */
    async fork(id, options) {
        const made = await this.#ask('POST', ':fork', jsonBody({id}), options);
        return new Session(this.#client, this.model, made.id);
    }

    /** Goes on with another version, whose states have the same shape. */
    move(version, options) {
        return this.#ask('PUT', '', jsonBody({version: String(version)}), options);
    }

    info(options) {
        return this.#ask('GET', '', undefined, {...options, isSafe: true});
    }

    /** Ends it; what it was. */
    delete(options) {
        return this.#ask('DELETE', '', undefined, options);
    }

    #ask(method, verb, body, options) {
        return this.#client.json(method, this.#path + verb, {...options, body});
    }
}

function stateOptions({trace, gates, predictions, stateIsTuple, layers}) {
    return {trace, gates, predictions, state_is_tuple: stateIsTuple, layers};
}

/* Whether a request that failed so may be sent once more. A 503 without Retry-After is not the
 * server's: a proxy's, which may not know whether the request was applied. */
function mayRepeat(error, isSafe) {
    if (error instanceof Unavailable) return isSafe || error.retryAfter !== undefined;
    if (!(error instanceof ConnectionFailed) || error instanceof TimedOut) return false;
    return isSafe || error.cause?.cause?.code === 'ECONNREFUSED';
}

function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        const stop = () => {
            clearTimeout(timer);
            reject(signal.reason);
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener('abort', stop);
            resolve();
        }, ms);
        signal?.addEventListener('abort', stop, {once: true});
        if (signal?.aborted) stop();
    });
}

function errorIn(answer, text) {
    const {status} = answer;
    let message;
    try {
        message = JSON.parse(text).error;
    } catch { /* not ours: a proxy's page */ }
    const isOurs = typeof message === 'string', seconds = answer.headers.get('Retry-After');
    const kind = classes[status] ?? (status >= 500 ? ServerError : LstmdError);
    return new kind(isOurs ? message : `the server answers ${status}`, {
        status, retryAfter: isOurs && /^\d+$/.test(seconds ?? '') ? Number(seconds) : undefined,
        requestId: answer.headers.get('X-Request-Id') ?? undefined});
}

function pathOf(model) {
    return `/v1/models/${model.split('/').map(encodeURIComponent).join('/')}`;
}

/* JSON has no typed arrays. */
function plain(value) {
    return ArrayBuffer.isView(value) ? Array.from(value) : value;
}

function jsonBody(value) {
    return {content: JSON.stringify(value), type: 'application/json'};
}

function bytesOf(view) {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/* A body that carries instances, and beside them what `extra` has. */
function inputBody(instances, extra) {
    const given = Object.entries(extra).filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, plain(value)]);
    const query = queryOf(given);
    const octets = 'application/octet-stream';
    if (instances instanceof Float32Array || instances instanceof Float64Array) {
        return {content: bytesOf(littleEndian(instances)), type: octets, query};
    }
    if (instances instanceof ArrayBuffer) return inputBody(new Uint8Array(instances), extra);
    if (instances instanceof Uint8Array || instances instanceof Uint8ClampedArray) {
        const content = bytesOf(instances);
        if (PNG_SIGNATURE.every((byte, k) => content[k] === byte)) {
            return {content, type: 'image/png', query};
        }
        return {content, type: octets, query: {dtype: 'uint8', ...query}};
    }
    const body = Array.isArray(instances) ? {instances: instances.map(plain)} : instances;
    return jsonBody({...body, ...Object.fromEntries(given)});
}

function littleEndian(numbers) {
    const view = new DataView(new ArrayBuffer(4 * numbers.length));
    numbers.forEach((number, k) => view.setFloat32(4 * k, number, true));
    return view;
}

/* Values as the query has them: JSON without the outermost brackets. */
function queryOf(given) {
    return Object.fromEntries(given.map(([key, value]) => {
        const text = JSON.stringify(value);
        return [key, text.startsWith('[') ? text.slice(1, -1) : text];
    }));
}

/* lstmd.d.ts: the types of lstmd.js. SPDX-License-Identifier: Apache-2.0 */

export interface ErrorDetails {
    status?: number;
    retryAfter?: number;
    requestId?: string;
    cause?: unknown;
}

export class LstmdError extends Error {
    constructor(message: string, details?: ErrorDetails);
    /** Of HTTP; 0: there was no answer. */
    status: number;
    /** Seconds, if the server said so. */
    retryAfter: number | undefined;
    requestId: string | undefined;
}
export class ConnectionFailed extends LstmdError {}
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
export class Unavailable extends LstmdError {}
export class DeadlinePassed extends LstmdError {}
export class NoSpace extends LstmdError {}

/** Numbers in arrays in arrays. */
export type Numbers = number | Numbers[];

/** Of one layer; a list of them of a stack; an array with state_is_tuple false. */
export type LayerState = {c?: Numbers; h: Numbers} | Numbers;
export type State = LayerState | LayerState[];

/** One sequence: [steps][features], flat, or with its initial state. */
export type Instance = Numbers | Float32Array | Float64Array | {input: Numbers; initial_state?: State};

/** Arrays of instances are sent as JSON. Floats, and bytes (uint8, scaled as the model says), are
 * one or more whole instances in a row; bytes may be a PNG of a digit, too. An object is a whole
 * body: {inputs: {...}, time_major: true}. */
export type Instances = Instance[] | Float32Array | Float64Array | Uint8Array | Uint8ClampedArray |
    ArrayBuffer | {instances: Instance[]; [key: string]: unknown} |
    {inputs: unknown; time_major?: boolean; [key: string]: unknown};

export type Label = number | number[];

export interface CallOptions {
    signal?: AbortSignal;
}

export interface StateOptions extends CallOptions {
    trace?: boolean;
    gates?: boolean;
    predictions?: boolean;
    stateIsTuple?: boolean;
    layers?: number[];
}

export interface StateAnswer {
    outputs: Numbers[][];
    state: State;
    trace?: State;
    gates?: Record<string, Numbers> | Record<string, Numbers>[];
    predictions?: Numbers[];
}

export interface StepAnswer {
    step: number;
    loss: number;
    /** Not with the squared error. */
    accuracy?: number;
    /** Not of evaluate(). */
    gradient_norm?: number;
    examples: number;
}

export interface TrainingAnswer {
    base_version: string;
    step: number;
    unpublished_steps: number;
    durable: boolean;
    settings: {loss: string; optimizer: string; learning_rate: number; [key: string]: unknown};
    losses: number[];
}

export interface SessionAnswer {
    id: string;
    number: number;
    model: string;
    version: string;
    steps: number;
    age_seconds: number;
    idle_seconds: number;
    busy: boolean;
}

export interface SessionStateAnswer {
    state: State;
    steps: number;
    version: string;
}

export interface StatusAnswer {
    model_version_status: {
        version: string;
        state: string;
        status: {error_code: string; error_message: string};
    }[];
}

export interface ModelsAnswer {
    models: {name: string; versions: {version: string; state: string; labels?: string[]}[]}[];
}

export interface MetadataAnswer {
    model_spec: {name: string; signature_name: string; version: string};
    metadata: {signature_def: unknown; labels?: string[]};
}

export interface ClientOptions {
    apiKey?: string;
    /** Seconds for a request, its retries and their waits in all; 30. */
    timeout?: number;
    /** Most times that a request is sent again; 4. */
    retries?: number;
    fetch?: typeof globalThis.fetch;
}

export interface Body {
    content: string | Uint8Array;
    type: string;
    query?: Record<string, string>;
}

export interface RequestOptions extends CallOptions {
    body?: Body;
    isSafe?: boolean;
    retries?: number;
}

/** model: "mnist" for the newest version and what it has learned, "mnist/versions/1" or
 * "mnist/labels/stable" for one version. Every method rejects with an LstmdError. */
export class Client {
    constructor(url?: string, options?: ClientOptions);
    apiKey: string;
    timeout: number;
    retries: number;
    predict(model: string, instances: Instances, options?: CallOptions): Promise<Numbers[]>;
    state(model: string, instances: Instances, options?: StateOptions): Promise<StateAnswer>;
    trainStep(model: string, instances: Instances, labels: Label[],
              options?: CallOptions & {sampleWeight?: number[]; learningRate?: number}):
        Promise<StepAnswer>;
    evaluate(model: string, instances: Instances, labels: Label[],
             options?: CallOptions & {sampleWeight?: number[]}): Promise<StepAnswer>;
    publish(model: string, options?: CallOptions): Promise<{version: string}>;
    reset(model: string, options?: CallOptions): Promise<TrainingAnswer>;
    training(model: string, options?: CallOptions): Promise<TrainingAnswer>;
    setTraining(model: string,
                options: CallOptions & {learningRate?: number; clipNorm?: number}):
        Promise<TrainingAnswer>;
    models(options?: CallOptions): Promise<ModelsAnswer>;
    model(model: string, options?: CallOptions): Promise<StatusAnswer>;
    metadata(model: string, options?: CallOptions): Promise<MetadataAnswer>;
    load(model: string, options?: CallOptions): Promise<StatusAnswer>;
    unload(model: string, options?: CallOptions): Promise<StatusAnswer>;
    health(options?: CallOptions): Promise<{live: boolean; ready: boolean}>;
    metrics(options?: CallOptions): Promise<string>;
    session(model: string, options?: CallOptions & {id?: string; initialState?: State}):
        Promise<Session>;
    openSession(model: string, id: string, options?: CallOptions): Promise<Session>;
    sessions(model: string, options?: CallOptions & {limit?: number; after?: number}):
        Promise<{sessions: SessionAnswer[]; next: number | null}>;
    json(method: string, path: string, options?: RequestOptions): Promise<any>;
    request(method: string, path: string, options?: RequestOptions):
        Promise<{status: number; headers: Headers; text: string}>;
}

export class Session {
    constructor(client: Client, model: string, id: string);
    /** Its name, without a version. */
    readonly model: string;
    readonly id: string;
    predict(piece: Instances, options?: CallOptions): Promise<Numbers[]>;
    state(piece: Instances, options?: StateOptions): Promise<StateAnswer>;
    getState(options?: CallOptions): Promise<SessionStateAnswer>;
    setState(state: State | SessionStateAnswer, options?: CallOptions & {steps?: number}):
        Promise<SessionAnswer>;
    fork(id?: string, options?: CallOptions): Promise<Session>;
    move(version: number | string, options?: CallOptions): Promise<SessionAnswer>;
    info(options?: CallOptions): Promise<SessionAnswer>;
    delete(options?: CallOptions): Promise<SessionAnswer>;
}

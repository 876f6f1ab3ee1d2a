/* figures.js: what the server does, out of its metrics. SPDX-License-Identifier: Apache-2.0 */
import {paintLine, showBars} from './pixels.js';

const PERIOD_MS = 1000, WINDOW = 60; // samples that are kept
const PAUSE_MS = 5000;               // after a failure
const OURS = new Set(['metrics', 'live', 'page', 'page_file']); // the page's own looking

const find = (id) => document.getElementById(id);

/** The series of a text of metrics: [{name, labels, value}]. */
export function parseMetrics(text) {
    const series = [];
    for (const line of text.split('\n')) {
        const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (match === null) continue;
        const labels = {};
        for (const [, name, value] of (match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
            labels[name] = value;
        series.push({name: match[1], labels, value: Number(match[3])});
    }
    return series;
}

/** A histogram's counts, not cumulated, by the upper bounds of its buckets. */
export function histogramOf(series, name, isWanted) {
    const cumulated = new Map();
    for (const {name: found, labels, value} of series) {
        if (found !== `${name}_bucket` || !isWanted(labels)) continue;
        const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
        cumulated.set(bound, (cumulated.get(bound) ?? 0) + value);
    }
    const bounds = [...cumulated.keys()].sort((a, b) => a - b);
    return new Map(bounds.map((bound, k) =>
        [bound, cumulated.get(bound) - (k > 0 ? cumulated.get(bounds[k - 1]) : 0)]));
}

/** The value below which `share` of a histogram lies, evenly spread in its bucket; null: empty. */
export function quantile(histogram, share) {
    const total = [...histogram.values()].reduce((sum, n) => sum + n, 0);
    let before = 0, low = 0;
    if (total <= 0) return null;
    for (const [bound, n] of histogram) {
        if (n > 0 && before + n >= share * total)
            return bound === Infinity ? low : low + (bound - low) * (share * total - before) / n;
        before += n;
        low = bound;
    }
    return low;
}

/* What happened between two samples; after a restart of the server, all since then. */
function difference(now, then) {
    const result = new Map();
    for (const [bound, n] of now) result.set(bound, n - (then?.get(bound) ?? 0));
    return [...result.values()].some((n) => n < 0) ? now : result;
}

function sampleOf(text) {
    const series = parseMetrics(text);
    const sum = (name, isWanted) => series.filter((one) => one.name === name && isWanted(one.labels))
        .reduce((total, one) => total + one.value, 0);
    const isRun = (labels) => /predict|state|inspect/.test(labels.route);
    return {
        at: performance.now(),
        requests: sum('lstmd_requests_total', (labels) => !OURS.has(labels.route)),
        waiting: sum('lstmd_queue_depth', () => true),
        latency: histogramOf(series, 'lstmd_request_duration_seconds', isRun),
        batches: histogramOf(series, 'lstmd_batch_size', () => true)};
}

function milliseconds(seconds) {
    if (seconds === null) return '–';
    const ms = 1000 * seconds;
    return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

/* "1", "2", "3–4", "over 1024". */
function rangeOf(bound, previous) {
    if (bound === Infinity) return `> ${previous}`;
    return bound - previous <= 1 ? `${bound}` : `≤ ${bound}`;
}

export class Figures {
    /** Of the server of a client; failed(error) is told of what goes wrong, isQuiet() tells whether
     * there is time to look. */
    constructor(client, {failed, isQuiet}) {
        Object.assign(this, {client, failed, isQuiet});
        this.samples = [];
        this.rates = [];
        this.look();
    }

    async look() {
        let pause = PERIOD_MS;
        if (!document.hidden && this.isQuiet()) {
            try {
                this.add(sampleOf(await this.client.metrics()));
            } catch (error) {
                this.failed(error);
                pause = PAUSE_MS;
            }
        }
        setTimeout(() => this.look(), pause);
    }

    add(sample) {
        const last = this.samples[this.samples.length - 1];
        this.samples.push(sample);
        if (this.samples.length > WINDOW) this.samples.shift();
        if (last !== undefined) {
            const more = sample.requests - last.requests;
            this.rates.push(Math.max(0, more) * 1000 / (sample.at - last.at));
            if (this.rates.length > WINDOW) this.rates.shift();
        }
        this.show(sample, this.samples[0]);
    }

    show(now, first) {
        const rate = this.rates[this.rates.length - 1];
        find('rate').textContent = rate === undefined ? '–' : rate.toFixed(rate < 10 ? 1 : 0);
        const latency = difference(now.latency, first.latency);
        find('p50').textContent = milliseconds(quantile(latency, 0.5));
        find('p95').textContent = milliseconds(quantile(latency, 0.95));
        find('queue').textContent = now.waiting;
        paintLine(find('rate-line'), this.rates, WINDOW);
        this.showBatches(difference(now.batches, first.batches));
    }

    showBatches(batches) {
        const total = [...batches.values()].reduce((sum, n) => sum + n, 0);
        let previous = 0;
        const rows = [...batches].map(([bound, n]) => {
            const name = rangeOf(bound, previous);
            previous = bound;
            return {name, share: total > 0 ? n / total : 0, text: String(n)};
        });
        while (rows.length > 6 && rows[rows.length - 1].share === 0) rows.pop();
        showBars(find('batches'), rows);
    }
}

/* figures.test.mjs: the page's reading of metrics. SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {histogramOf, parseMetrics, quantile} from '../../clients/web/figures.js';

const text = `# HELP a_seconds Help.
# TYPE a_seconds histogram
a_seconds_bucket{route="predict",le="0.1"} 1
a_seconds_bucket{route="predict",le="0.2"} 3
a_seconds_bucket{route="predict",le="+Inf"} 4
a_seconds_bucket{route="state",le="0.1"} 10
a_seconds_sum{route="predict"} 0.7
plain 12
`;

test('series have names, labels and values', () => {
    const series = parseMetrics(text);
    assert.equal(series.length, 6);
    assert.deepEqual(series[0], {name: 'a_seconds_bucket', labels: {route: 'predict', le: '0.1'}, value: 1});
    assert.deepEqual(series[5], {name: 'plain', labels: {}, value: 12});
    assert.deepEqual(parseMetrics('a{b="x\\"y}"} 1')[0].labels, {b: 'x\\"y}'});
});

test('a histogram is not cumulated and has only what was wanted', () => {
    const histogram = histogramOf(parseMetrics(text), 'a_seconds', ({route}) => route === 'predict');
    assert.deepEqual([...histogram], [[0.1, 1], [0.2, 2], [Infinity, 1]]);
});

test('a quantile lies within its bucket', () => {
    const histogram = new Map([[1, 0], [2, 10], [4, 10], [Infinity, 0]]);
    assert.equal(quantile(histogram, 0.25), 1.5);
    assert.equal(quantile(histogram, 0.5), 2);
    assert.equal(quantile(histogram, 0.75), 3);
    assert.equal(quantile(new Map([[1, 0]]), 0.5), null);
    assert.equal(quantile(new Map([[1, 0], [Infinity, 3]]), 0.5), 1);
});

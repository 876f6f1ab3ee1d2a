/* newest.test.mjs: of many questions, the newest is what counts. SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {Newest} from '../../clients/web/newest.js';

/* Questions about `world`, which the test answers by hand: answers[k] is that of question k. */
function setUp() {
    const asked = [], answers = [], taken = [], errors = [];
    const newest = new Newest({
        ask: () => {
            asked.push(scene.world);
            return new Promise((resolve, reject) => answers.push({resolve, reject}));
        },
        taken: (answer) => taken.push(answer),
        failed: (error) => errors.push(error)});
    const scene = {newest, asked, answers, taken, errors, world: 0};
    scene.change = () => {
        scene.world++;
        return newest.askNow();
    };
    return scene;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a question is asked at once', async () => {
    const {newest, asked, answers, taken, change} = setUp();
    const done = change();
    assert.deepEqual(asked, [1]);
    assert.equal(newest.isAnswered, false);
    answers[0].resolve('one');
    await done;
    assert.deepEqual(taken, ['one']);
    assert.equal(newest.isAnswered, true);
});

test('two are in flight, and what changed meanwhile is asked once, as it is then', async () => {
    const {newest, asked, answers, taken, change} = setUp();
    for (let k = 0; k < 5; k++) change();
    assert.deepEqual(asked, [1, 2]);
    answers[0].resolve('one');
    await settled();
    assert.deepEqual(asked, [1, 2, 5]);
    assert.equal(newest.isAnswered, false);
    answers[1].resolve('two');
    answers[2].resolve('five');
    await settled();
    assert.deepEqual(taken, ['one', 'two', 'five']);
    assert.equal(newest.isAnswered, true);
});

test('an answer that a newer one overtook is dropped', async () => {
    const {newest, answers, taken, change} = setUp();
    change();
    change();
    answers[1].resolve('two');
    await settled();
    assert.equal(newest.isAnswered, true);
    answers[0].resolve('one');
    await settled();
    assert.deepEqual(taken, ['two']);
});

test('after an error nothing is asked until somebody wants it', async () => {
    const {newest, asked, answers, taken, errors, change} = setUp();
    for (let k = 0; k < 3; k++) change();
    answers[0].reject(new Error('gone'));
    answers[1].reject(new Error('gone, too'));
    await settled();
    assert.deepEqual(errors.map(({message}) => message), ['gone', 'gone, too']);
    assert.deepEqual(asked, [1, 2]);
    assert.equal(newest.isAnswered, false);
    change();
    answers[2].resolve('four');
    await settled();
    assert.deepEqual([asked, taken], [[1, 2, 4], ['four']]);
    assert.equal(newest.isAnswered, true);
});

test('what is forgotten is not taken', async () => {
    const {newest, asked, answers, taken, change} = setUp();
    for (let k = 0; k < 3; k++) change();
    newest.forget();
    assert.equal(newest.isAnswered, true);
    answers[0].resolve('one');
    answers[1].resolve('two');
    await settled();
    assert.deepEqual([asked, taken], [[1, 2], []]);
});

/* teach.js: training steps on the drawing. SPDX-License-Identifier: Apache-2.0 */
import {client, curlOf, numbersOf} from './api.js';

const find = (id) => document.getElementById(id);

export class Teaching {
    /** page: drawing() is the pixels or null, learned(line) is told after what the model answers
     * may have changed, with the curl line behind it or null, published(version) after that,
     * failed(error) of what went wrong. */
    constructor(page) {
        this.page = page;
        this.model = '';
        find('publish').addEventListener('click', () => this.publish());
        find('reset').addEventListener('click', () => this.reset());
    }

    /** Shows the panel if the server lets this model be trained. */
    async offer(model, labels) {
        this.model = model;
        let report = null;
        try {
            report = await client.training(model);
        } catch { /* it does not: an older server, --training off, a key without the scope */ }
        find('teach-panel').hidden = report === null;
        if (report === null) return;
        this.tellSteps(report);
        find('teach-digits').replaceChildren(...labels.map((label, k) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.textContent = label;
            button.setAttribute('aria-label', `It is ${label}`);
            button.addEventListener('click', () => this.step(k, label));
            return button;
        }));
    }

    tell(text) {
        find('teach-text').textContent = text;
    }

    tellSteps(report) {
        const n = report.unpublished_steps;
        this.tell(n === 0 ? `The model is as published in version ${report.base_version}.`
                          : `${n} ${n === 1 ? 'step' : 'steps'} learned since version ${report.base_version}.`);
    }

    /* Runs one task at a time. */
    async run(task) {
        if (this.isBusy) return;
        this.isBusy = true;
        try {
            await task();
        } catch (error) {
            this.page.failed(error);
        } finally {
            this.isBusy = false;
        }
    }

    step(digit, label) {
        const pixels = this.page.drawing();
        if (pixels === null) {
            this.tell('Draw a digit first.');
            return;
        }
        const instances = [numbersOf(pixels)], labels = [digit];
        this.run(async () => {
            const result = await client.trainStep(this.model, instances, labels);
            this.tell(`Step ${result.step}: this is a ${label}. The loss was ` +
                      `${result.loss.toPrecision(3)}; the new answer is above.`);
            this.page.learned(curlOf(this.model, 'train-step', {instances, labels}));
        });
    }

    publish() {
        if (!confirm('Write what was learned to disk, as the next version of the model?')) return;
        this.run(async () => {
            const {version} = await client.publish(this.model);
            this.tell(`Published as version ${version}.`);
            this.page.published(version);
        });
    }

    reset() {
        this.run(async () => {
            this.tellSteps(await client.reset(this.model));
            this.page.learned(null);
        });
    }
}

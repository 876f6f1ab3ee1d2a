/* newest.js: questions of which only the newest matters. SPDX-License-Identifier: Apache-2.0 */

/* One on its way there and one on its way back; more would only wait in the server. */
const MOST_IN_FLIGHT = 2;

export class Newest {
    /** ask() gives a promise of the answer about what is the case when it is called; taken(answer,
     * tookMs) is told of it unless a newer one came before, failed(error) of an error. */
    constructor({ask, taken, failed}) {
        Object.assign(this, {ask, taken, failed});
        this.nAsked = this.nTaken = this.nInFlight = 0;
        this.isWaiting = false; // for another answer, to ask then
    }

    /** Whether the newest question has its answer. */
    get isAnswered() {
        return !this.isWaiting && this.nTaken === this.nAsked;
    }

    /** Asks now; while enough questions are in flight, once for all when one of them is answered. */
    async askNow() {
        this.isWaiting = this.nInFlight === MOST_IN_FLIGHT;
        if (this.isWaiting) return;
        const number = ++this.nAsked, begun = performance.now();
        this.nInFlight++;
        try {
            const answer = await this.ask();
            if (number > this.nTaken) {
                this.nTaken = number;
                this.taken(answer, performance.now() - begun);
            }
        } catch (error) {
            this.nInFlight--;
            this.failed(error); // who knows when it is worth asking again
            return;
        }
        this.nInFlight--;
        if (this.isWaiting) await this.askNow();
    }

    /** Takes none of the answers that are still to come. */
    forget() {
        this.nTaken = this.nAsked;
        this.isWaiting = false;
    }
}

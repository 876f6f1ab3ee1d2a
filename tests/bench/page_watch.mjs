/* page_watch.mjs: what page.mjs has the demo page note. SPDX-License-Identifier: Apache-2.0 */

/** Runs in the page before its own scripts. window.usable: when it could be used first.
 * window.points: {input, dispatched, bars, frame, request} for each point of a stroke: when the
 * pointer was there, when the page was told, when the bars showed the answer to a question that was
 * asked after that (an older answer does not count), when the frame with them was done.
 * window.requests: {sent, headed, read}. */
export function watch() {
    performance.setResourceTimingBufferSize(100000);
    Object.assign(window, {usable: 0, points: [], requests: []});
    const {fetch} = window;
    let waiting = [], newest = 0, answered = -1;

    window.fetch = async (url, options) => {
        if (!String(url).includes(':predict')) return fetch(url, options);
        const request = {sent: performance.now()}, number = window.requests.push(request) - 1;
        const answer = await fetch(url, options);
        request.headed = performance.now();
        const text = await answer.text();
        request.read = performance.now();
        answer.text = () => {
            answered = Math.max(answered, number);
            setTimeout(noteBars); // ink that changes nothing changes no bars
            return text;
        };
        return answer;
    };

    const notePoint = (event) => {
        if (event.buttons === 0 || event.timeStamp <= newest) return;
        newest = event.timeStamp;
        const point = {input: newest, dispatched: performance.now(), asked: window.requests.length};
        window.points.push(point);
        waiting.push(point);
    };
    for (const name of ['pointerrawupdate', 'pointermove'])
        addEventListener(name, notePoint, {capture: true});

    const noteBars = () => {
        const bars = performance.now(), shown = waiting.filter(({asked}) => asked <= answered);
        waiting = waiting.filter(({asked}) => asked > answered);
        for (const point of shown) Object.assign(point, {bars, request: answered});
        if (shown.length === 0) return;
        const {port1, port2} = new MessageChannel();
        port1.onmessage = () => shown.forEach((point) => Object.assign(point, {frame: performance.now()}));
        requestAnimationFrame(() => port2.postMessage(null));
    };
    document.addEventListener('DOMContentLoaded', () => {
        new MutationObserver(() => {
            if (window.usable === 0 && document.querySelector('#server.up') !== null)
                window.usable = performance.now();
        }).observe(document.getElementById('server'), {attributes: true});
        new MutationObserver(noteBars).observe(document.getElementById('bars'),
            {subtree: true, childList: true, attributes: true, characterData: true});
    });
}

/** Runs in the page at the end: {points, requests}, these with what the browser measured. */
export function collect() {
    const entries = performance.getEntriesByType('resource')
        .filter(({name}) => name.includes(':predict')).sort((a, b) => a.startTime - b.startTime);
    const requests = window.requests.map((request, k) => {
        const {requestStart, responseStart, serverTiming = []} = entries[k] ?? {};
        const server = serverTiming.find(({name}) => name === 'total')?.duration;
        return {...request, requestStart, responseStart, server};
    });
    return {points: window.points, requests};
}

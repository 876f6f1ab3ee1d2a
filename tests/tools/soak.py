#!/usr/bin/env python3
"""soak.py LSTMD SECONDS: mixed traffic on a daemon for that long. SPDX-License-Identifier: Apache-2.0

Predictions in three forms and from pictures, states, sessions, train-steps, publications, reloads,
bad bodies, and clients that vanish in the middle. Fails when an answer is not the one that was
asked for, when a version that was published, or a reload, does not come, when the log has an error
or a sanitizer's report, or when the daemon, looked at every five minutes with all clients paused, holds
other descriptors or threads, or at the end memory that differs by more than 5 %, than after a tenth
of the time (at most 5 minutes). --any-memory leaves memory out: a sanitizer's grows by itself.
"""
import argparse
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from typing import Callable

DATA = pathlib.Path("tests/data")
DIGIT = json.loads((DATA / "mnist/digit.json").read_text())
INSTANCE = DIGIT["instances"][0]
PIXELS = (DATA / "mnist/digit.bin").read_bytes()
BAD_BODIES = [b"", b"{", b"[]", b'{"instances": []}', b'{"instances": [[1, "a"]]}', b'{"instances": 1e999}',
              b'{"instances": [[[1e39]]]}', b"\xff\xfe", b'{"inputs": {}}', b"[" * 5000]
ROOT = "/v1/models/mnist"
MOST_GROWTH = 0.05
SECONDS_BETWEEN_FIGURES = 300
SECONDS_TO_COME_INTO_FORCE = 300


class Soak:
    """The daemon, its clients' faults and what they counted."""

    def __init__(self, binary: str, folder: str) -> None:
        self.models = pathlib.Path(folder, "models")
        for name in ("mnist", "other"):
            shutil.copytree("models/mnist", self.models / name)
        self.log = open(f"{folder}/log", "w+b")
        self.daemon = subprocess.Popen(
            [binary, "serve", "--port", "0", "--models", str(self.models), "--state-dir", f"{folder}/state",
             "--session-file", f"{folder}/sessions", "--session-file-seconds", "1", "--max-sessions", "100",
             "--session-full", "evict", "--model-poll-seconds", "0", "--log-level", "warn", "--request-timeout-ms", "600000",
             "--header-timeout-seconds", "30", "--body-timeout-seconds", "30"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        ready = self.daemon.stdout.readline()
        self.port = int(re.search(r":(\d+)$", ready.strip()).group(1))
        self.idle_descriptors = min(self.descriptors() for _ in map(time.sleep, 50 * [0.01]))
        self.running = threading.Event()
        self.ended = threading.Event()
        self.lock = threading.Condition()
        self.n_paused = 0
        self.faults: list[str] = []
        self.counts: dict[str, int] = {}

    def fault(self, text: str) -> None:
        with self.lock:
            if len(self.faults) < 20:
                self.faults.append(text)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def wait_if_paused(self, close: Callable[[], None]) -> None:
        """Where every client is between two requests."""
        if self.running.is_set():
            return
        close()
        with self.lock:
            self.n_paused += 1
            self.lock.notify_all()
        while not self.running.wait(0.1) and not self.ended.is_set():
            pass
        with self.lock:
            self.n_paused -= 1

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def figures(self, n_clients: int) -> tuple[int, int, int]:
        """Resident KiB, descriptors and threads, with the clients paused and their connections gone."""
        self.running.clear()
        with self.lock:
            self.lock.wait_for(lambda: self.n_paused == n_clients)
        # A folder that is being looked through, or a file that is being written, is open for a moment.
        deadline = time.monotonic() + 120
        while (descriptors := self.descriptors()) > self.idle_descriptors and time.monotonic() < deadline:
            time.sleep(0.01)
        status = pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text()
        kib, threads = (int(re.search(rf"{key}:\s*(\d+)", status).group(1)) for key in ("VmRSS", "Threads"))
        self.running.set()
        return kib, descriptors, threads

    def wait_for(self, what: str, has_come: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_TO_COME_INTO_FORCE
        while not has_come():
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                return self.fault(f"{what} does not come")
            time.sleep(0.05)


class Client:
    """One connection at a time, and checked answers."""

    def __init__(self, soak: Soak, number: int) -> None:
        self.soak, self.number = soak, number
        self.random = random.Random(number)
        self.connection = http.client.HTTPConnection("127.0.0.1", soak.port, timeout=120)

    def ask(self, what: str, method: str, path: str, body: bytes | dict | None = None,
            expected: tuple[int, ...] = (200,), content: str = "application/json") -> dict:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self.connection.request(method, path, data, {"Content-Type": content})
        answer = self.connection.getresponse()
        text = answer.read()
        self.soak.count(what)
        if answer.status not in expected:
            self.soak.fault(f"{what}: {method} {path} answered {answer.status}: {text[:200]!r}")
        return json.loads(text) if text.startswith(b"{") else {}

    def row(self) -> None:
        n = self.random.randint(1, 5)
        model = self.random.choice(("mnist", "other"))
        answer = self.ask("row", "POST", f"/v1/models/{model}:predict", {"instances": [INSTANCE] * n})
        if len(answer.get("predictions", [])) != n:
            self.soak.fault(f"row: {n} instances, other predictions: {str(answer)[:200]}")

    def column(self) -> None:
        self.ask("column", "POST", f"{ROOT}:predict", {"inputs": [INSTANCE, INSTANCE]})

    def raw(self) -> None:
        self.ask("raw", "POST", f"{ROOT}:predict?dtype=uint8", PIXELS, content="application/octet-stream")

    def picture(self) -> None:
        body = (DATA / "mnist/digit.png").read_bytes()
        self.ask("picture", "POST", f"{ROOT}:predict", body, content="image/png")

    def state(self) -> None:
        self.ask("state", "POST", f"{ROOT}:state", {"instances": [INSTANCE], "trace": True})

    def session(self) -> None:
        name = f"{self.number}-{self.random.randrange(1 << 60)}"
        path = f"{ROOT}/sessions/{name}"
        self.ask("session", "POST", f"{ROOT}/sessions", {"id": name}, (200, 201))
        for _ in range(self.random.randint(1, 4)):
            self.ask("session", "POST", f"{path}:predict", {"instances": [INSTANCE]})
        self.ask("session", "GET", f"{path}/state")
        if self.random.random() < 0.9:
            self.ask("session", "DELETE", path, None, (200, 204))

    def train(self) -> None:
        self.ask("train", "POST", f"{ROOT}:train-step", {"instances": [INSTANCE], "labels": [7]})

    def bad(self) -> None:
        body = self.random.choice(BAD_BODIES)
        self.ask("bad", "POST", f"{ROOT}:predict", body, (400,))
        self.ask("bad", "GET", f"/v1/models/none{self.random.randrange(9)}", None, (404,))

    def read(self) -> None:
        for path in ("/metrics", ROOT, f"{ROOT}/metadata", "/"):
            self.ask("read", "GET", path)

    def vanish(self) -> None:
        """Sends some of a request, and is gone: politely, or with a reset."""
        body = json.dumps(DIGIT).encode()
        request = (f"POST {ROOT}:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        with socket.create_connection(("127.0.0.1", self.soak.port)) as client:
            if self.random.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(request[: self.random.randint(1, len(request))])
        self.soak.count("vanish")

    def publish(self) -> None:
        """What was learned, as a version that serves."""
        self.train()
        number = str(self.ask("publish", "POST", f"{ROOT}:publish", {}, (200, 201)).get("version"))
        self.wait_for_version("mnist", number)

    def reload(self, number: int) -> None:
        """The other model's next version in place of the one before."""
        folder = self.soak.models / "other"
        shutil.copytree("models/mnist/1", folder / ".next")
        (folder / ".next").rename(folder / str(number + 1))
        self.soak.daemon.send_signal(signal.SIGHUP)
        self.wait_for_version("other", str(number + 1))
        shutil.rmtree(folder / str(number))
        self.soak.count("reload")

    def wait_for_version(self, model: str, number: str) -> None:
        self.soak.wait_for(f"version {number} of {model}", lambda: any(
            version["version"] == number and version["state"] == "AVAILABLE"
            for version in self.ask("read", "GET", f"/v1/models/{model}")["model_version_status"]))

    def run(self) -> None:
        usual = [self.row, self.column, self.raw, self.picture, self.state, self.session, self.bad, self.read,
                 self.vanish]
        while not self.soak.ended.is_set():
            self.soak.wait_if_paused(self.connection.close)
            try:
                (self.train if self.random.random() < 0.05 else self.random.choice(usual))()
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.soak.fault(f"client {self.number}: {error!r}")
                self.connection.close()
                time.sleep(0.1)

    def administer(self) -> None:
        """Publishes and reloads, in turn."""
        n_reloads = itertools.count(1)
        for turn in itertools.count():
            if self.soak.ended.wait(2):
                return
            self.soak.wait_if_paused(self.connection.close)
            try:
                self.publish() if turn % 5 == 4 else self.reload(next(n_reloads))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.soak.fault(f"administrator: {error!r}")
                self.connection.close()


def judge(soak: Soak, figures: list[tuple[int, int, int]], any_memory: bool) -> bool:
    first, last = figures[0], figures[-1]
    print(f"soak: first {first[0]} KiB, {first[1]} descriptors, {first[2]} threads; "
          f"last {last[0]} KiB, {last[1]} descriptors, {last[2]} threads; looked at {len(figures)} times")
    print("soak: " + ", ".join(f"{what} {n}" for what, n in sorted(soak.counts.items())))
    if any(each[1:] != first[1:] for each in figures):
        soak.fault(f"descriptors or threads were not constant: {figures}")
    if not any_memory and abs(last[0] - first[0]) > MOST_GROWTH * first[0]:
        soak.fault(f"memory differs by {100 * (last[0] / first[0] - 1):.1f} %")
    for text in soak.faults:
        print(f"soak: {text}", file=sys.stderr)
    return not soak.faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lstmd")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--any-memory", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(arguments.lstmd, folder)
        threads = [threading.Thread(target=Client(soak, k).run) for k in range(arguments.clients)]
        threads.append(threading.Thread(target=Client(soak, -1).administer))
        soak.running.set()
        for thread in threads:
            thread.start()
        end = time.monotonic() + arguments.seconds
        time.sleep(min(arguments.seconds / 10, 300) if arguments.seconds >= 120 else arguments.seconds / 2)
        figures = [soak.figures(len(threads))]
        while (left := end - time.monotonic()) > 0 or len(figures) < 2:
            time.sleep(min(max(left, 0), SECONDS_BETWEEN_FIGURES))
            figures.append(soak.figures(len(threads)))
        soak.ended.set()
        for thread in threads:
            thread.join()
        soak.daemon.terminate()
        if soak.daemon.wait(300) != 0:
            soak.fault(f"the daemon ended with {soak.daemon.returncode}")
        soak.log.seek(0)
        log = soak.log.read().decode(errors="replace")
        if re.search("level=error|Sanitizer", log):
            soak.fault(f"its log: {log[-3000:]}")
        # A run of seconds ends before its caches are full.
        return 0 if judge(soak, figures, arguments.any_memory or arguments.seconds < 120) else 1


if __name__ == "__main__":
    sys.exit(main())

"""clients.py: those who ask a stack: once, on a kept connection as curl does, or again and again.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import http.client
import json
import pathlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from processes import HOST, JSON, until

MODEL = "/v1/models/mnist"
REPLICAS = ["replica1", "replica2", "replica3"]
DIGIT = json.loads(pathlib.Path("tests/data/mnist/digit.json").read_text(encoding="utf-8"))
LABELLED = {**DIGIT, "labels": [7]}
ROWS = [DIGIT["instances"][0][i:i + 28] for i in range(0, 784, 28)] \
    if len(DIGIT["instances"][0]) == 784 else DIGIT["instances"][0]
PIECE = {"instances": [[ROWS[14]]]}


def say(text: str) -> None:
    print(f"test-docker: stack: {text}", flush=True)


def same(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(abs(x - y) < 1e-5 for x, y in zip(a, b))


def check(condition: object, text: str) -> None:
    if not condition:
        raise SystemExit(f"test-docker: stack: {text}")


class Client:
    """A kept connection. One that had answered and ends without a byte was idle for too long, think curl and
    browsers, and send again, a POST as well; so does this, and counts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.resent = 0
        self.connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer; 0 and why if there was none."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        for _ in range(2):
            was_kept = self.connection is not None
            self.connection = self.connection or http.client.HTTPConnection(HOST, self.port, timeout=60)
            try:
                self.connection.request(method, path, data, {"Content-Type": JSON})
                answer = self.connection.getresponse()
                text = answer.read()
                if answer.will_close:
                    self.close()
                return answer.status, json.loads(text) if text.startswith(b"{") else text
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not was_kept or isinstance(error, TimeoutError):
                    return 0, repr(error)
                self.resent += 1
        return 0, "closed without an answer, twice"


class Load:
    """Clients that ask for one thing after another until they are told to stop."""

    def __init__(self) -> None:
        self.answered = 0
        self.resent = 0
        self.failures: list[tuple[int, Any]] = []
        self.statuses: Counter[int] = Counter()
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.broken: list[str] = []

    def count(self, status: int, answer: Any) -> bool:
        """Notes an answer; whether it was a good one."""
        is_good = 200 <= status < 300
        with self.lock:
            self.answered += 1
            self.statuses[status] += 1
            if not is_good:
                self.failures.append((status, answer))
        return is_good

    def go_on(self, answers: int) -> None:
        """Waits for so many answers more."""
        goal = self.answered + answers
        until(lambda: self.answered >= goal or self.broken, f"{answers} more answers", 600)


@contextmanager
def loaded(port: int, works: list[Callable[[Load, Client], None]]) -> Iterator[Load]:
    """Each of `works` on a client of its own, until the block ends. What they complain of, it raises."""
    load = Load()

    def run(work: Callable[[Load, Client], None]) -> None:
        client = Client(port)
        try:
            work(load, client)
        except SystemExit as complaint:
            load.broken.append(str(complaint))
        finally:
            client.close()
            with load.lock:
                load.resent += client.resent

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()
    check(not load.broken, "; ".join(load.broken))

"""stack.py LSTMD: three replicas, a trainer, HAProxy and Redis as processes, put to the test.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import json
import pathlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from processes import Stack, call, until

MODEL = "/v1/models/mnist"
REPLICAS = ["replica1", "replica2", "replica3"]
DIGIT = json.loads(pathlib.Path("tests/data/mnist/digit.json").read_text(encoding="utf-8"))
ROWS = [DIGIT["instances"][0][i:i + 28] for i in range(0, 784, 28)] \
    if len(DIGIT["instances"][0]) == 784 else DIGIT["instances"][0]
CLIENTS = 8


def say(text: str) -> None:
    print(f"test-docker: stack: {text}", flush=True)


def check(condition: object, text: str) -> None:
    if not condition:
        raise SystemExit(f"test-docker: stack: {text}")


def same(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(abs(x - y) < 1e-5 for x, y in zip(a, b))


class Load:
    """Clients that ask for one thing after another through HAProxy until they are told to stop."""

    def __init__(self) -> None:
        self.answered = 0
        self.failures: list[tuple[int, Any]] = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()

    def count(self, status: int, answer: Any) -> bool:
        """Notes an answer; whether it was a good one."""
        with self.lock:
            self.answered += 1
            if not 200 <= status < 300:
                self.failures.append((status, answer))
        return 200 <= status < 300

    def go_on(self, answers: int) -> None:
        """Waits for so many answers more."""
        goal = self.answered + answers
        until(lambda: self.answered >= goal, f"{answers} more answers", 600)


def predict_forever(load: Load, port: int) -> None:
    while not load.stopped.is_set():
        load.count(*call(port, "POST", f"{MODEL}:predict", DIGIT))


def steps_of(port: int, session: str) -> int:
    status, answer = call(port, "GET", f"{MODEL}/sessions/{session}")
    check(status == 200, f"session {session} is lost: {status} {answer}")
    return answer["steps"]


def read_forever(load: Load, port: int, name: str, whole: list[float]) -> None:
    """Sessions one after another, a row a piece. What had no answer may have been done: it asks."""
    number = 0
    while not load.stopped.is_set():
        session = f"{name}-{number}"
        number += 1
        status, answer = call(port, "POST", f"{MODEL}/sessions", {"id": session})
        if not load.count(status, answer) and call(port, "GET", f"{MODEL}/sessions/{session}")[0] != 200:
            continue
        steps, last = 0, None
        while steps < 28:
            status, answer = call(port, "POST", f"{MODEL}/sessions/{session}:predict",
                                  {"instances": [[ROWS[steps]]]})
            good = load.count(status, answer)
            last = answer["predictions"][0] if good else None
            steps = steps + 1 if good else steps_of(port, session)
        check(last is None or same(last, whole), f"session {session} answers otherwise than one server")


@contextmanager
def loaded(port: int, whole: list[float]) -> Iterator[Load]:
    """Half of the clients predict, the others read by sessions; `whole` is what these should end with."""
    load = Load()
    threads = [threading.Thread(target=predict_forever, args=(load, port)) for _ in range(CLIENTS)]
    threads[::2] = [threading.Thread(target=read_forever, args=(load, port, f"{id(load)}-{i}", whole))
                    for i in range(CLIENTS // 2)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()


def check_routes(stack: Stack) -> None:
    """What concerns one process is refused at the door, and training goes to the trainer."""
    door = stack.ports["haproxy"]
    for path in ("/metrics", f"{MODEL}:load", f"{MODEL}:unload"):
        method = "GET" if path == "/metrics" else "POST"
        check(call(door, method, path)[0] == 403, f"{path} should be refused")
    check(call(door, "GET", f"{MODEL}/training")[0] == 200, "the trainer is not reached")
    labelled = {**DIGIT, "labels": [7]}
    for path in (f"{MODEL}:evaluate", f"{MODEL}:train-step"):
        status, answer = call(door, "POST", path, labelled)
        check(status == 200, f"{path}: {status} {answer}")
    check(call(stack.ports["replica1"], "POST", f"{MODEL}:train-step", labelled)[0] == 403,
          "a replica should not train")
    say("each route goes where it belongs")


def check_pieces(stack: Stack, whole: list[float]) -> None:
    """A session's pieces, each on another replica, and then all through the door."""
    for name, ports in (("spread", [stack.ports[name] for name in REPLICAS]),
                        ("door", [stack.ports["haproxy"]])):
        call(ports[0], "POST", f"{MODEL}/sessions", {"id": name})
        answer: Any = None
        for step, row in enumerate(ROWS):
            status, answer = call(ports[step % len(ports)], "POST", f"{MODEL}/sessions/{name}:predict",
                                  {"instances": [[row]]})
            check(status == 200, f"piece {step} of {name}: {status} {answer}")
        check(same(answer["predictions"][0], whole), f"the pieces of {name} give another answer")
    say("a session's 28 pieces, spread over three replicas, give the answer of one")


def check_kill(stack: Stack, whole: list[float], options: dict[str, str]) -> None:
    """A replica is killed and comes back; then one is asked to end and comes back."""
    with loaded(stack.ports["haproxy"], whole) as load:
        load.go_on(300)
        check(not load.failures, f"failures before anything happened: {load.failures[:3]}")
        stack.end("replica2", signal.SIGKILL)
        load.go_on(600)
        stack.start_lstmd("replica2", **options)
        load.go_on(300)
    check(len(load.failures) <= CLIENTS, f"more failed than was in flight: {load.failures[:10]}")
    check(all(status == 502 for status, _ in load.failures), f"failed otherwise: {load.failures[:3]}")
    say(f"kill -9 of a replica: {len(load.failures)} of {load.answered} requests failed")

    with loaded(stack.ports["haproxy"], whole) as load:
        load.go_on(300)
        check(stack.end("replica3", signal.SIGTERM) == 0, "a replica did not drain")
        load.go_on(300)
        stack.start_lstmd("replica3", **options)
        load.go_on(300)
    check(not load.failures, f"SIGTERM of a replica let requests fail: {load.failures[:3]}")
    say(f"SIGTERM of a replica: none of {load.answered} requests failed")


def check_publish(stack: Stack) -> None:
    """A version that the trainer publishes serves on every replica."""
    door = stack.ports["haproxy"]
    status, answer = call(door, "POST", f"{MODEL}:train-step", {**DIGIT, "labels": [7]})
    check(status == 200, f"train-step: {status} {answer}")
    status, answer = call(door, "POST", f"{MODEL}:publish")
    check(status in (200, 201), f"publish: {status} {answer}")
    version = str(answer["version"])

    def serves(name: str) -> bool:
        _, told = call(stack.ports[name], "GET", f"{MODEL}/versions/{version}")
        return '"AVAILABLE"' in json.dumps(told)

    seconds = until(lambda: all(map(serves, REPLICAS)), f"version {version} serves on all replicas")
    say(f"version {version} served on all replicas {seconds:.2f} s after it was published")


def check_redis_away(stack: Stack) -> None:
    """Without Redis predicts go on and sessions answer 503; with it all is well by itself."""
    door = stack.ports["haproxy"]
    call(door, "POST", f"{MODEL}/sessions", {"id": "before"})
    stack.end("redis", signal.SIGTERM)
    status, answer = call(door, "POST", f"{MODEL}/sessions/before:predict", {"instances": [[ROWS[0]]]})
    check(status == 503, f"a session without Redis: {status} {answer}")
    check(call(door, "POST", f"{MODEL}:predict", DIGIT)[0] == 200, "predict needs Redis")
    check(call(door, "GET", "/v2/health/ready")[0] == 200, "the replicas are not ready without Redis")
    stack.start_redis()
    seconds = until(lambda: call(door, "POST", f"{MODEL}/sessions")[0] == 201, "sessions are back")
    say(f"Redis stopped: predicts go on, sessions answer 503; {seconds:.2f} s after its start they go on")


def main(lstmd: str) -> None:
    with Stack(lstmd) as stack:
        stack.start_redis()
        options = {"training": "off", "session_store": f"redis://127.0.0.1:{stack.ports['redis']}",
                   "session_store_timeout_ms": "60000"}
        for name in REPLICAS:
            stack.start_lstmd(name, **options)
        stack.start_lstmd("trainer", state_dir=str(stack.folder / "learned"))
        stack.start_haproxy(REPLICAS)
        status, answer = call(stack.ports["trainer"], "POST", f"{MODEL}/versions/1:predict", DIGIT)
        check(status == 200, f"predict: {status} {answer}")
        whole = answer["predictions"][0]

        check_routes(stack)
        check_pieces(stack, whole)
        check_kill(stack, whole, options)
        check_publish(stack)
        check_redis_away(stack)


if __name__ == "__main__":
    main(sys.argv[1])

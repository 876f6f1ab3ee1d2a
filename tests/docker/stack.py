"""stack.py LSTMD: three replicas, a trainer, HAProxy and Redis as processes, put to the test.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import Any

import stack_deaths
import stack_redis
from clients import DIGIT, LABELLED, MODEL, PIECE, REPLICAS, ROWS, Client, check, same, say
from processes import Stack, call, until

# A busy machine may miss what is measured in seconds; one that always does is not busy.
TRIES = 3


def check_routes(stack: Stack) -> None:
    """What concerns one process is refused at the door, training goes to the trainer, all else elsewhere."""
    door = stack.ports["haproxy"]
    for path in ("/metrics", f"{MODEL}:load", f"{MODEL}:unload"):
        method = "GET" if path == "/metrics" else "POST"
        check(call(door, method, path)[0] == 403, f"{path} should be refused")
    check(call(door, "GET", f"{MODEL}/training")[0] == 200, "the trainer is not reached")
    for path in (f"{MODEL}:evaluate", f"{MODEL}:train-step"):
        status, answer = call(door, "POST", path, LABELLED)
        check(status == 200, f"{path}: {status} {answer}")
    check(call(stack.ports["replica1"], "POST", f"{MODEL}:train-step", LABELLED)[0] == 403,
          "a replica should not train")
    # Ids that are words of the interface, too; the trainer has sessions of its own.
    for name in ("training", "sessions", "publish"):
        session = f"{MODEL}/sessions/{name}"
        for method, path, body, expected in (
                ("POST", f"{MODEL}/sessions", {"id": name}, 201), ("POST", f"{session}:predict", PIECE, 200),
                ("GET", session, None, 200), ("PUT", session, {"version": "1"}, 200),
                ("GET", f"{session}/state", None, 200), ("DELETE", session, None, 200)):
            status, answer = call(door, method, path, body)
            check(status == expected, f"{method} {path}: {status} {answer}")
    say("each route goes where it belongs")


def check_connections(stack: Stack) -> None:
    """Whom HAProxy asks, and by which connections, once all kinds of requests have passed twice."""
    client = Client(stack.ports["haproxy"])
    client.ask("POST", f"{MODEL}/sessions", {"id": "kept"})
    for _ in range(8):
        for path, body in ((":predict", DIGIT), ("/sessions/kept:predict", PIECE), (":train-step", LABELLED)):
            status, answer = client.ask("POST", f"{MODEL}{path}", body)
            check(status == 200, f"{path}: {status} {answer}")
    client.close()
    for backend, is_kept in (("replicas", True), ("sessions", False), ("trainer", False), ("inner", False)):
        for figure in ("connection_reuses_total", "idle_connections_current"):
            found = stack.figure(backend, figure)
            check(found and (sum(found.values()) > 0) == is_kept,
                  f"connections of {backend} should {'' if is_kept else 'not '}be kept: {figure} {found}")
    for backend, servers in (("replicas", 3), ("sessions", 3), ("trainer", 1)):
        until(lambda: sum(state.endswith(" L7OK") for state in stack.figure(backend, "check_status")) == servers,
              f"each server of {backend} is asked whether it is ready", 30)
    say("predicts share connections, pieces and train-steps have their own; servers are asked if they are ready")


def check_not_ready(stack: Stack, options: dict[str, str]) -> None:
    """A replica that lives and cannot serve gets nothing."""
    broken = stack.models / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "model.json").write_text("{")
    stack.end("replica1", signal.SIGTERM)
    stack.start_lstmd("replica1", ready=503, **options)
    until(lambda: "replica1 DOWN" in stack.figure("replicas", "status"), "HAProxy leaves replica1 alone")
    (broken / "model.json").unlink()
    broken.rmdir()
    broken.parent.rmdir()
    stack.end("replica1", signal.SIGTERM)
    stack.start_lstmd("replica1", **options)
    until(lambda: "replica1 UP" in stack.figure("replicas", "status"), "HAProxy takes replica1 back")
    say("a replica that is not ready is left alone")


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


def check_pieces_at_once(stack: Stack) -> None:
    """Equal pieces that come to all replicas at once end as those that came to one in turn."""
    ports = [stack.ports[name] for name in REPLICAS]
    for name in ("in-turn", "at-once"):
        call(ports[0], "POST", f"{MODEL}/sessions", {"id": name})
    for _ in range(27):
        call(ports[0], "POST", f"{MODEL}/sessions/in-turn:predict", PIECE)
    statuses: list[int] = []

    def ask(port: int) -> None:
        client = Client(port)
        for _ in range(9):
            statuses.append(client.ask("POST", f"{MODEL}/sessions/at-once:predict", PIECE)[0])
        client.close()

    threads = [threading.Thread(target=ask, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(statuses == [200] * 27, f"pieces at once: {statuses}")
    ends = [call(ports[0], "POST", f"{MODEL}/sessions/{name}:predict", PIECE)[1]["predictions"][0]
            for name in ("in-turn", "at-once")]
    check(same(*ends), f"pieces at once and in turn end differently: {ends}")
    say("27 pieces of one session, nine at once on each replica, were each run once")


def check_publish(stack: Stack) -> None:
    """A version that the trainer publishes serves on every replica within three seconds."""
    door = stack.ports["haproxy"]
    for left in reversed(range(TRIES)):
        status, answer = call(door, "POST", f"{MODEL}:train-step", LABELLED)
        check(status == 200, f"train-step: {status} {answer}")
        status, answer = call(door, "POST", f"{MODEL}:publish")
        check(status in (200, 201), f"publish: {status} {answer}")
        version = str(answer["version"])

        def serves(name: str) -> bool:
            _, told = call(stack.ports[name], "GET", f"{MODEL}/versions/{version}")
            return '"AVAILABLE"' in json.dumps(told)

        seconds = until(lambda: all(map(serves, REPLICAS)), f"version {version} serves on all replicas", 60)
        say(f"version {version} served on all replicas {seconds:.2f} s after it was published")
        if seconds < 3:
            return
        check(left, "a version should serve on all replicas within 3 s")


def check_end(stack: Stack, options: dict[str, str]) -> None:
    """A replica at rest that is asked to end does, within a second, with status 0."""
    for left in reversed(range(TRIES)):
        begin = time.monotonic()
        check(stack.end("replica1", signal.SIGTERM) == 0, "SIGTERM should end a replica with status 0")
        seconds = time.monotonic() - begin
        stack.start_lstmd("replica1", **options)
        if seconds < 1:
            break
        check(left, f"an idle replica took {seconds:.2f} s to end")
    say(f"SIGTERM ends an idle replica with status 0 after {seconds:.2f} s")


def main(lstmd: str) -> None:
    with Stack(lstmd) as stack:
        stack.start_redis()
        options = {"training": "off", "session_store": f"redis://127.0.0.1:{stack.ports['redis']}",
                   "session_store_timeout_ms": "60000"}
        for name in REPLICAS:
            stack.start_lstmd(name, **options)
        stack.start_trainer()
        stack.start_haproxy("haproxy", REPLICAS)
        status, answer = call(stack.ports["trainer"], "POST", f"{MODEL}/versions/1:predict", DIGIT)
        check(status == 200, f"predict: {status} {answer}")
        whole = answer["predictions"][0]

        check_routes(stack)
        check_connections(stack)
        check_not_ready(stack, options)
        check_pieces(stack, whole)
        check_pieces_at_once(stack)
        check_end(stack, options)
        stack_deaths.check_all(stack, whole, options)
        check_publish(stack)
        stack_redis.check_all(stack, options)


if __name__ == "__main__":
    main(sys.argv[1])

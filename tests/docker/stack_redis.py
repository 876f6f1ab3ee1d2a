"""stack_redis.py: Redis that is away, hangs or is full, and what clients see of it.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import signal
import subprocess
from typing import Any

from clients import DIGIT, MODEL, PIECE, REPLICAS, check, say
from processes import Stack, call, until


def piece(stack: Stack) -> tuple[int, Any]:
    return call(stack.ports["haproxy"], "POST", f"{MODEL}/sessions/before:predict", PIECE)


def check_rest(stack: Stack, what: str) -> None:
    """What needs no session goes on."""
    door = stack.ports["haproxy"]
    check(call(door, "POST", f"{MODEL}:predict", DIGIT)[0] == 200, f"Redis {what}: predict needs it")
    check(call(door, "GET", "/v2/health/ready")[0] == 200, f"Redis {what}: the replicas are not ready")


def goes_on(stack: Stack, what: str) -> None:
    seconds = until(lambda: call(stack.ports["haproxy"], "POST", f"{MODEL}/sessions")[0] == 201, "sessions are back")
    say(f"Redis {what}: predicts go on, sessions answer 503; {seconds:.2f} s after it is well they go on")


def configure(stack: Stack, setting: str, value: str) -> None:
    subprocess.run(["redis-cli", "-p", str(stack.ports["redis"]), "config", "set", setting, value],
                   check=True, capture_output=True)


def check_full(stack: Stack) -> None:
    """A Redis without memory takes no piece, and keeps what it has."""
    check(piece(stack)[0] == 200, "no piece before")
    configure(stack, "maxmemory", "1")
    status, answer = piece(stack)
    check(status == 503, f"a piece with Redis full: {status} {answer}")
    check_rest(stack, "full")
    configure(stack, "maxmemory", "0")
    goes_on(stack, "full")
    status, answer = call(stack.ports["haproxy"], "GET", f"{MODEL}/sessions/before")
    check((status, answer.get("steps")) == (200, 1), f"after Redis was full: {status} {answer}")


def check_hung(stack: Stack, options: dict[str, str]) -> None:
    """A Redis that does not answer costs sessions a 503 after --session-store-timeout-ms, here 300 ms."""
    for name in REPLICAS:
        stack.end(name, signal.SIGTERM)
        stack.start_lstmd(name, **{**options, "session_store_timeout_ms": "300"})
    until(lambda: piece(stack)[0] == 200, "pieces after new replicas")
    stack.processes["redis"].send_signal(signal.SIGSTOP)
    status, answer = piece(stack)
    check(status == 503, f"a piece with Redis hung: {status} {answer}")
    check_rest(stack, "hung")
    stack.processes["redis"].send_signal(signal.SIGCONT)
    goes_on(stack, "hung")


def check_away(stack: Stack) -> None:
    stack.end("redis", signal.SIGTERM)
    status, answer = piece(stack)
    check(status == 503, f"a piece without Redis: {status} {answer}")
    check_rest(stack, "away")
    stack.start_redis()
    goes_on(stack, "away")


def check_all(stack: Stack, options: dict[str, str]) -> None:
    call(stack.ports["haproxy"], "POST", f"{MODEL}/sessions", {"id": "before"})
    check_full(stack)
    check_hung(stack, options)
    check_away(stack)

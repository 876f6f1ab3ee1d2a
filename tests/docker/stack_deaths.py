"""stack_deaths.py: servers that are killed, asked to end, or hang, and what clients see of it.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from clients import DIGIT, LABELLED, MODEL, PIECE, REPLICAS, ROWS, Client, Load, check, loaded, same, say
from processes import Stack, call, until

CLIENTS = 8
BYTES = "application/octet-stream"
# Steps that keep a trainer busy for a while.
LONG_STEPS, LONG_DIGITS = 4, 2000
# A busy machine may let a trainer finish before it is killed, but not every time.
TRIES = 5


def predict_forever(load: Load, client: Client) -> None:
    while not load.stopped.is_set():
        status, answer = client.ask("POST", f"{MODEL}:predict", DIGIT)
        check(load.count(status, answer), f"a predict failed: {status} {answer}")


def steps_of(client: Client, session: str) -> int:
    status, answer = client.ask("GET", f"{MODEL}/sessions/{session}")
    check(status == 200, f"session {session} is lost: {status} {answer}")
    return answer["steps"]


def reader(name: str, whole: list[float]) -> Callable[[Load, Client], None]:
    """Sessions one after another, a row a piece. What had no answer may have been done: it asks."""

    def read_forever(load: Load, client: Client) -> None:
        number = 0
        while not load.stopped.is_set():
            session = f"{name}-{number}"
            number += 1
            status, answer = client.ask("POST", f"{MODEL}/sessions", {"id": session})
            if not load.count(status, answer) and client.ask("GET", f"{MODEL}/sessions/{session}")[0] != 200:
                continue
            steps, last = 0, None
            while steps < 28:
                status, answer = client.ask("POST", f"{MODEL}/sessions/{session}:predict",
                                            {"instances": [[ROWS[steps]]]})
                good = load.count(status, answer)
                last = answer["predictions"][0] if good else None
                steps = steps + 1 if good else steps_of(client, session)
            check(last is None or same(last, whole), f"session {session} answers otherwise than one server")

    return read_forever


def check_kill(stack: Stack, whole: list[float], options: dict[str, str]) -> None:
    """A replica is killed and comes back; then one is asked to end and comes back."""
    door = stack.ports["haproxy"]
    # Half of the clients predict, the others read by sessions.
    for name, signal_number, allowed in (("replica2", signal.SIGKILL, CLIENTS), ("replica3", signal.SIGTERM, 0)):
        works = [predict_forever, None] * (CLIENTS // 2)
        with loaded(door, [work or reader(f"{name}-{i}", whole) for i, work in enumerate(works)]) as load:
            load.go_on(300)
            check(not load.failures, f"failures before anything happened: {load.failures[:3]}")
            status = stack.end(name, signal_number)
            check(signal_number == signal.SIGKILL or status == 0, f"a replica did not drain: {status}")
            load.go_on(600)
            stack.start_lstmd(name, **options)
            load.go_on(300)
        check(len(load.failures) <= allowed, f"more failed than was in flight: {load.failures[:10]}")
        check(set(load.statuses) <= {200, 201, 502}, f"failed otherwise: {load.failures[:3]}")
        check(load.resent == 0, f"{load.resent} connections were closed without an answer")
        say(f"{signal_number.name} of a replica: {len(load.failures)} of {load.answered} requests failed, no predict")


def check_piece_in_flight(stack: Stack, options: dict[str, str]) -> None:
    """A replica dies with a piece that it has read: the client of a kept connection is told, nobody repeats it."""
    client = Client(stack.ports["haproxy"])
    check(client.ask("POST", f"{MODEL}/sessions", {"id": "held"})[0] == 201, "no session")
    answers: list[tuple[int, Any]] = []
    stack.processes["redis"].send_signal(signal.SIGSTOP)
    asking = threading.Thread(
        target=lambda: answers.append(client.ask("POST", f"{MODEL}/sessions/held:predict", PIECE)))
    asking.start()

    def holders() -> list[str]:
        return [name for name in REPLICAS if stack.figure("sessions", "current_sessions").get(name, 0) > 0
                and in_flight(stack, name) > 0]

    until(holders, "a replica has read the piece")
    victim = holders()[0]
    stack.end(victim, signal.SIGKILL)
    # Whoever repeated it would ask another replica, and that one Redis, which goes on now.
    stack.processes["redis"].send_signal(signal.SIGCONT)
    asking.join()
    check(answers[0][0] == 502, f"a piece on a replica that died: {answers[0]}")
    check(client.resent == 0, "a piece on a replica that died: the connection was closed without an answer")
    stack.start_lstmd(victim, **options)
    check(steps_of(client, "held") <= 1, "the piece was run twice")
    client.close()
    say("a piece on a replica that dies answers 502 on a kept connection, and nobody repeats it")


def in_flight(stack: Stack, name: str) -> float:
    """Requests that a server has read and not answered, without the one that asks for the figure."""
    text = call(stack.ports[name], "GET", "/metrics")[1].decode()
    found = re.search(r"^lstmd_requests_in_flight (\d+)$", text, re.MULTILINE)
    check(found, "no lstmd_requests_in_flight")
    return float(found[1]) - 1


def trained(stack: Stack) -> int:
    return call(stack.ports["trainer"], "GET", f"{MODEL}/training")[1]["step"]


def steps_in_flight(stack: Stack) -> list[int]:
    """What small train-steps answer that wait behind long ones in a trainer that is killed."""
    clients = [Client(stack.ports["haproxy"]) for _ in range(CLIENTS)]
    for client in clients:
        check(client.ask("GET", f"{MODEL}/training")[0] == 200, "the trainer is not reached")
    # HAProxy could repeat the small ones; of the long ones it does not know.
    path = f"{MODEL}:train-step?dtype=uint8&labels={','.join('7' * LONG_DIGITS)}"
    body = bytes(784 * LONG_DIGITS)
    long = [threading.Thread(target=call, args=(stack.ports["trainer"], "POST", path, body, BYTES))
            for _ in range(LONG_STEPS)]
    answers: list[int] = []
    small = [threading.Thread(
        target=lambda client=client: answers.append(client.ask("POST", f"{MODEL}:train-step", LABELLED)[0]))
        for client in clients]
    for thread in long:
        thread.start()
    until(lambda: in_flight(stack, "trainer") == LONG_STEPS, "the trainer has read the long steps")
    for thread in small:
        thread.start()
    until(lambda: answers or in_flight(stack, "trainer") >= len(small) + sum(thread.is_alive() for thread in long),
          "the trainer has read all steps")
    stack.end("trainer", signal.SIGKILL)
    for thread in long + small:
        thread.join()
    check(sum(client.resent for client in clients) == 0, "a connection was closed without an answer")
    for client in clients:
        client.close()
    stack.start_trainer()
    return answers


def check_steps_in_flight(stack: Stack) -> None:
    """The trainer dies with train-steps that it has read: as with pieces."""
    for left in reversed(range(TRIES)):
        before = trained(stack)
        answers = steps_in_flight(stack)
        done, good, unknown = trained(stack) - before, answers.count(200), answers.count(502)
        check(set(answers) <= {200, 502}, f"train-steps on a trainer that died: {sorted(answers)}")
        check(good <= done <= good + unknown + LONG_STEPS, f"{good} steps were answered, {unknown} not; {done} were done")
        if unknown:
            break
        check(left, "the trainer never died with a step")
        until(lambda: call(stack.ports["haproxy"], "GET", f"{MODEL}/training")[0] == 200, "the trainer is back")
    say(f"the trainer dies with train-steps: {good} answered 200, {unknown} answered 502, {done} were done")


def piece_sender(session: str) -> Callable[[Load, Client], None]:
    """Pieces of one session, each counted by its answer; then the session must have been through as many."""

    def send_forever(load: Load, client: Client) -> None:
        statuses = []
        check(client.ask("POST", f"{MODEL}/sessions", {"id": session})[0] == 201, "no session")
        while not load.stopped.is_set():
            statuses.append(client.ask("POST", f"{MODEL}/sessions/{session}:predict", PIECE)[0])
            load.count(statuses[-1], "")
        good, unknown = statuses.count(200), statuses.count(502)
        check(good + unknown == len(statuses), f"{session}: {sorted(set(statuses))}")
        steps = steps_of(client, session)
        check(good <= steps <= good + unknown, f"{session}: {good} answered, {unknown} unknown, {steps} done")

    return send_forever


def step_forever(load: Load, client: Client) -> None:
    while not load.stopped.is_set():
        status, answer = client.ask("POST", f"{MODEL}:train-step", LABELLED)
        load.count(status, answer)
        if status == 503:
            time.sleep(0.02)


def check_counted(stack: Stack, options: dict[str, str]) -> None:
    """Replicas die amid pieces and the trainer amid steps, frozen before, so that some wait unread."""
    door = stack.ports["haproxy"]
    with loaded(door, [piece_sender(f"counted-{i}") for i in range(CLIENTS)]) as load:
        for name in REPLICAS * 2:
            load.go_on(200)
            stack.processes[name].send_signal(signal.SIGSTOP)
            time.sleep(0.02)
            stack.end(name, signal.SIGKILL)
            stack.start_lstmd(name, **options)
    check(load.resent == 0, f"{load.resent} connections were closed without an answer")
    say(f"six replicas killed amid {load.answered} pieces: {load.statuses[502]} unknown, none done twice")

    before = trained(stack)
    with loaded(door, [step_forever] * 4) as load:
        for _ in range(4):
            load.go_on(40)
            stack.processes["trainer"].send_signal(signal.SIGSTOP)
            time.sleep(0.02)
            stack.end("trainer", signal.SIGKILL)
            stack.start_trainer()
    until(lambda: call(door, "GET", f"{MODEL}/training")[0] == 200, "the trainer is back")
    done, good, unknown = trained(stack) - before, load.statuses[200], load.statuses[502]
    check(load.resent == 0, f"{load.resent} connections were closed without an answer")
    check(set(load.statuses) <= {200, 502, 503}, f"train-steps failed otherwise: {load.statuses}")
    check(good <= done <= good + unknown, f"{good} steps were answered, {unknown} unknown; {done} were done")
    say(f"the trainer killed four times amid train-steps: {good} answered, {unknown} unknown, {done} done")


def check_hung(stack: Stack) -> None:
    """A replica hangs: what it has is answered by another one, here after 8 s instead of 35, when its checks
    have long failed."""
    stack.start_haproxy("hasty", REPLICAS, check="2s", hung="8s")
    with loaded(stack.ports["hasty"], [predict_forever] * CLIENTS) as load:
        load.go_on(200)
        stack.processes["replica2"].send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        load.go_on(200)
        until(lambda: time.monotonic() - begin > 9, "9 s")
    seconds = time.monotonic() - begin
    stack.processes["replica2"].send_signal(signal.SIGCONT)
    stack.end("hasty", signal.SIGKILL)
    say(f"a replica that hangs: none of {load.answered} predicts failed in {seconds:.1f} s")


def check_all(stack: Stack, whole: list[float], options: dict[str, str]) -> None:
    check_kill(stack, whole, options)
    check_piece_in_flight(stack, options)
    check_steps_in_flight(stack)
    check_counted(stack, options)
    check_hung(stack)

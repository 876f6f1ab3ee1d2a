#!/usr/bin/env python3
"""train.py [DATA]: what learning costs those who ask meanwhile, and what it gives.

Starts build/lstmd itself, on loopback. Prints
  - p99 and rate of 16 connections that predict, alone and while one client trains flat out with
    batches of 50, in turns (wrk must be installed), with the share of the cores that training
    takes: the processor time of its client, and of the daemon beyond what those predicts cost alone;
  - durable train-steps a second (--train-sync always) of 16 clients with batches of one;
  - with DATA, a folder with MNIST's test files (make data): misread test digits that 50 train-steps
    on each put right, and what that costs of the accuracy on the others.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Iterator

ROOT = "/v1/models/mnist"
DIGIT = json.loads(pathlib.Path("tests/data/mnist/digit.json").read_text())["instances"][0]
SECONDS, TURNS, N_DIGITS, PIXELS = 2, 12, 20, 784


@contextlib.contextmanager
def daemon(*options: str) -> Iterator[tuple[int, int]]:
    """A daemon with the shipped model; its port, and its process."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["build/lstmd", "serve", "--models", "models", "--state-dir", folder, "--port", "0",
             "--log-level", "warn", *options], stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline().strip()
            yield int(re.search(r":(\d+)$", line).group(1)), process.pid
        finally:
            process.terminate()
            process.wait()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None,
        kind: str = "application/json") -> dict:
    connection.request(method, path, body, {"Content-Type": kind} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
    return json.loads(text) if path != "/metrics" else {"text": text.decode()}


def step_body(n: int) -> bytes:
    return json.dumps({"instances": [DIGIT] * n, "labels": [7] * n}, separators=(",", ":")).encode()


def keep_training(port: int, body: bytes, until: float, steps: list[float]) -> None:
    """Bare sockets, so that the client takes little of the cores that the daemon needs. Adds what
    each step takes of it, in seconds of processor time."""
    begin = time.thread_time()
    head = (f"POST {ROOT}:train-step HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() < until:
            connection.sendall(head + body)
            answer = connection.recv(65536)
            while answer and not answer.endswith(b"}"):
                answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f":train-step: {answer[:200]!r}")
            begin, before = time.thread_time(), begin
            steps.append(begin - before)


def train_with(port: int, n_clients: int, body: bytes) -> tuple[list[threading.Thread], list[float]]:
    steps: list[float] = []
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=keep_training, args=(port, body, until, steps))
               for _ in range(n_clients)]
    for thread in threads:
        thread.start()
    return threads, steps


def predict_load(port: int) -> tuple[float, float]:
    """Requests a second and p99 in milliseconds."""
    said = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "--latency", "-s", "tests/bench/post.lua",
         f"http://127.0.0.1:{port}{ROOT}:predict"], capture_output=True, text=True,
        env=os.environ | {"BODY": "tests/data/mnist/digit.json", "CT": "application/json"}).stdout
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    return rate, float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def processor_s(pid: int) -> float:
    """What a process has used; its counters tick a hundred times a second."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Company:
    """Predicts of SECONDS, alone or beside training, and the processor time that they took."""

    def __init__(self, port: int, pid: int, is_training: bool) -> None:
        before = processor_s(pid)
        threads, steps = train_with(port, 1, step_body(50)) if is_training else ([], [])
        self.rate, self.p99 = predict_load(port)
        for thread in threads:
            thread.join()
        self.steps = len(steps) / SECONDS
        self.client_s, self.daemon_s = sum(steps), processor_s(pid) - before

    def training_share(self, cost: float) -> float:
        """Of all cores, where `cost` seconds are what a predict takes of the daemon alone."""
        training = self.client_s + self.daemon_s - cost * self.rate
        return training / SECONDS / (os.cpu_count() or 1)


def measure_company() -> None:
    """Each turn beside training lies between two alone, so that a machine that becomes slower or
    faster meanwhile tells nothing."""
    with daemon() as (port, pid):
        runs = [Company(port, pid, is_training=turn % 2 == 1) for turn in range(2 * TURNS + 1)]
    losses, shares, p99s = [], [], []
    for before, beside, after in zip(runs[::2], runs[1::2], runs[2::2]):
        cost = (before.daemon_s / before.rate + after.daemon_s / after.rate) / 2
        losses.append(1 - 2 * beside.rate / (before.rate + after.rate))
        shares.append(beside.training_share(cost))
        p99s.append(2 * beside.p99 / (before.p99 + after.p99))
    print(f"predict at 16 connections, alone: {statistics.mean(run.rate for run in runs[::2]):.0f}/s, "
          f"p99 {statistics.median(run.p99 for run in runs[::2]):.2f} ms; beside training: "
          f"{statistics.mean(losses):.1%} less, p99 {statistics.median(p99s):.2f} times; training "
          f"takes {statistics.mean(shares):.1%} of the cores for "
          f"{statistics.mean(run.steps for run in runs[1::2]):.0f} steps of 50 digits a second "
          f"({TURNS} turns; less in each: {', '.join(f'{loss:.0%}' for loss in losses)}, share "
          f"{', '.join(f'{share:.0%}' for share in shares)})")


def measure_durable() -> None:
    with daemon("--train-sync", "always") as (port, _):
        threads, steps = train_with(port, 16, step_body(1))
        for thread in threads:
            thread.join()
    print(f"durable train-steps of batch 1 from 16 clients: {len(steps) / SECONDS:.0f} a second")


def classes(connection: http.client.HTTPConnection, images: bytes) -> list[int]:
    found = []
    for at in range(0, len(images), 1000 * PIXELS):
        answer = ask(connection, "POST", f"{ROOT}:predict?dtype=uint8", images[at:at + 1000 * PIXELS],
                     "application/octet-stream")
        found += [row.index(max(row)) for row in answer["predictions"]]
    return found


def measure_teaching(data: pathlib.Path) -> None:
    images = (data / "t10k-images-idx3-ubyte").read_bytes()[16:]
    labels = list((data / "t10k-labels-idx1-ubyte").read_bytes()[8:])
    n_fixed, costs = 0, []
    with daemon("--train-sync", "never", "--max-instances", "1000") as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        first = classes(connection, images)
        wrong = [k for k, (a, b) in enumerate(zip(first, labels)) if a != b][:N_DIGITS]
        right = sum(a == b for a, b in zip(first, labels))
        for k in wrong:
            pixels = [value / 255 for value in images[k * PIXELS:(k + 1) * PIXELS]]
            body = json.dumps({"instances": [pixels], "labels": [labels[k]]}).encode()
            for _ in range(50):
                ask(connection, "POST", f"{ROOT}:train-step", body)
            now = classes(connection, images)
            n_fixed += now[k] == labels[k]
            costs.append((right - sum(a == b for a, b in zip(now, labels))) / len(labels))
            ask(connection, "POST", f"{ROOT}:reset", b"{}")
    print(f"{n_fixed} of {len(wrong)} misread digits are right after 50 train-steps; that costs "
          f"{max(costs):.2%} of the accuracy at most, {statistics.mean(costs):.2%} on average")


if __name__ == "__main__":
    measure_company()
    measure_durable()
    if len(sys.argv) > 1:
        measure_teaching(pathlib.Path(sys.argv[1]))

#!/usr/bin/env python3
"""slowloris.py: latency of predict requests, alone and beside clients that trickle their headers.

    slowloris.py PORT [N]     N (500) slow connections; wrk must be installed

Runs wrk alone, beside the slow clients, and so on, three times each, and prints p50 and p99.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

SECONDS = 4
PACE = 0.5  # seconds between two bytes of one connection


class SlowClients(threading.Thread):
    """Keeps n connections open, each sending a byte of its header now and then."""

    def __init__(self, port, n):
        super().__init__(daemon=True)
        self.port, self.n, self.n_cut, self.is_over = port, n, 0, False
        self.sockets = [self.connect() for _ in range(n)]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.sendall(b"POST /v1/models/mnist:predict HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        s.setblocking(False)
        return s

    def step(self, k):
        try:
            self.sockets[k].send(b"x")
            ended = self.sockets[k].recv(4096, socket.MSG_PEEK) is not None
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self.n_cut += 1
            self.sockets[k].close()
            self.sockets[k] = self.connect()

    def run(self):
        while not self.is_over:
            for k in range(self.n):
                self.step(k)
                time.sleep(PACE / self.n)
        for s in self.sockets:
            s.close()


def run_wrk(port):
    out = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{SECONDS}", "--latency", "-s", "tests/bench/post.lua",
         f"http://127.0.0.1:{port}/v1/models/mnist:predict"],
        capture_output=True, text=True, check=True,
        env=os.environ | {"BODY": "tests/data/mnist/digit.json"}).stdout
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    figures = []
    for name in ("50%", "99%"):
        number, suffix = re.search(name + r"\s+([\d.]+)(us|ms|s)", out).groups()
        figures.append(float(number) * unit[suffix])
    if "Non-2xx" in out:
        sys.exit(out)
    return figures


def main():
    port, n = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    alone, beside, n_cut = [], [], 0
    run_wrk(port)
    for _ in range(3):
        alone.append(run_wrk(port))
        slow = SlowClients(port, n)
        slow.start()
        beside.append(run_wrk(port))
        slow.is_over = True
        slow.join()
        n_cut += slow.n_cut
    for name, runs in (("alone", alone), (f"beside {n} slow clients", beside)):
        p50, p99 = (statistics.median(column) for column in zip(*runs))
        print(f"{name:28s} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")
    print(f"slow connections cut: {n_cut}")


main()

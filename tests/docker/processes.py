"""processes.py: the stack of docker/compose.yaml as processes of this machine.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from render_haproxy import render

HOST = "127.0.0.1"
JSON = "application/json"


def until(condition: Callable[[], Any], what: str, seconds: float = 120) -> float:
    """Waits until the condition holds; says how many seconds that took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise SystemExit(f"test-docker: stack: after {seconds} s still not so: {what}")
        time.sleep(0.01)
    return time.monotonic() - begin


def call(port: int, method: str, path: str, body: Any = None, kind: str = JSON) -> tuple[int, Any]:
    """One request on a connection of its own: status and body; 0 and why if there was no answer."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(method, path, data, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith(b"{") else text
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def reserve_port() -> socket.socket:
    """A socket that does not listen; it keeps its port for those who set SO_REUSEADDR, as all here do."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


class Stack:
    """Processes and a folder, which end with the `with` block."""

    def __init__(self, lstmd: str) -> None:
        self.lstmd = lstmd
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.models = self.folder / "models"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.holders: list[socket.socket] = []
        shutil.copytree("models/mnist/1", self.models / "mnist" / "1")

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            for log in sorted(self.folder.glob("*.log")):
                print(f"== {log.name}", *log.read_text().splitlines()[-20:], sep="\n", file=sys.stderr)
        for process in self.processes.values():
            process.kill()
            process.wait()
        for holder in self.holders:
            holder.close()
        shutil.rmtree(self.folder)

    def port(self, name: str) -> int:
        """The port of that name, its own until the end."""
        if name not in self.ports:
            self.holders.append(reserve_port())
            self.ports[name] = self.holders[-1].getsockname()[1]
        return self.ports[name]

    def start(self, name: str, command: list[str], **environment: str) -> None:
        """Starts a process whose output goes to a file of its name."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment})

    def start_lstmd(self, name: str, ready: int = 200, **options: str) -> None:
        """A daemon with LSTMD_<option> as in compose.yaml; waits until it answers so when asked if it is ready."""
        port = self.port(name)
        settings = {f"LSTMD_{option.upper()}": value for option, value in options.items()}
        self.start(name, [self.lstmd, "serve", "--models", str(self.models), "--port", str(port),
                          "--log-level", "warn", "--workers", "1", "--io-threads", "1"], **settings)
        until(lambda: call(port, "GET", "/v2/health/ready")[0] == ready, f"{name} is ready")

    def start_trainer(self) -> None:
        self.start_lstmd("trainer", state_dir=str(self.folder / "learned"))

    def start_redis(self) -> None:
        """Redis as in compose.yaml."""
        port = self.port("redis")
        self.start("redis", ["redis-server", "--port", str(port), "--bind", HOST, "--save", "",
                             "--appendonly", "no", "--dir", str(self.folder)])
        until(lambda: listens(port), "redis listens")

    def start_haproxy(self, name: str, replicas: list[str], **limits: str) -> None:
        """The shipped configuration before these replicas and the trainer; `limits` as render() has them."""
        port = self.port(name)
        figures = "figures" if name == "haproxy" else f"{name}-figures"
        config = self.folder / f"{name}.cfg"
        config.write_text(render([f"{HOST}:{self.ports[replica]}" for replica in replicas], **limits))
        self.start(name, ["haproxy", "-db", "-f", str(config)], LSTMD_LISTEN=f"{HOST}:{port}",
                   LSTMD_FIGURES=f"{HOST}:{self.port(figures)}",
                   LSTMD_TRAINER=f"{HOST}:{self.ports['trainer']}", LSTMD_INNER=f"lstmd-{port}")
        until(lambda: call(port, "GET", "/v1/models")[0] == 200, f"{name} answers")

    def figure(self, proxy: str, name: str) -> dict[str, float]:
        """A figure that HAProxy has of each server of a backend, by the server's name; with a state in its
        labels, of that which holds."""
        text = call(self.ports["figures"], "GET", "/metrics")[1].decode()
        lines = re.findall(rf'^haproxy_server_{name}{{proxy="{proxy}",server="(\w+)"(?:,state="(\w+)")?}} (\S+)$',
                           text, re.MULTILINE)
        return {f"{server} {state}".strip(): float(value) for server, state, value in lines
                if not state or value == "1"}

    def end(self, name: str, signal: int) -> int:
        """Sends a signal and waits for the end; the exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal)
        return process.wait()

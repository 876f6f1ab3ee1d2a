#!/usr/bin/env python3
"""cost.py [LSTMD [WORD]]: what the worst inputs cost the server, each by itself, as a table.

Starts LSTMD (build/lstmd) anew for every request of cost_inputs.py, with its default options but for port, models and
log, and `lstmd convert` for every file; WORD: only those whose names hold it. Processor time and memory are the
process's own, as the kernel counts them: memory is by how much the resident set grew at most. Exit status 1 if that
is more than SECURITY.md allows: of a request --max-work-bytes and three times its bytes, of a file 64 MiB and 16 times
its bytes, each and SLACK.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from typing import Iterator

import cost_inputs
from cost_inputs import File, Request

PATIENCE_S = 120
MIB = 1 << 20
MAX_WORK_BYTES = 256 * MIB  # the option's default
SLACK = 32 * MIB  # of the allocator and of libraries
VOCABULARY, UNITS = 16, 64


def write_texts(folder: pathlib.Path) -> None:
    """A model of token ids, of any number of steps: two bytes a step, 64 units, 512 values a step with its gates."""
    layers = [{"type": "embedding", "name": "e", "units": 8, "vocabulary": VOCABULARY},
              {"type": "lstm", "name": "l", "units": UNITS}, {"type": "dense", "name": "d", "units": 2,
                                                               "activation": "softmax"}]
    shapes = {"e/embeddings": [VOCABULARY, 8], "l/kernel": [8 + UNITS, 4 * UNITS], "l/bias": [4 * UNITS],
              "d/kernel": [UNITS, 2], "d/bias": [2]}
    header, values = {}, b""
    for name, shape in shapes.items():
        n = shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(values), len(values) + 4 * n]}
        values += b"".join(struct.pack("<f", (k * 37 % 101 - 50) / 250) for k in range(n))
    text = json.dumps(header).encode()
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(
        {"format": "lstmd-model-1", "input": {"features": 1}, "layers": layers}))
    (folder / "weights.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + values)


@contextlib.contextmanager
def daemon(binary: str, models: str) -> Iterator[tuple[int, int]]:
    """A daemon that has predicted once; its process and port."""
    process = subprocess.Popen([binary, "serve", "--port", "0", "--models", models, "--log-level", "off"],
                               stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r":(\d+)$", process.stdout.readline().strip()).group(1))
        ask(port, cost_inputs.post(cost_inputs.DIGITS + ":predict?dtype=uint8", bytes(784), cost_inputs.OCTETS))
        yield process.pid, port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ask(port: int, message: bytes) -> tuple[str, int]:
    """Sends it, while all that comes back is read, until the server closes; the last status and the bytes."""
    status, n, tail = "closed", 0, b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        sender = threading.Thread(target=send, args=(connection, message))
        sender.start()
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(1 << 20):
                found = re.findall(rb"HTTP/1\.1 (\d+) ", tail + piece)
                status = found[-1].decode() if found else status
                n, tail = n + len(piece), piece[-16:]
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        sender.join()
    return status, n


def send(connection: socket.socket, message: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(message)


def cpu_s(pid: int) -> float:
    """The process's own clock (clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


def resident(pid: int, key: str) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", status).group(1)) * 1024


def size(n: float) -> str:
    for unit, word in ((1 << 20, "MB"), (1 << 10, "KB")):
        if n >= unit:
            return f"{n / unit:.1f} {word}"
    return f"{n:.0f} B"


def row(name: str, sent: int, result: str, answered: str, seconds: float, grown: int, most: int) -> bool:
    """Prints it; whether no more memory was taken than `most`."""
    print(f"| {name} | {size(sent)} | {result} | {answered} | {seconds * 1e3:.1f} ms | {size(max(grown, 0))} | "
          f"{seconds * 1e9 / sent:.0f} ns | {max(grown, 0) / sent:.1f} |", flush=True)
    if grown > most:
        print(f"cost: {name}: {size(grown)} of memory, where {size(most)} are allowed", file=sys.stderr)
    return grown <= most


def measure_request(binary: str, models: str, request: Request) -> bool:
    message = request.make()
    with daemon(binary, models) as (pid, port):
        for other in request.before():
            ask(port, other)
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
        seconds, memory = cpu_s(pid), resident(pid, "VmRSS")
        status, answered = ask(port, message)
        seconds, grown = cpu_s(pid) - seconds, resident(pid, "VmHWM") - memory
    return row(request.name, len(message), status, size(answered), seconds, grown,
               MAX_WORK_BYTES + 3 * len(message) + SLACK)


def convert(binary: str, path: pathlib.Path, folder: pathlib.Path) -> tuple[int, float, int]:
    """Exit status, seconds, and the resident set at its largest, which is never below our own."""
    process = subprocess.Popen([binary, "convert", str(path), "--out", str(folder / "out")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure_file(binary: str, folder: pathlib.Path, file: File) -> bool:
    path = folder / file.file_name
    path.write_bytes(b"")
    _, _, empty = convert(binary, path, folder)
    path.write_bytes(file.make())
    code, seconds, memory = convert(binary, path, folder)
    n = path.stat().st_size
    path.unlink()
    return row(file.name, n, f"exit {code}", "", seconds, memory - empty, 64 * MIB + 16 * n + SLACK)


def main() -> int:
    binary = sys.argv[1] if len(sys.argv) > 1 else "build/lstmd"
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    print("| input | bytes | result | answer | processor | memory | per byte | bytes of memory per byte |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree("models/mnist", folder / "models/mnist")
        write_texts(folder / "models/texts/1")
        # Files first, while we are small ourselves.
        kept = [measure_file(binary, folder, file) for file in cost_inputs.FILES if word in file.name]
        kept += [measure_request(binary, str(folder / "models"), request)
                 for request in cost_inputs.REQUESTS if word in request.name]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())

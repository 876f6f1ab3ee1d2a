#!/usr/bin/env python3
"""import.py [LSTMD]: an LSTM of 100 MB, opened and loaded (`inspect`) and converted to disk, from every
format, beside a plain copy of the same file in the same minute. What is loaded need not last, so its
counterpart is `cp`; a converted model is on disk when `convert` ends, so its counterpart is a copy
that is too: `cp`, then `sync` of the file. Each round runs all four one after the other; the figures
are the shortest of ROUNDS=9, in wall time and in processor time, of which the second tells more on a
busy machine. Needs a Python with h5py and torch for their formats (Debian's: /usr/bin/python3).
SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "9"))
Cost = tuple[float, float, int]  # seconds, seconds of the processor, bytes of memory


def run(command: list[str], out: Path) -> Cost:
    """What the run before wrote is removed first, so that each finds as much free memory."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {command}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def best(costs: list[Cost]) -> Cost:
    wall, processor, memory = zip(*costs)
    return min(wall), min(processor), max(memory)


def measure(lstmd: str, source: Path, data: Path, out: Path) -> None:
    copy = str(out / "copy")
    commands = [["cp", str(data), copy],
                ["sh", "-c", 'cp "$1" "$2" && sync "$2"', "sh", str(data), copy],
                [lstmd, "inspect", str(source)],
                [lstmd, "convert", str(source), "--out", str(out / "large")]]
    rounds = [[run(command, out) for command in commands] for _ in range(ROUNDS)]
    cp, durable, load, convert = (best(list(costs)) for costs in zip(*rounds))
    size = data.stat().st_size
    print(f"{data.name}: {size / 1e6:.0f} MB; cp {cp[0]:.3f} s, load {load[0]:.3f} s: "
          f"{load[0] / cp[0]:.2f} ({load[1] / cp[1]:.2f} in processor time); "
          f"cp and sync {durable[0]:.3f} s, convert {convert[0]:.3f} s: "
          f"{convert[0] / durable[0]:.2f} ({convert[1] / durable[1]:.2f}); memory of load "
          f"{load[2] / size:.2f}, of convert {convert[2] / size:.2f} of its size", flush=True)


def main() -> None:
    lstmd = sys.argv[1] if len(sys.argv) > 1 else "build/lstmd"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "tests/tools/make_large_lstm.py", name], check=True,
                       stderr=subprocess.DEVNULL)
        for source in sorted(folder.glob("large*")):
            if source.suffix == ".index":
                measure(lstmd, source, next(folder.glob("large.data-*")), folder / "out")
            elif not source.suffix.startswith(".data-"):
                measure(lstmd, source, source, folder / "out")


if __name__ == "__main__":
    main()

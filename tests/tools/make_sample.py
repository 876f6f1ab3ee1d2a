#!/usr/bin/env python3
"""make_sample.py: writes tests/data/mnist/ from the whole MNIST: the first 100 test digits and the
first 200 training digits, and the first test digit as two predict bodies.
SPDX-License-Identifier: Apache-2.0

usage: make_sample.py MNIST_FOLDER [OUT_FOLDER]      (the folder that fetch_mnist.sh fills)
"""
import gzip
import json
import os
import struct
import sys

N_TRAIN, N_TEST = 200, 100


def read(folder, name):
    for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                return file.read()
    sys.exit(f"make_sample: {folder} has no {name}, plain or .gz")


def cut(data, n):
    """The idx file of the first n elements of the first dimension."""
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    size = 1
    for d in shape[1:]:
        size *= d
    header = data[:4] + struct.pack(f">{rank}I", n, *shape[1:])
    return header, data[4 + 4 * rank :][: n * size]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = sys.argv[1]
    target = sys.argv[2] if len(sys.argv) == 3 else "tests/data/mnist"
    os.makedirs(target, exist_ok=True)
    for part, n in (("train", N_TRAIN), ("t10k", N_TEST)):
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            header, body = cut(read(source, f"{part}-{kind}"), n)
            with open(os.path.join(target, f"{part}-{kind}.gz"), "wb") as file:
                # No time stamp, so that the same digits give the same file.
                file.write(gzip.compress(header + body, 9, mtime=0))
    digit = cut(read(source, "t10k-images-idx3-ubyte"), 1)[1]
    with open(os.path.join(target, "digit.bin"), "wb") as file:
        file.write(digit)
    rows = [[round(v / 255, 4) if v % 255 else v // 255 for v in digit[i : i + 28]]
            for i in range(0, len(digit), 28)]
    with open(os.path.join(target, "digit.json"), "w", encoding="utf-8") as file:
        lines = ",\n  ".join(json.dumps(row, separators=(",", ":")) for row in rows)
        file.write('{"instances":[[\n  ' + lines + "]]}\n")


main()

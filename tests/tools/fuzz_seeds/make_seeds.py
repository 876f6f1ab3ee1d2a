#!/usr/bin/env python3
"""make_seeds.py: writes the fuzzers' seeds that are made, not found, to FOLDER/<fuzzer>/<name>.

    tests/tools/fuzz_seeds/make_seeds.py FOLDER
    build/reach/fuzz_onnx -merge=1 -use_counters=0 tests/fuzz/corpus/onnx FOLDER/onnx

The second line adds to a committed corpus those that reach what no other input of it does. Inputs
that fuzzers found have names that begin with found_. SPDX-License-Identifier: Apache-2.0
"""
from __future__ import annotations

import os
import sys

import import_seeds
import onnx_seeds
import text_seeds
import tf1_seeds


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for family in (import_seeds, onnx_seeds, text_seeds, tf1_seeds):
        for fuzzer, name, data in family.seeds():
            folder = os.path.join(sys.argv[1], fuzzer)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)


if __name__ == "__main__":
    main()

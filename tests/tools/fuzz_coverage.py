#!/usr/bin/env python3
"""fuzz_coverage.py: lines of each parser that the fuzzers' corpora reach.

    fuzz_coverage.py FOLDER [--missed] [CORPUS ...]

The fuzzers in FOLDER are those of `make fuzz-cover`; the corpora lie in tests/fuzz/corpus, or in the
folders given. Each fuzzer runs over its corpus once. Prints a table, with --missed the lines that no
input reaches, too. Exit status 1 if a parser is not above 95 %, or if an exemption is of no use.
SPDX-License-Identifier: Apache-2.0
"""
from __future__ import annotations

import concurrent.futures
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Iterator

from line_coverage import Block, Coverage, print_block

LEAST = 95.0

# Whatever reads bytes from outside. The fuzzer is the one that is made for it; a line counts as
# reached whichever fuzzer reaches it.
PARSERS = [
    ("checkpoint", ["core/checkpoint.c"]),
    ("config_file", ["server/config_file.c", "server/option_value.c"]),
    ("import_files", ["core/import/import.c", "core/import/reader_lstmd.c",
                      "core/import/source.c"]),
    ("keras_h5", ["core/import/hdf5*.c", "core/import/reader_keras_h5.c",
                  "core/import/names_keras.c", "core/import/keras_*.c"]),
    ("keras_zip", ["core/import/zip.c", "core/import/reader_keras.c"]),
    ("keys", ["server/keys.c"]),
    ("model_json", ["core/spec*.c", "core/fields.c", "core/json_doc.c"]),
    ("model_policy", ["server/model_policy.c"]),
    ("number_scan", ["server/number_scan.c"]),
    ("onnx", ["core/import/onnx_*.c", "core/import/reader_onnx.c", "core/import/protobuf.c",
              "core/import/affine.c"]),
    ("pickle", ["core/import/pickle*.c", "core/import/reader_torch_legacy.c"]),
    ("png", ["server/png.c"]),
    ("predict_body", ["server/predict_array.c", "server/predict_decode.c",
                      "server/predict_shape.c", "server/predict_state.c", "server/train_body.c",
                      "server/json.c", "server/json_path.c"]),
    ("predict_raw", ["server/predict_octets.c", "server/predict_image.c"]),
    ("request_fields", ["server/admit.c", "server/http_fields.c", "server/site.c",
                        "server/state_options.c"]),
    ("router", ["server/router.c"]),
    ("safetensors", ["core/safetensors.c"]),
    ("safetensors_import", ["core/import/reader_safetensors.c", "core/import/build*.c",
                            "core/import/array.c", "core/import/fill.c",
                            "core/import/names_tf1*.c"]),
    ("saved_model", ["core/import/reader_saved_model.c", "core/import/tf_graph*.c"]),
    ("session_file", ["server/session_file.c"]),
    ("tensor_scan", ["server/tensor_scan.c", "server/scan_error.c"]),
    ("tf_checkpoint", ["core/import/tf_bundle.c", "core/import/tf_table.c",
                       "core/import/reader_tf_checkpoint.c"]),
    ("torch", ["core/import/reader_torch.c", "core/import/torch_*.c",
               "core/import/names_torch.c"]),
]

MEMORY = "memory runs out: build/run_tests core_allocations and request_allocations let it"
MOST_LINES_OF_MEMORY = 8


@dataclass
class Exemption:
    """Lines that no input can reach. A block of unreached lines, with those in front of it that are
    `context`, is exempt if the pattern is found in it."""
    files: str
    pattern: str
    reason: str
    most_lines: int = 1000
    used: int = 0


EXEMPTIONS = [
    Exemption("*", r"LSTM_NO_MEMORY|SESSION_NO_MEMORY|fail_memory", MEMORY, MOST_LINES_OF_MEMORY),
    Exemption("core/import/source.c", r"if \((chunk|arrays) == NULL\)|memory->limit - memory->used",
              MEMORY, MOST_LINES_OF_MEMORY),
    Exemption("core/import/source.c", r"MAX_ARRAYS|limit = SIZE_MAX / 2",
              "takes an input of tens of megabytes, or of exabytes"),
    Exemption("core/import/*.c", r"\bassert\(",
              "llvm-cov counts the line behind an assertion for the assertion's failure"),
    Exemption("core/import/build_fill.c", r"is not what this model has|== nowhere|fill.n_filled",
              "the description and its weights come from one plan: a defect of ours would be caught"),
    Exemption("core/import/array.c", r"rank > IMPORT_MAX_RANK",
              "each reader refuses such a rank first, in its own words"),
    Exemption("core/import/fill.c", r"\bstream\(",
              "past the caches goes what is larger than they: build/run_tests import_build"),
    Exemption("core/import/names_tf1_given.c", r"more than %d layers|' twice",
              "the fuzzers name two layers, each once: build/run_tests names_tf1"),
    Exemption("core/import/build.c", r"> most\)|lstm_model_destroy\(\*model\)",
              "rows of a quarter of a million weights; filling fails only by a defect of ours"),
    Exemption("server/tensor_scan.c", r"SCAN_MAX_REST|SCAN_MAX_CONTAINERS|UINT32_MAX",
              "takes a body of megabytes: build/run_tests tensor_scan"),
    Exemption("server/session_file.c", r"PENDING_BYTES|session_copy_state|i \+ 1 < n|file_discard",
              "writing more, or with less memory, than a fuzzer has: build/run_tests session_file"),
    Exemption("server/session_file.c", r"ferror|is too long|rename\(",
              "the disk fails: build/run_tests session_faults"),
]

CONTEXT_LINES = 2


def find_exemption(path: str, source: list[str], block: Block) -> Exemption | None:
    text = "\n".join(source[max(0, block.first - 1 - CONTEXT_LINES):block.last])
    for exemption in EXEMPTIONS:
        if (fnmatch.fnmatch(path, exemption.files)
                and len(block) <= exemption.most_lines
                and re.search(exemption.pattern, text)):
            exemption.used += 1
            return exemption
    return None


def tool(name: str) -> str:
    """A tool of LLVM, which distributions call by its version, too."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/bin/{name}-*"))[::-1]), None)
    if found is None:
        sys.exit(f"fuzz_coverage: {name} is missing: make deps-dev installs it")
    return found


def run_fuzzer(folder: str, corpora: list[str], name: str) -> Iterator[tuple[str, int, int]]:
    """File, line and how often it ran, of all code in the fuzzer."""
    fuzzer, raw, data = (f"{folder}/{part}" for part in
                         (f"fuzz_{name}", f"{name}.profraw", f"{name}.profdata"))
    inputs = [path for path in (f"{corpus}/{name}" for corpus in corpora) if os.path.isdir(path)]
    environment = dict(os.environ, LLVM_PROFILE_FILE=raw, OPENBLAS_NUM_THREADS="1")
    run = subprocess.run([fuzzer, "-runs=0", "-shuffle=0", *inputs], env=environment, check=False,
                         text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode != 0 or not inputs:
        sys.exit(f"fuzz_coverage: {fuzzer} fails on its corpus\n{run.stdout[-2000:]}")
    subprocess.run([tool("llvm-profdata"), "merge", "-o", data, raw], check=True)
    report = subprocess.run(
        [tool("llvm-cov"), "export", fuzzer, f"-instr-profile={data}", "-format=lcov",
         "-ignore-filename-regex=(tests|build)/"],
        check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    path = ""
    for line in report.splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            path = os.path.relpath(value)
        elif kind == "DA":
            number, runs = value.split(",")[:2]
            yield path, int(number), int(runs)


def measure(folder: str, corpora: list[str]) -> dict[str, Coverage]:
    """Of all files, by all fuzzers together."""
    names = sorted(path[len("tests/fuzz/fuzz_"):-len(".c")]
                   for path in glob.glob("tests/fuzz/fuzz_*.c"))
    files: dict[str, Coverage] = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for rows in pool.map(lambda name: list(run_fuzzer(folder, corpora, name)), names):
            for path, line, runs in rows:
                files.setdefault(path, Coverage(path)).add(line, runs)
    return files


def judge(coverage: Coverage) -> tuple[list[Block], int]:
    """The blocks that an input should reach and none does, and how many lines none can."""
    source = coverage.source()
    missed = coverage.missed()
    open_blocks = [block for block in missed if find_exemption(coverage.path, source, block) is None]
    return open_blocks, sum(map(len, missed)) - sum(map(len, open_blocks))


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--missed"]
    if not arguments:
        sys.exit(__doc__)
    files = measure(arguments[0], arguments[1:] or ["tests/fuzz/corpus"])
    failed = False
    print(f"{'fuzzer':18} {'file':38} {'lines':>6} {'exempt':>6} {'reached':>7} {'%':>6}")
    for fuzzer, patterns in PARSERS:
        for path in sorted({path for pattern in patterns for path in fnmatch.filter(files, pattern)}):
            coverage = files[path]
            missed, exempt = judge(coverage)
            percent = 100 * coverage.reached() / (len(coverage.runs) - exempt)
            failed = failed or percent <= LEAST
            print(f"{fuzzer:18} {path:38} {len(coverage.runs):6} {exempt:6} {coverage.reached():7} "
                  f"{percent:6.1f}{'' if percent > LEAST else '  too few'}")
            if "--missed" in sys.argv:
                for block in missed:
                    print_block(coverage.source(), block)
    for exemption in EXEMPTIONS:
        if exemption.used == 0:
            print(f"fuzz_coverage: no unreached line is '{exemption.pattern}' in {exemption.files}",
                  file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

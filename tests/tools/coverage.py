#!/usr/bin/env python3
"""coverage.py: lines of core and server that the tests reach, and why the others are not.

    coverage.py FOLDER [FILE]

FOLDER holds a build with gcov's counters (`make cover`), in which the tests have run. Prints a table,
the least covered files first; with FILE, a source file, each of its lines that did not run instead.
tests/coverage_gaps.txt gives the reasons, and says by how many lines a function may be short. Exit
status 1 if core or server is not above 90 %, or if more lines did not run than have a reason. What
has a reason and ran nevertheless is told, but does not fail: some lines wait for luck.
SPDX-License-Identifier: Apache-2.0
"""
from __future__ import annotations

import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass

from line_coverage import Coverage, blocks, print_block

LEAST = 90.0
GAPS = "tests/coverage_gaps.txt"
PARTS = ("core", "server")
FILES_PER_RUN = 16


@dataclass
class Gap:
    """Lines of a function that the tests do not reach."""
    most_lines: int
    reason: str


def read_gaps(path: str) -> dict[tuple[str, str], list[Gap]]:
    """By file and function. Lines that begin with a blank name a file, and its functions with
    numbers; the others in front of them, but for comments, are the reason."""
    gaps: dict[tuple[str, str], list[Gap]] = defaultdict(list)
    reason, is_used = "", False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip()
            if line == "" or line.startswith("#"):
                continue
            if not line.startswith(" "):
                reason = line if is_used else f"{reason} {line}".lstrip()
                is_used = False
                continue
            entry = re.fullmatch(r" +([\w/.]+): (\w+ \d+(?:, \w+ \d+)*)", line)
            if entry is None or reason == "":
                sys.exit(f"{path}:{number}: expected a reason, then `file: function lines, ...`")
            is_used = True
            for gap in entry[2].split(", "):
                function, lines = gap.split(" ")
                gaps[entry[1], function].append(Gap(int(lines), reason))
    return gaps


def run_gcov(notes: list[str]) -> list[dict]:
    """What gcov says of these files."""
    run = subprocess.run(["gcov", "--json-format", "--stdout", *notes], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [file for line in run.stdout.splitlines() for file in json.loads(line)["files"]]


def measure(folder: str) -> dict[str, Coverage]:
    """Of all files of core and server. Kernels are compiled once for each instruction set."""
    notes = sorted(path for part in PARTS
                   for path in glob.glob(f"{folder}/obj/{part}/**/*.gcno", recursive=True))
    runs = [notes[i:i + FILES_PER_RUN] for i in range(0, len(notes), FILES_PER_RUN)]
    files: dict[str, Coverage] = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(run_gcov, runs):
            for file in found:
                path = os.path.normpath(file["file"])
                if not path.startswith(PARTS):
                    continue
                coverage = files.setdefault(path, Coverage(path))
                for line in file["lines"]:
                    coverage.add(line["line_number"], line["count"], line.get("function_name", ""))
    return files


def missed_by_function(coverage: Coverage) -> dict[str, list[int]]:
    missed: dict[str, list[int]] = defaultdict(list)
    for line in coverage.missed_lines():
        missed[coverage.function[line]].append(line)
    return missed


def print_table(files: dict[str, Coverage]) -> bool:
    """True: each part has enough."""
    rows = sorted((100 * c.reached() / len(c.runs), c.reached(), len(c.runs), c.path)
                  for c in files.values() if c.runs)
    print(f"{'%':>6} {'hit':>6} {'lines':>6}  file")
    for percent, hit, lines, path in rows:
        print(f"{percent:6.1f} {hit:6} {lines:6}  {path}")
    is_enough = True
    for part in PARTS:
        hit, lines = (sum(row[column] for row in rows if row[3].startswith(part + "/"))
                      for column in (1, 2))
        percent = 100 * hit / lines
        is_enough = is_enough and percent > LEAST
        print(f"{percent:6.1f} {hit:6} {lines:6}  all of {part}"
              f"{'' if percent > LEAST else ': too few'}")
    return is_enough


def check_reasons(files: dict[str, Coverage], gaps: dict[tuple[str, str], list[Gap]]) -> bool:
    """True: as many lines of each function as did not run have a reason."""
    has_reasons = True
    unneeded = dict.fromkeys(gaps)
    for path, coverage in sorted(files.items()):
        for function, lines in missed_by_function(coverage).items():
            unneeded.pop((path, function), None)
            most = sum(gap.most_lines for gap in gaps.get((path, function), []))
            if len(lines) <= most:
                continue
            has_reasons = False
            print(f"coverage: {path}: no test reaches {len(lines)} lines of {function}, and {GAPS} "
                  f"has reasons for {most}")
            for block in blocks(lines):
                print_block(coverage.source(), block)
    for path, function in unneeded:
        print(f"coverage: {path}: every line of {function} ran; {GAPS} need not excuse any")
    return has_reasons


def print_missed(coverage: Coverage, gaps: dict[tuple[str, str], list[Gap]]) -> None:
    source = coverage.source()
    for function, lines in missed_by_function(coverage).items():
        reasons = [gap.reason for gap in gaps.get((coverage.path, function), [])]
        print(f"{function}, {len(lines)}: {'; '.join(reasons) or 'no reason is given'}")
        for block in blocks(lines):
            print_block(source, block)


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    files = measure(sys.argv[1])
    gaps = read_gaps(GAPS)
    if len(sys.argv) == 3:
        if sys.argv[2] not in files:
            sys.exit(f"coverage: {sys.argv[2]} is not a file of this build")
        print_missed(files[sys.argv[2]], gaps)
        return 0
    is_enough = print_table(files)
    sys.stdout.flush()
    return 0 if check_reasons(files, gaps) and is_enough else 1


if __name__ == "__main__":
    sys.exit(main())

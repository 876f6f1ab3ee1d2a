"""line_coverage.py: which lines of a file ran; what coverage.py and fuzz_coverage.py share.
SPDX-License-Identifier: Apache-2.0
"""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Block:
    """Lines of a file that follow one another, none of which ran."""
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass
class Coverage:
    """How often each line of a file with code ran, and which function it is of, where that is
    known."""
    path: str
    runs: dict[int, int] = field(default_factory=dict)
    function: dict[int, str] = field(default_factory=dict)

    def add(self, line: int, runs: int, function: str = "") -> None:
        """What is compiled or measured more than once adds up."""
        self.runs[line] = self.runs.get(line, 0) + runs
        self.function.setdefault(line, function)

    def reached(self) -> int:
        return sum(runs > 0 for runs in self.runs.values())

    def source(self) -> list[str]:
        with open(self.path, encoding="utf-8") as file:
            return file.read().split("\n")

    def missed_lines(self) -> list[int]:
        return sorted(line for line, runs in self.runs.items() if runs == 0)

    def missed(self) -> list[Block]:
        return blocks(self.missed_lines())


def blocks(lines: list[int]) -> list[Block]:
    """Of numbers in order."""
    found: list[Block] = []
    for line in lines:
        if found and found[-1].last == line - 1:
            found[-1] = Block(found[-1].first, line)
        else:
            found.append(Block(line, line))
    return found


def print_block(source: list[str], block: Block) -> None:
    """With the line in front of it."""
    print(f"    {block.first - 1:5}  {source[block.first - 2]}")
    for line in range(block.first, block.last + 1):
        print(f"    {line:5} -{source[line - 1]}")

"""facts.py: what documents of YAML or JSON must say, as tables.

SPDX-License-Identifier: Apache-2.0

A table maps a path to what is there: words that lead through objects by key and through lists by the
`name` of their objects. What is expected is a value, MISSING, a range of numbers or a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MISSING = "nothing"
Table = dict[str, Any]


def at(document: Any, path: str) -> Any:
    """What is at a path; MISSING."""
    for word in path.split():
        if isinstance(document, list):
            document = {item.get("name"): item for item in document if isinstance(item, dict)}
        if not isinstance(document, dict) or word not in document:
            return MISSING
        document = document[word]
    return document


def fits(found: Any, expected: Any) -> bool:
    if isinstance(expected, range):
        return type(found) is int and found in expected
    if isinstance(expected, re.Pattern):
        return isinstance(found, str) and expected.fullmatch(found) is not None
    return type(found) is type(expected) and found == expected


def complaints(document: Any, table: Table) -> Iterator[str]:
    """A sentence for each path where something else is."""
    for path, expected in table.items():
        found = at(document, path)
        if not fits(found, expected):
            yield f"{path}: expected {getattr(expected, 'pattern', expected)!r}, found {found!r}"


def seconds(text: Any) -> int:
    """Of "35s"; 0 for anything else."""
    found = re.fullmatch(r"(\d+)s", str(text))
    return int(found[1]) if found else 0

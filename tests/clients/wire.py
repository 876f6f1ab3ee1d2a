"""Runs every curl line of clients/README.md against a daemon. SPDX-License-Identifier: Apache-2.0

The lines of one indented block run one after the other; the JSON of the indented block below it is
what they answer, a value per line. In it,

    ...            as an element, or as a key, stands for any further ones
    ... 100 units  stands for elements like those before it, up to 100 in all
    NUMBER         is met to four digits; under a key that ends with _seconds, by any number

Every route of /openapi.json, which is made from the route table, must have its line.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/clients'))

from daemon import Daemon  # noqa: E402

URL = 'http://127.0.0.1:8501'
REST = '\u2026'  # what an ellipsis becomes before it is read as JSON
TOLERANCE = 1e-3


class Mismatch(Exception):
    """An answer is not what the document says."""


def blocks_of(text: str) -> Iterator[List[str]]:
    """The indented blocks, as lists of lines."""
    block: List[str] = []
    for line in [*text.splitlines(), '']:
        if line.startswith('    '):
            block.append(line[4:])
        elif block:
            yield block
            block = []


def examples_of(text: str) -> Iterator[Tuple[List[str], str]]:
    """Blocks of curl lines, each with the text of the answers' block, '' for none."""
    blocks = list(blocks_of(text))
    for block, behind in zip(blocks, [*blocks[1:], ['']]):
        if block[0].startswith('curl') or '| curl' in block[0]:
            yield block, '\n'.join(behind) if behind[0].startswith('{') else ''


def read_pattern(text: str) -> List[Any]:
    """The values that a block shows, ellipses as texts."""
    text = re.sub(r'([{,]\s*)\.\.\.(\s*[,}])', rf'\1"{REST}": 0\2', text)
    text = re.sub(r'\.\.\. (\d+) \w+', rf'"{REST}\1"', text)
    text = re.sub(r'(?<!")\.\.\.', f'"{REST}"', text)
    values, decoder, at = [], json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def compare(found: Any, expected: Any, path: str) -> None:
    if isinstance(expected, str) and expected == REST:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        compare_objects(found, expected, path)
    elif isinstance(expected, list) and isinstance(found, list):
        compare_arrays(found, expected, path)
    elif is_number(expected) and is_number(found):
        is_close = abs(found - expected) <= TOLERANCE * abs(expected)
        if not is_close and not path.endswith('_seconds'):
            raise Mismatch(f'{path}: expected {expected}, found {found}')
    elif found != expected or type(found) is not type(expected):
        raise Mismatch(f'{path}: expected {expected!r}, found {found!r}')


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compare_objects(found: Dict[str, Any], expected: Dict[str, Any], path: str) -> None:
    known = set(expected) - {REST}
    if (known != set(found)) if REST not in expected else (known - set(found)):
        raise Mismatch(f'{path}: expected keys {sorted(known)}, found {sorted(found)}')
    for key in known:
        compare(found[key], expected[key], f'{path}.{key}')


def compare_arrays(found: List[Any], expected: List[Any], path: str) -> None:
    rests = [k for k, one in enumerate(expected) if isinstance(one, str) and one.startswith(REST)]
    if not rests:
        if len(found) != len(expected):
            raise Mismatch(f'{path}: expected {len(expected)} elements, found {len(found)}')
        head, tail = expected, []
    else:
        head, tail = expected[:rests[0]], expected[rests[0] + 1:]
        total = expected[rests[0]][1:]
        if len(found) != int(total) if total else len(found) < len(head) + len(tail):
            raise Mismatch(f'{path}: expected {total or "more"} elements, found {len(found)}')
        for k in range(len(head), len(found) - len(tail)):
            compare_shapes(found[k], found[0], f'{path}[{k}]')
    for k, one in enumerate(head):
        compare(found[k], one, f'{path}[{k}]')
    for k, one in enumerate(tail):
        compare(found[len(found) - len(tail) + k], one, f'{path}[-{len(tail) - k}]')


def compare_shapes(found: Any, first: Any, path: str) -> None:
    """What an ellipsis stands for is like the first of its array."""
    while isinstance(first, list) and first:
        if not isinstance(found, list) or len(found) != len(first):
            raise Mismatch(f'{path}: expected an array of {len(first)}')
        found, first = found[0], first[0]
    if is_number(first) != is_number(found):
        raise Mismatch(f'{path}: expected another type')


def run_line(line: str, url: str) -> str:
    """What it prints. Mismatch: the answer is an error."""
    script = 'curl() { command curl --fail-with-body "$@"; }\n' + line.replace(URL, url)
    done = subprocess.run(['sh', '-c', script], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Mismatch(f'{line}\n  answers {done.stdout[:300]} {done.stderr}')
    return done.stdout


def requests_in(line: str) -> Iterator[Tuple[str, str]]:
    """The method and path of each curl of a line."""
    for call in re.findall(r"curl [^|]*", line):
        path = re.search(re.escape(URL) + r"([^ '?]*)", call)
        method = re.search(r'-X (\w+)', call)
        if path:
            sends = re.search(r' (-d|--data-binary) ', call)
            yield (method.group(1) if method else 'POST' if sends else 'GET'), path.group(1)


def check_example(lines: List[str], answer: str, url: str) -> None:
    expected = read_pattern(answer) if answer else []
    if expected and len(expected) not in (1, len(lines)):
        raise Mismatch(f'{len(lines)} lines and {len(expected)} answers')
    for k, line in enumerate(lines):
        body = run_line(line, url)
        if k >= len(lines) - len(expected):
            try:
                compare(json.loads(body), expected[k - len(lines)], '')
            except Mismatch as error:
                raise Mismatch(f'{line}\n  {error}\n  {body[:600]}') from None


def missing_routes(url: str, seen: Set[Tuple[str, str]]) -> List[str]:
    with urlopen(f'{url}/openapi.json') as answer:
        paths = json.load(answer)['paths']
    missing = []
    for template, methods in paths.items():
        pattern = re.compile(re.sub(r'\\{\w+\\}|\{\w+\}', '[^/:]+', re.escape(template)))
        for method in methods:
            if not any(one == method.upper() and pattern.fullmatch(path) for one, path in seen):
                missing.append(f'{method.upper()} {template}')
    return missing


def main() -> int:
    text = (ROOT / 'clients/README.md').read_text()
    problems: List[str] = []
    seen: Set[Tuple[str, str]] = set()
    n_lines = 0
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, 'models')
        shutil.copytree(ROOT / 'models', models)
        labels = {'models': {'mnist': {'labels': {'stable': 1}}}}
        (models / 'models.json').write_text(json.dumps(labels))
        daemon = Daemon(models=str(models))
        try:
            for lines, answer in examples_of(text):
                lines = [line for line in lines if 'curl' in line]
                n_lines += len(lines)
                seen.update(request for line in lines for request in requests_in(line))
                try:
                    check_example(lines, answer, daemon.url)
                except (Mismatch, ValueError) as error:
                    problems.append(str(error))
            problems += [f'no line shows {route}' for route in missing_routes(daemon.url, seen)]
            daemon.stop()
        finally:
            daemon.kill()
    for problem in problems:
        print(f'clients/README.md: {problem}', file=sys.stderr)
    if not problems:
        print(f'test-clients: lines of clients/README.md: {n_lines}')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())

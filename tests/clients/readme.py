"""Follows the documents as a new user does. SPDX-License-Identifier: Apache-2.0

Copies what a fresh clone has into a folder of its own, starts a daemon, and runs the lines of the
documents there as they stand, but for the port: files that a document shows are saved under the
name above them. The first prediction of each must be a 7.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/clients'))

from daemon import Daemon  # noqa: E402

URL = 'http://127.0.0.1:8501'
PATIENCE_SECONDS = 120

# A document, the program that it needs, what its lines must print, and how many parts it has.
DOCUMENTS: List[Tuple[str, str, List[str], int]] = [
    ('clients/python/README.md', 'python3', ['It is a 7', 'nothing was learned'], 4),
    ('clients/javascript/README.md', 'node', ['It is a 7', 'nothing was learned'], 4),
    ('clients/c/README.md', 'cc', ['7, ', 'for a 7'], 3),
]


def copy_clone(folder: Path) -> None:
    """The files that git knows, or would; without git's folder, all but what was built."""
    if (ROOT / '.git').exists():
        listed = subprocess.run(['git', 'ls-files', '-coz', '--exclude-standard'], cwd=ROOT, check=True,
                                capture_output=True, text=True).stdout
        names = list(filter(None, listed.split('\0')))
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob('*')]
        names = [name for name in names if not name.startswith('build/')]
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / 'build').mkdir()


def parts_of(text: str) -> Iterator[Tuple[str, str]]:
    """Fenced code in order: its file's name, '' for lines of the shell."""
    for match in re.finditer(r'```(\w+)\n(.*?)```', text, re.S):
        names = re.findall(r'`([\w.]+\.(?:py|mjs|c))`', text[:match.start()])
        yield ('' if match[1] == 'sh' else names[-1]), match[2]


def curl_lines_of(text: str) -> List[str]:
    """Of README.md: the indented lines of curl, continued ones joined."""
    return re.findall(r'^    (curl (?:[^\n]*\\\n)*[^\n]*)$', text, re.M)


def run(script: str, folder: Path) -> str:
    """What it prints; a failure ends the program."""
    # pip shall ask no registry: what it builds with is installed already.
    environment = {**os.environ, 'PIP_NO_INDEX': '1', 'PIP_NO_BUILD_ISOLATION': '0',
                   'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'PATH': f'/usr/bin:{os.environ["PATH"]}'}
    done = subprocess.run(['sh', '-ec', script], cwd=folder, env=environment, text=True,
                          capture_output=True, timeout=PATIENCE_SECONDS)
    if done.returncode != 0:
        sys.exit(f'{script}\n{done.stdout}{done.stderr}')
    return done.stdout


def follow(document: str, words: List[str], n_parts: int, folder: Path, url: str) -> None:
    printed, parts = '', list(parts_of((folder / document).read_text()))
    if len(parts) < n_parts:
        sys.exit(f'{document}: expected {n_parts} parts of code, found {len(parts)}')
    for name, code in parts:
        code = code.replace(URL, url)
        if name == '':
            printed += run(code, folder)
        else:
            (folder / name).write_text(code)
    missing = [word for word in words if word not in printed]
    if missing:
        sys.exit(f'{document}: its lines print\n{printed}without {missing}')
    print(f'test-clients: {document}: followed')


def follow_curl(folder: Path, url: str) -> None:
    lines = [line for line in curl_lines_of((folder / 'README.md').read_text())
             if ':predict' in line]
    for line in lines:
        answer = run(line.replace(URL, url), folder)
        probabilities = json.loads(answer)['predictions'][0]
        if probabilities[7] < 0.9:
            sys.exit(f'README.md: {line}\nanswers {answer}')
    if not lines:
        sys.exit('README.md: no lines of curl')
    print(f'test-clients: README.md: {len(lines)} lines of curl followed')


def can_install() -> bool:
    """Whether what `pip install` of a folder needs is there."""
    return subprocess.run(['/usr/bin/python3', '-c', 'import ensurepip, setuptools, wheel'],
                          stderr=subprocess.DEVNULL).returncode == 0


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_clone(folder)
        daemon = Daemon(models=str(folder / 'models'))
        try:
            follow_curl(folder, daemon.url)
            for document, program, words, n_parts in DOCUMENTS:
                if shutil.which(program) is None:
                    print(f'test-clients: {document}: not followed: {program} is not installed')
                elif program == 'python3' and not can_install():
                    print(f'test-clients: {document}: not followed: python3-venv, python3-setuptools'
                          ' or python3-wheel is not installed')
                else:
                    follow(document, words, n_parts, folder, daemon.url)
            daemon.stop()
        finally:
            daemon.kill()


if __name__ == '__main__':
    main()

"""A real `lstmd serve` as a child process, and the fake server. SPDX-License-Identifier: Apache-2.0"""

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Sequence
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
LSTMD = os.environ.get('LSTMD', str(ROOT / 'build/lstmd'))


def reserve_port() -> socket.socket:
    """A socket that does not listen; it keeps its port for those who set SO_REUSEADDR, as lstmd."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(('127.0.0.1', 0))
    return holder


class Daemon:
    """It can be stopped and started again on its port."""

    def __init__(self, *options: str, models: str = 'models') -> None:
        self.options, self.models, self.port = options, models, 0
        self.start()

    def start(self) -> None:
        command: Sequence[str] = [LSTMD, 'serve', '--models', self.models, '--port', str(self.port),
                                  '--log-level', 'warn', *self.options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('the daemon did not start')
        self.url = line.split()[-1]
        self.port = urlsplit(self.url).port or 0

    def stop(self) -> None:
        """Ends it with SIGTERM, and expects that it ends well."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=120)
        assert self.process.returncode == 0, self.process.returncode

    def kill(self) -> None:
        """For the end of a test that failed, too."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class FakeServer:
    """tests/clients/fake_server.py in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, ROOT / 'tests/clients/fake_server.py'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.communicate('')


def write_keys(path: Path, **scopes: str) -> None:
    """A key file: key=scopes."""
    path.write_text(''.join(f'{scope} sha256:{hashlib.sha256(key.encode()).hexdigest()} {key}\n'
                            for key, scope in scopes.items()))
    path.chmod(0o600)

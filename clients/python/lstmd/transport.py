"""Requests over kept-alive connections, with deadlines and retries.
SPDX-License-Identifier: Apache-2.0

What is tried again: any request whose connection could not be made, or that the server itself
refused (503 with Retry-After), for then nothing was applied; beyond that only what changes nothing.
"""

from __future__ import annotations

import http.client
import json
import random
import selectors
import socket
import ssl
import threading
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional
from urllib.parse import urlencode, urlsplit

from .bodies import Body
from .errors import ConnectionFailed, LstmdError, TimedOut, Unavailable, error_of

CHUNK_BYTES = 1 << 16
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
LONGEST_TIMEOUT_MS = 3_600_000  # that the server takes


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    fields: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """ConnectionFailed: something between us and the server answered something else."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise ConnectionFailed(f"expected JSON from the server, found: {error}") from error


class Transport:
    """A pool of connections to one server. Any number of threads may use it."""

    def __init__(self, url: str, api_key: Optional[str], ca_file: Optional[str], timeout: float,
                 retries: int, pool_size: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"url: expected one like http://127.0.0.1:8501, found {url!r}")
        if timeout <= 0:
            raise ValueError(f"timeout: expected seconds above 0, found {timeout!r}")
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._fields = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._timeout, self._retries, self._pool_size = timeout, retries, pool_size
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []

    def request(self, method: str, path: str, body: Optional[Body] = None,
                query: Optional[Mapping[str, Any]] = None, *, is_safe: bool = False,
                retries: Optional[int] = None) -> Answer:
        """Asks until there is an answer, the tries or the time are over.

        is_safe: the request changes nothing, so that it may be sent twice. LstmdError: the answer
        is an error, or there is none.
        """
        deadline = time.monotonic() + self._timeout
        tries = (self._retries if retries is None else retries) + 1
        target = self._target(path, query, body)
        wait = FIRST_WAIT_SECONDS
        while True:
            tries -= 1
            try:
                return self._try(method, target, body, deadline)
            except LstmdError as error:
                pause = max(wait * random.uniform(0.5, 1), error.retry_after or 0)
                is_late = time.monotonic() + pause >= deadline
                if tries <= 0 or is_late or not _may_repeat(error, is_safe):
                    raise
            time.sleep(pause)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Closes the idle connections; later requests open new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _target(self, path: str, query: Optional[Mapping[str, Any]], body: Optional[Body]) -> str:
        pairs = {**(query or {}), **(body.query if body else {})}
        return self._prefix + path + (f"?{urlencode(pairs)}" if pairs else "")

    def _try(self, method: str, target: str, body: Optional[Body], deadline: float) -> Answer:
        fields: Dict[str, str] = dict(self._fields)
        left = _time_left(deadline)
        fields["X-Request-Timeout-Ms"] = str(max(1, min(int(left * 1000), LONGEST_TIMEOUT_MS)))
        if body is not None:
            fields["Content-Type"] = body.type
        connection = self._take() or self._connect(deadline)
        try:
            _set_timeout(connection, deadline)
            connection.request(method, target, body.content if body else None, fields)
            response = connection.getresponse()
            content = _read(connection, response, deadline)
        except BaseException as error:
            connection.close()
            if isinstance(error, socket.timeout):
                raise TimedOut(f"no answer within {self._timeout} seconds") from error
            if isinstance(error, (OSError, http.client.HTTPException)):
                raise ConnectionFailed(f"the connection broke: {error!r}") from error
            raise
        self._put_back(connection, response)
        answer = Answer(response.status, response.headers, content)
        if not 200 <= answer.status < 300:
            raise _error_in(answer)
        return answer

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        """_NotSent: the request may be sent once more, whatever it does."""
        left = _time_left(deadline)
        connection = (http.client.HTTPConnection(self._host, self._port, timeout=left)
                      if self._tls is None else
                      http.client.HTTPSConnection(self._host, self._port, timeout=left,
                                                  context=self._tls))
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise ConnectionFailed(f"the server's certificate is not trusted: {error}") from error
        except socket.timeout as error:
            raise TimedOut(f"no connection within {self._timeout} seconds") from error
        except OSError as error:
            raise _NotSent(f"{self._host}:{connection.port} does not answer: {error}") from error
        return connection

    def _take(self) -> Optional[http.client.HTTPConnection]:
        """An idle connection that the server has not closed; None: there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.sock is not None and not _is_readable(connection.sock):
                return connection
            connection.close()

    def _put_back(self, connection: http.client.HTTPConnection,
                  response: http.client.HTTPResponse) -> None:
        with self._lock:
            if not response.will_close and len(self._idle) < self._pool_size:
                self._idle.append(connection)
                return
        connection.close()


class _NotSent(ConnectionFailed):
    """No connection: the server has not seen the request."""


def _may_repeat(error: LstmdError, is_safe: bool) -> bool:
    if isinstance(error, (_NotSent, Unavailable)):
        # A 503 without Retry-After is not the server's: a proxy's, which may not know.
        return is_safe or isinstance(error, _NotSent) or error.retry_after is not None
    is_broken = isinstance(error, ConnectionFailed) and not isinstance(error, TimedOut)
    is_hopeless = isinstance(error.__cause__, ssl.SSLCertVerificationError)
    return is_safe and is_broken and not is_hopeless


def _is_readable(sock: socket.socket) -> bool:
    """Of a connection where nothing was asked: closed, or out of step."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut("the time for this request is over")
    return left


def _set_timeout(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = _time_left(deadline)
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _read(connection: http.client.HTTPConnection, response: http.client.HTTPResponse,
          deadline: float) -> bytes:
    """The whole body, however slowly it comes. HTTPException: it ends too early."""
    chunks = []
    while True:
        _set_timeout(connection, deadline)
        chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            break
        chunks.append(chunk)
    if response.length:
        raise http.client.IncompleteRead(b"".join(chunks), response.length)
    response.close()  # else the connection is not ready for the next request
    return b"".join(chunks)


def _error_in(answer: Answer) -> LstmdError:
    try:
        message = json.loads(answer.content)["error"]
        is_ours = isinstance(message, str)
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        message = f"the server answers {answer.status}"
    retry_after = answer.fields.get("Retry-After", "")
    return error_of(answer.status, message,
                    float(retry_after) if is_ours and retry_after.isdigit() else None,
                    answer.fields.get("X-Request-Id"))

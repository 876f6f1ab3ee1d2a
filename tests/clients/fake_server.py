"""A server that misbehaves, for the tests of all clients. SPDX-License-Identifier: Apache-2.0

Prints its URL and ends with its stdin. The model's name says what becomes of a request: what stands
before its first dot is one of the behaviours below, the whole name has its own counters.
GET /v1/models/NAME tells them, and how many connections of all models have been closed:
{"requests": ..., "connections": ..., "closed": ...}.
"""

import json
import socket
import socketserver
import sys
import threading
from typing import Dict, Set

FINE = 'fine'                # answers
BUSY = 'busy'                # 503 and Retry-After twice, then answers
PROXY = 'proxy'              # 503 as a proxy says it once, then answers
CUT = 'cut'                  # hangs up in the middle of the body once, then answers
CUT_CHUNKED = 'cut-chunked'  # the same in chunks
RESET = 'reset'              # hangs up on the request once, then answers
SILENT = 'silent'            # never answers
HTML = 'html'                # answers something else than JSON
CLOSING = 'closing'          # answers, and then hangs up without having said so

lock = threading.Lock()
requests: Dict[str, int] = {}
connections: Dict[str, Set[int]] = {}


def answer(status: str, content: bytes, *fields: str) -> bytes:
    head = [f'HTTP/1.1 {status}', 'Content-Type: application/json',
            f'Content-Length: {len(content)}', *fields]
    return '\r\n'.join(head).encode() + b'\r\n\r\n' + content


def count(name: str, connection: int) -> int:
    with lock:
        requests[name] = requests.get(name, 0) + 1
        connections.setdefault(name, set()).add(connection)
        return requests[name]


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        while self.serve_one():
            pass

    def serve_one(self) -> bool:
        """Whether the connection goes on."""
        line = self.rfile.readline().decode()
        if not line:
            return False
        method, path, _ = line.split(' ')
        length = 0
        while (field := self.rfile.readline().decode().strip()):
            if field.lower().startswith('content-length:'):
                length = int(field.split(':')[1])
        self.rfile.read(length)
        name = path.split('?')[0].removeprefix('/v1/models/').split(':')[0].split('/')[0]
        if method == 'GET':
            self.tell(name)
            return True
        return self.misbehave(name.split('.')[0], count(name, id(self)))

    def tell(self, name: str) -> None:
        with lock:
            told = {'requests': requests.get(name, 0),
                    'connections': len(connections.get(name, ())),
                    'closed': self.server.closed}
        self.wfile.write(answer('200 OK', json.dumps(told).encode()))

    def misbehave(self, behaviour: str, n: int) -> bool:
        if behaviour == BUSY and n <= 2:
            self.wfile.write(answer('503 Service Unavailable', b'{"error":"the queue is full"}',
                                    'Retry-After: 0', 'X-Request-Id: r1'))
        elif behaviour == PROXY and n == 1:
            self.wfile.write(answer('503 Service Unavailable', b'<html>upstream</html>',
                                    'Retry-After: 0'))
        elif behaviour == CUT and n == 1:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"predic')
            return False
        elif behaviour == CUT_CHUNKED and n == 1:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"predic\r\n')
            return False
        elif behaviour == RESET and n == 1:
            return False
        elif behaviour == SILENT:
            self.rfile.read(1)
            return False
        elif behaviour == HTML:
            self.wfile.write(answer('200 OK', b'<html></html>'))
        else:
            told = {'predictions': [[n]], 'step': n, 'id': 's', 'model': 'fine'}
            self.wfile.write(answer('200 OK', json.dumps(told).encode()))
            return behaviour != CLOSING
        return True


class Server(socketserver.ThreadingTCPServer):
    """On a free port."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    closed = 0

    def shutdown_request(self, request: socket.socket) -> None:
        super().shutdown_request(request)
        with lock:
            self.closed += 1


if __name__ == '__main__':
    with Server(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f'http://127.0.0.1:{server.server_address[1]}', flush=True)
        sys.stdin.read()

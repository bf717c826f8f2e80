"""A loopback HTTP server that keeps every request as the bytes that came."""

import contextlib
import dataclasses
import json
import socket
import ssl
import threading
import time
import urllib.parse

HEAD_BYTES_MAX = 1 << 20


@dataclasses.dataclass
class Request:
    """One request: its head and body as they were sent, and when."""

    head: bytes
    body: bytes
    received: float

    @property
    def line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]

    @property
    def path(self):
        return self.target.split("?")[0]

    @property
    def query(self):
        """The raw query, as text."""
        return self.target.partition("?")[2]

    @property
    def headers(self):
        """Name and value of each header, in order, as sent."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip()) for name, _, value in pairs]

    def header(self, name):
        """The header's one value; None without it."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{len(values)} headers {name}"
        return values[0] if values else None

    @property
    def form(self):
        """The body's form fields; each name must come once."""
        return once_each(self.body.decode())

    @property
    def parameters(self):
        """The query's fields; each name must come once."""
        return once_each(self.query)


def once_each(text):
    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name comes twice in {names}"
    return dict(pairs)


@dataclasses.dataclass
class Answer:
    """An answer to write. `headers` stand beside the type and the length, which are added."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: dict = dataclasses.field(default_factory=dict)

    @staticmethod
    def json(value, status=200, **headers):
        return Answer(status, json.dumps(value).encode(), headers=headers)

    @staticmethod
    def redirect(location, status=302):
        return Answer(status, type="text/plain", headers={"Location": location})

    @property
    def bytes(self):
        fields = {
            "Content-Type": self.type,
            "Content-Length": len(self.body),
            "Cache-Control": "no-store",
            "Connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {'OK' if self.status < 300 else 'No'}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class NoAnswer(Exception):
    """Raised by a handler that hangs up without a word."""


class RecordingServer:
    """Answers each request in a thread of its own through `handle`, one request a connection.

    `handle` returns an Answer or raw bytes, or raises NoAnswer. `requests` holds what came.
    """

    def __init__(self, port=0, tls=None):
        self.requests = []
        self.connections = 0
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def handle(self, request):
        raise NotImplementedError

    def requests_to(self, path, method=None):
        return [
            request
            for request in list(self.requests)
            if request.path == path and method in (None, request.method)
        ]

    def close(self):
        self.closing = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while not self.closing:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError, NoAnswer), connection:
            connection.settimeout(60)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                request = read_request(connection)
                if request is None:
                    return
                self.requests.append(request)
                answer = self.handle(request)
                connection.sendall(answer if isinstance(answer, bytes) else answer.bytes)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)


def read_request(connection):
    """Reads one request; None when the other side closes first."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk or len(data) > HEAD_BYTES_MAX:
            return None
        data += chunk
    received = time.monotonic()
    head, body = data.split(b"\r\n\r\n", 1)
    request = Request(head, body, received)
    expected = int(request.header("content-length") or 0)
    while len(request.body) < expected:
        chunk = connection.recv(65536)
        if not chunk:
            break
        request.body += chunk
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        request.body = read_chunks(connection, request.body)
    return request


def read_chunks(connection, data):
    """The body of a chunked request."""
    body = b""
    while True:
        while b"\r\n" not in data:
            data += connection.recv(65536)
        size, data = data.split(b"\r\n", 1)
        length = int(size.split(b";")[0], 16)
        while len(data) < length + 2:
            data += connection.recv(65536)
        body, data = body + data[:length], data[length + 2 :]
        if length == 0:
            return body


def free_port():
    """A port that was free on both loopback addresses a moment ago."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
            try:
                socket.create_server(("::1", port), family=socket.AF_INET6).close()
                return port
            except OSError as error:
                if not socket.has_ipv6 or error.errno == 99:  # no ::1 on this machine
                    return port

"""A server for bodies that nobody wants in memory: it sends zeros, or takes what comes."""

import contextlib
import select
import socket
import threading

from .wire import HEAD_BYTES_MAX

CHUNK = bytes(1 << 20)
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BulkServer:
    """`GET` is answered with `size` zeros; anything else is read to its end, counted and answered.

    `seen` holds the size of each body, of a refused one nothing: the first `refusals` requests get
    a 401 as soon as their head is there, and nothing of their body is read.
    """

    def __init__(self, size, refusals=0):
        self.size = size
        self.refusals = refusals
        self.connections = 0
        self.seen = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/bulk"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(60)
            head, rest = read_head(connection)
            if self.refusals:
                self.refusals -= 1
                connection.sendall(REFUSAL)
                # Until the other side has it: to close on unread bytes would take it back.
                wait_for_close(connection)
                return
            if head.startswith(b"GET "):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
                for start in range(0, self.size, len(CHUNK)):
                    connection.sendall(CHUNK[: self.size - start])
                self.seen.append(self.size)
            else:
                self.seen.append(count_body(connection, head, rest))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def wait_for_close(connection, seconds=60):
    """Until the other side has closed; what it sent before stays unread."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    poll.poll(seconds * 1000)


def read_head(connection):
    """A request's head, and what came of its body with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk or len(data) > HEAD_BYTES_MAX:
            raise OSError("no request")
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def count_body(connection, head, rest):
    """The length of a body, in either framing; nothing of it is kept."""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        expected, count = int(fields[b"content-length"]), len(rest)
        buffer = bytearray(1 << 20)
        while count < expected:
            received = connection.recv_into(buffer)
            if not received:
                return count
            count += received
        return count
    return count_chunks(connection.makefile("rb"), rest)


def count_chunks(stream, rest):
    """RFC 9112 §7.1."""
    stream = Prefixed(rest, stream)
    count = 0
    while size := int(stream.line(), 16):
        stream.skip(size + 2)
        count += size
    stream.line()
    return count


class Prefixed:
    """A stream behind bytes that were read already."""

    def __init__(self, start, stream):
        self.start, self.stream = start, stream

    def line(self):
        head, found, tail = self.start.partition(b"\r\n")
        if found:
            self.start = tail
            return head
        self.start = b""
        return (head + self.stream.readline()).strip()

    def skip(self, count):
        taken = min(count, len(self.start))
        self.start = self.start[taken:]
        while taken < count:
            taken += len(self.stream.read(min(count - taken, 1 << 20)))

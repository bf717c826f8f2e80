"""A tap on the wire: stands in front of a provider, keeps what passes, can lose or delay it."""

import contextlib
import socket
import threading

from .canaries import secrets_in_exchange
from .wire import NoAnswer, RecordingServer


class Tap(RecordingServer):
    """Passes each request on to a port, byte for byte but for `Connection: close`.

    `before(request)` may wait or raise NoAnswer before the provider sees the request, and
    `after(request, answer)` may wait or raise NoAnswer once the provider has acted on it.
    """

    def __init__(self, port=0):
        self.upstream = None
        self.secrets = set()
        self.before = lambda request: None
        self.after = lambda request, answer: None
        self.lock = threading.Lock()
        super().__init__(port)

    def handle(self, request):
        if self.upstream is None:
            raise NoAnswer
        self.before(request)
        answer = self.ask(request)
        body = answer.partition(b"\r\n\r\n")[2]
        with self.lock:
            self.secrets.update(
                secrets_in_exchange(request.body, body, request.header("authorization"))
            )
        self.after(request, answer)
        return answer

    def ask(self, request):
        lines = request.head.split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        head = b"\r\n".join([*kept, b"Connection: close", b"", b""])
        with socket.create_connection(("127.0.0.1", self.upstream), timeout=30) as connection:
            connection.sendall(head + request.body)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    answer += chunk
        return answer

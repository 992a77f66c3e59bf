"""A server on loopback that does to its clients whatever a test wants, byte by byte."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

Behaviour: TypeAlias = Callable[[socket.socket], None]
LIFE = 8.0
"""Seconds after which a server gives up being hostile."""


@dataclass
class Hostile:
    """``connections`` counts those that came; ``requests`` are the heads and bodies as sent."""

    behave: Behaviour
    port: int = 0
    connections: int = 0
    sent: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", *, scheme: str = "https", host: str = "localhost") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def heard(self, seconds: float = 5.0) -> list[bytes]:
        """The requests, once there is one or the connection has ended without."""
        end = time.monotonic() + seconds
        while not self.requests and time.monotonic() < end:
            time.sleep(0.01)
        return self.requests

    def answer(self, *parts: bytes, pause: float = 0.0) -> None:
        """Read each request, then send these parts."""

        def behave(connection: socket.socket) -> None:
            self.requests.append(request(connection))
            for part in parts:
                connection.sendall(part)
                self.sent += len(part)
                time.sleep(pause)

        self.behave = behave

    def stream(self, head: bytes, part: bytes, pause: float = 0.0) -> None:
        """Read each request, send the head, then the part again and again."""

        def behave(connection: socket.socket) -> None:
            self.requests.append(request(connection))
            connection.sendall(head)
            end = time.monotonic() + LIFE
            while time.monotonic() < end:
                connection.sendall(part)
                self.sent += len(part)
                time.sleep(pause)

        self.behave = behave


@contextmanager
def hostile(tls: ssl.SSLContext | None) -> Iterator[Hostile]:
    """Serve until the block ends; without ``tls`` in the clear."""
    server = Hostile(lambda connection: None)
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]

    def serve(connection: socket.socket) -> None:
        connection.settimeout(LIFE)
        with suppress(OSError), connection:
            if tls is None:
                server.behave(connection)
                return
            with tls.wrap_socket(connection, server_side=True) as wrapped:
                server.behave(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def request(connection: socket.socket) -> bytes:
    """A whole request, its body with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65_536)
        if not part:
            return received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length and (part := connection.recv(65_536)):
        body += part
    return head + b"\r\n\r\n" + body


def ok(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """An ordinary answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body

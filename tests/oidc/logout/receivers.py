"""Relying parties' logout endpoints on loopback: some take the token, some do their worst."""

import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

HANG = "hang"
RESET = "reset"
STREAM = "stream"
GIANT = "giant"
LIFE = 6.0


@dataclass
class Receivers:
    """One endpoint for each name; ``behave`` says how: a status, or one of the bad ways."""

    port: int = 0
    behave: dict[str, int | str] = field(default_factory=dict)
    tokens: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    forms: list[tuple[str, str]] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    given: int = 0

    def url(self, name: str) -> str:
        """The ``backchannel_logout_uri`` of a relying party."""
        return f"http://127.0.0.1:{self.port}/{name}"


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Serve until the block ends."""
    found = Receivers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = self.path.lstrip("/")
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found.forms.append((self.headers["Content-Type"], body))
            found.tries[name] += 1
            how = found.behave.get(name, 200)
            if isinstance(how, int):
                if how < 300:
                    found.tokens[name] += parse_qs(body, strict_parsing=True)["logout_token"]
                self.send_response(how)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            with suppress(OSError):
                _misbehave(self.connection, how, found)
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that did not wait

    server = Server(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _misbehave(connection: socket.socket, how: str, found: Receivers) -> None:
    end = time.monotonic() + LIFE
    match how:
        case "hang":
            connection.settimeout(LIFE)
            connection.recv(1)  # until the client has enough of it
        case "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        case "stream":
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
            while time.monotonic() < end:
                connection.sendall(b"x")
                time.sleep(0.02)
        case "giant":
            connection.sendall(b"HTTP/1.1 500 Oh no\r\nContent-Length: 1073741824\r\n\r\n")
            for _ in range(1024):
                connection.sendall(b"x" * 1024 * 1024)
                found.given += 1

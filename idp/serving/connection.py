"""One connection: what is read, what is still to be written, and how long it may take."""

import socket
import ssl
import threading
from collections.abc import Mapping
from enum import Enum
from typing import Any

from idp.serving.message import Reader

WANTS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Raised by a socket that has nothing to give or no room, now."""
_RECEIVE = 64 * 1024


class Phase(Enum):
    """What a connection is waiting for; each has its own time."""

    HANDSHAKE = "handshake"
    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    WRITING = "writing"
    LINGERING = "lingering"
    """Everything was answered; what the client still sends is read and dropped, so that it is not
    reset before it has read the answer (RFC 9112 §9.6)."""


class Connection:
    """A client's connection. The thread that works on it holds :attr:`lock`."""

    __slots__ = (
        "_out",
        "closed",
        "deadline",
        "ending",
        "fd",
        "lock",
        "permit",
        "phase",
        "reader",
        "refused",
        "secure",
        "socket",
        "waiting",
    )

    def __init__(self, plain: socket.socket, base: Mapping[str, Any], deadline: float) -> None:
        self.socket = plain
        self.fd = plain.fileno()
        self.lock = threading.Lock()
        self.secure = isinstance(plain, ssl.SSLSocket)
        self.phase = Phase.HANDSHAKE if self.secure else Phase.IDLE
        self.deadline = deadline
        self.reader = Reader(base)
        self.refused = 0
        """The status for what came and is no request; 0 while all of it is."""
        self.ending = False
        """Whether the connection ends with the answer that is being written."""
        self.waiting = False
        """Whether a whole request of it waits for a thread."""
        self.permit = False
        """Whether the thread that works on it may enter the application."""
        self.closed = False
        self._out = memoryview(b"")

    def handshake(self) -> None:
        """Go on with TLS.

        Raises:
            SSLWantReadError, SSLWantWriteError: it is not done yet.
            OSError: the client does not speak it.
        """
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.do_handshake()
        self.phase = Phase.IDLE

    def receive(self) -> bytes:
        """What has come; ``b""`` when the client has ended.

        Raises:
            BlockingIOError, SSLWantReadError, SSLWantWriteError: nothing has.
            OSError: the connection is broken.
        """
        return self.socket.recv(_RECEIVE)

    def certificate(self) -> bytes | None:
        """The client's certificate (DER), when it gave one that our authorities issued."""
        if isinstance(self.socket, ssl.SSLSocket):
            return self.socket.getpeercert(True)
        return None

    def buffered(self) -> bool:
        """Whether TLS holds more that epoll does not know of."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def send(self, data: bytes = b"") -> bool:
        """Write ``data`` after what is left; whether all of it is gone.

        Raises:
            OSError: the connection is broken.
        """
        left = memoryview(bytes(self._out) + data) if self._out else memoryview(data)
        while left:
            try:
                left = left[self.socket.send(left) :]
            except WANTS:
                break
        self._out = left
        return not left

    @property
    def unsent(self) -> bool:
        """Whether something is left to write."""
        return bool(self._out)

    def finish(self) -> None:
        """Say that nothing more will be written."""
        try:
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.unwrap()
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is over in any case

    def close(self) -> None:
        """End it."""
        self.closed = True
        self.socket.close()

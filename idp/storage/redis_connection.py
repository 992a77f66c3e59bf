"""One thread's connection to one node of Redis: packed commands go out, parsed replies come in.

redis-py connects (addresses, TLS, AUTH, Sentinel); after that only its socket is used. A connection
that failed is closed: an answer that comes late must not be read as the answer to the next command.
"""

import select
import socket
import ssl
import struct
import threading
import weakref
from collections.abc import Callable
from typing import Any

import hiredis

_READ_SIZE = 16_384
_INCOMPLETE = object()
"""What the reader answers when it needs more bytes."""


class Refused(Exception):
    """Redis answered a command with an error.

    Only the error's code is kept, and the address in MOVED and ASK: its text may quote the command,
    and so the values in it.
    """

    def __init__(self, text: str) -> None:
        self.code, _, detail = text.partition(" ")
        super().__init__(self.code)
        self.address = detail.rpartition(" ")[2] if self.code in ("MOVED", "ASK") else ""


class NodeConnection:
    """A connection that one thread uses; another thread may only :meth:`close` it."""

    __slots__ = ("__weakref__", "_buffer", "_connection", "_poll", "_reader", "_socket")

    def __init__(self, connection: Any) -> None:
        """``connection`` is redis-py's, not connected yet."""
        self._connection = connection
        self._socket: Any = None
        self._reader: Any = None
        self._poll: Any = None
        self._buffer = bytearray(_READ_SIZE)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the node."""
        return self._connection.host, self._connection.port

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def ready(self) -> None:
        """Connect, unless connected to a peer that is still there."""
        if self._socket is not None and self._idle():
            return
        self.close()
        self._connection.connect()
        self._socket = self._connection._get_socket()
        _wait_in_the_kernel(self._socket)
        self._reader = hiredis.Reader(
            replyError=Refused, encoding="utf-8", notEnoughData=_INCOMPLETE
        )
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def send(self, data: bytes) -> None:
        """Send packed commands.

        Raises:
            OSError: they may have arrived all the same.
        """
        connected = self._socket
        if connected is None:
            raise ConnectionResetError("closed")
        try:
            connected.sendall(data)
        except BaseException:
            self.close()
            raise

    def receive(self, count: int) -> list[Any]:
        """The next ``count`` replies; an error is a :class:`Refused` among them.

        Raises:
            OSError: no answer in time, or the connection broke.
            hiredis.ProtocolError: the peer is no Redis.
        """
        connected, reader, buffer = self._socket, self._reader, self._buffer
        if connected is None:
            raise ConnectionResetError("closed")
        replies: list[Any] = []
        try:
            while len(replies) < count:
                reply = reader.gets()
                if reply is not _INCOMPLETE:
                    replies.append(reply)
                    continue
                size = connected.recv_into(buffer)
                if not size:
                    raise ConnectionResetError("closed by Redis")
                reader.feed(buffer, 0, size)
        except BaseException:
            self.close()
            raise
        return replies

    def close(self) -> None:
        """Close the connection; :meth:`ready` opens it again."""
        self._socket = None
        self._connection.disconnect()

    def _idle(self) -> bool:
        """Whether the peer neither closed the connection nor said what nobody asked for."""
        return not (self._reader.has_data() or self._poll.poll(0))


def _wait_in_the_kernel(connected: socket.socket) -> None:
    """Let the kernel watch the socket's timeout: Python asks poll() before each call otherwise.

    What comes too late is a BlockingIOError then, an OSError as well. TLS keeps Python's way.
    """
    seconds = connected.gettimeout()
    if seconds is None or isinstance(connected, ssl.SSLSocket):
        return
    timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    connected.settimeout(None)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connected.setsockopt(socket.SOL_SOCKET, option, timeval)


class Connections:
    """The connections of every thread to every node. A thread's are closed when the thread ends."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._all: weakref.WeakSet[NodeConnection] = weakref.WeakSet()

    def to(self, node: Any, make: Callable[[], Any]) -> NodeConnection:
        """This thread's connection to ``node``; ``make`` gives redis-py's for a new one."""
        mine: dict[Any, NodeConnection] = self._mine.__dict__
        try:
            return mine[node]
        except KeyError:
            connection = mine[node] = NodeConnection(make())
            with self._lock:
                self._all.add(connection)
            return connection

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            connections = list(self._all)
        for each in connections:
            each.close()

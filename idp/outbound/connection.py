"""A connection to a checked address, of which every wait ends at one deadline.

A name is resolved once and the address that was checked is the one that is called, so a name that
changes its mind in between (DNS rebinding) gains nothing.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from idp.outbound.addresses import Address, check_address
from idp.outbound.errors import OutboundError
from idp.outbound.target import Target

Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""The addresses of a name, as text. May raise OSError, and take its time."""

MAX_ADDRESSES = 4
MAX_LOOKUPS = 32
_PIECE = 16 * 1024


class Deadline:
    """The moment at which a call ends, whatever it is waiting for."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left.

        Raises:
            OutboundError: ``deadline``, none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutboundError("deadline")
        return left


class Wire:
    """An open connection, from which at most ``most`` bytes are read."""

    def __init__(self, connection: socket.socket, deadline: Deadline, most: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = most

    def send(self, data: bytes) -> None:
        """Send all of it."""
        for start in range(0, len(data), _PIECE):
            # One piece at a time: sendall over TLS begins a new timeout with each record.
            self._connection.settimeout(self._deadline.left())
            self._connection.sendall(data[start : start + _PIECE])

    def receive(self) -> bytes:
        """What comes next, ``b""`` at the end.

        Raises:
            OutboundError: ``too_large``, more came than may.
        """
        self._connection.settimeout(self._deadline.left())
        data = self._connection.recv(_PIECE)
        self._left -= len(data)
        if self._left < 0:
            raise OutboundError("too_large")
        return data


class Dialler:
    """Opens connections to where URLs lead."""

    def __init__(self, tls: ssl.SSLContext, resolve: Resolve, *, loopback: bool) -> None:
        self._tls = tls
        self._resolve = resolve
        self._loopback = loopback
        self._lookups = threading.BoundedSemaphore(MAX_LOOKUPS)

    def dial(self, target: Target, deadline: Deadline) -> socket.socket:
        """A connection to the target, TLS and its certificate's name checked.

        Raises:
            OutboundError: ``name``, ``address``, ``unreachable``, ``deadline``.
            OSError: the handshake failed.
        """
        plain = not target.tls
        if plain and not self._loopback:
            raise OutboundError("url")
        # Each and every one: a name that leads inside as well is not trusted outside either.
        addresses = [
            check_address(each, loopback=self._loopback, only_loopback=plain)
            for each in self._addresses(target, deadline)
        ]
        connection = _connect(addresses[:MAX_ADDRESSES], target.port, deadline)
        if plain:
            return connection
        try:
            connection.settimeout(deadline.left())
            return self._tls.wrap_socket(connection, server_hostname=target.host)
        except BaseException:
            connection.close()
            raise

    def _addresses(self, target: Target, deadline: Deadline) -> Sequence[str]:
        """The host's addresses. The system's resolver knows no deadline, so it gets a thread."""
        if target.numeric:
            return (target.host,)
        if not self._lookups.acquire(blocking=False):
            raise OutboundError("busy")
        answer: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answer.put(self._resolve(target.host))
            except (OSError, UnicodeError):
                answer.put(())
            finally:
                self._lookups.release()

        threading.Thread(target=look_up, name="outbound-lookup", daemon=True).start()
        try:
            found = answer.get(timeout=deadline.left())
        except queue.Empty:
            raise OutboundError("deadline") from None
        if not found:
            raise OutboundError("name")
        return found


def system_resolve(host: str) -> Sequence[str]:
    """What this machine's resolver says."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _connect(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address that answers; each gets its share of the time."""
    for number, address in enumerate(addresses):
        share = deadline.left() / (len(addresses) - number)
        try:
            return socket.create_connection((str(address), port), timeout=share)
        except OSError:
            continue
    raise OutboundError("unreachable")

"""Load: steps repeated over connections that stay open, for a while, each one timed.

A small client of its own, so that little of what is measured is the client: HTTP/1.1 over TCP,
bodies with a length or in chunks. It believes the server it talks to and is for benchmarks only.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

TIMEOUT = 20.0


class WrongAnswer(Exception):
    """The server did not answer what the step needs: what was measured would mean nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; names of headers in lower case, of equal ones the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection to one server that is kept as long as the server keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._file: BinaryIO | None = None

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request and read its answer whole.

        Raises:
            OSError, WrongAnswer: there is none.
        """
        said = {"Host": f"{self._address[0]}:{self._address[1]}", **(headers or {})}
        if body or method == "POST":
            said["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {said[name]}" for name in said)]
        sending, file = self._open()
        sending.sendall("\r\n".join((*lines, "", "")).encode() + body)
        answer = _read(file, method)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def _open(self) -> tuple[socket.socket, BinaryIO]:
        if self._socket is None or self._file is None:
            self._socket = socket.create_connection(self._address, TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._file = self._socket.makefile("rb")
        return self._socket, self._file

    def close(self) -> None:
        """Close it; the next request opens another."""
        for each in (self._file, self._socket):
            if each is not None:
                each.close()
        self._socket = self._file = None


def _read(file: BinaryIO, method: str) -> Answer:
    start = file.readline().split(maxsplit=2)
    if len(start) < 2 or not start[0].startswith(b"HTTP/1.") or not start[1].isdigit():
        raise WrongAnswer("no HTTP answer")
    headers = {}
    while line := file.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    status = int(start[1])
    if method == "HEAD" or status in (204, 304):
        return Answer(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(status, headers, _chunks(file))
    if "content-length" not in headers:
        raise WrongAnswer("neither a length nor chunks")
    return Answer(status, headers, file.read(int(headers["content-length"])))


def _chunks(file: BinaryIO) -> bytes:
    found = b""
    while size := int(file.readline().partition(b";")[0], 16):
        found += file.read(size)
        file.readline()
    while file.readline().strip():  # trailers
        pass
    return found


@dataclass
class Result:
    """What a step took, each time, over ``seconds``; of several runs, :meth:`add` them up."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Count another run too."""
        self.seconds += other.seconds
        self.latencies += other.latencies

    @property
    def per_second(self) -> float:
        """How often it was done in a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Seconds that ``share`` of the steps took at most."""
        return percentile(self.latencies, share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that ``share`` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    place = -int(-share * len(ordered) // 1) - 1  # nearest rank
    return ordered[max(place, 0)] if ordered else 0.0


def drive(
    step: Callable[[Connection], None],
    address: tuple[str, int],
    *,
    connections: int,
    seconds: float,
) -> Result:
    """Repeat ``step`` over each of so many connections at once, for so long.

    Raises:
        WrongAnswer, OSError: the first that any step met.
    """
    gate = threading.Barrier(connections + 1)
    found: list[list[float]] = [[] for _ in range(connections)]
    failures: list[Exception] = []
    stop = threading.Event()

    def repeat(latencies: list[float]) -> None:
        connection = Connection(*address)
        gate.wait()
        try:
            while not stop.is_set():
                began = time.perf_counter()
                step(connection)
                latencies.append(time.perf_counter() - began)
        except (OSError, ValueError, WrongAnswer) as error:
            failures.append(error)
            stop.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=repeat, args=(each,), daemon=True) for each in found]
    for each in threads:
        each.start()
    gate.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for each in threads:
        each.join(2 * TIMEOUT)
    if failures:
        raise failures[0]
    return Result(time.perf_counter() - began, [each for latencies in found for each in latencies])

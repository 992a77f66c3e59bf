"""Texts into a file instead of to phones: the inbox that the demo phone shows. Never production.

One JSON object a line, readable by its owner only; the oldest are dropped when it grows.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from idp.core.errors import Unavailable

KEPT = 500
MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One text, sent at ``at`` (epoch seconds)."""

    at: int
    phone: str
    text: str
    reference: str


class ConsoleSender:
    """See :class:`idp.notify.sender.Sender`."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Append the text to the inbox; several processes may."""
        message = Message(int(self._clock()), phone, text, reference)
        line = json.dumps(asdict(message)).encode() + b"\n"
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.fstat(file).st_size > MAX_BYTES:
                    kept = self._path.read_bytes().splitlines(keepends=True)[-KEPT:]
                    os.truncate(file, 0)
                    line = b"".join(kept) + line
                os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            raise Unavailable("sms") from error

    def check(self) -> None:
        """A file can always be tried."""

    def close(self) -> None:
        """Nothing is held."""


def inbox(path: Path, *, phone: str | None = None) -> tuple[Message, ...]:
    """The texts in an inbox, or those to one phone, the last first."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found = [Message(**json.loads(each)) for each in lines]
    return tuple(each for each in reversed(found) if phone in (None, each.phone))

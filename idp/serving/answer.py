"""What is sent back on a connection (RFC 9112 §4)."""

from dataclasses import dataclass
from functools import lru_cache
from time import time
from typing import TypeAlias
from wsgiref.handlers import format_date_time

HeaderList: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: a status line (``200 OK``), headers and a body."""

    status: str
    headers: HeaderList
    body: bytes

    def encode(self, *, close: bool) -> bytes:
        """The bytes of it.

        Raises:
            ValueError: a header holds a line break, or what Latin-1 has not.
        """
        fields = [f"{name}: {value}" for name, value in self.headers]
        fields.append(f"Date: {_date(int(time()))}")
        if close:
            fields.append("Connection: close")
        text = "\r\n".join(fields)
        if text.count("\n") != len(fields) - 1 or text.count("\r") != len(fields) - 1:
            raise ValueError("a header holds a line break")
        return f"HTTP/1.1 {self.status}\r\n{text}\r\n\r\n".encode("latin-1") + self.body


@lru_cache(maxsize=2)
def _date(now: int) -> str:
    return format_date_time(now)

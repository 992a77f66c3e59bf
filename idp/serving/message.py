"""Requests out of the bytes of one connection (RFC 9112), as WSGI environments (PEP 3333).

llhttp parses; what it accepts and we do not is refused here: a missing or repeated Host, a head or
a body over its limit. Header values are the bytes that came, as Latin-1.
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

MAX_HEAD = 104 * 1024
"""Bytes of a request line and its headers; the application judges the parts of it."""
MAX_BODY = 64 * 1024
"""Bytes of a body that are read; a longer one is the application's to refuse."""
HEADERS = "idp.headers"
"""The environment's own headers by lower-case name: what ``HTTP_*`` says, without the renaming."""
CERTIFICATE = "idp.client_certificate"
"""The client's certificate in the environment (DER), where the connection asked for one."""
_JOIN = {"cookie": ";"}
_METHOD = re.compile(rb"[A-Z]+ /")
_VERSIONS = ("1.0", "1.1")


class BadMessage(Exception):
    """What came is no request.

    ``status`` is 400, 405 for a method that nobody knows, or 431 for a head that is too large.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Message:
    """A request that has come whole, or as far as it will be read.

    ``close``: the connection ends with its answer, as the client asks or because more of it may
    be on the way.
    """

    environ: dict[str, Any]
    close: bool


class Reader:
    """Feed it what a connection sends; whole requests appear in :attr:`messages`, in order.

    ``base`` holds what is the same in every environment of the connection.
    """

    def __init__(self, base: Mapping[str, Any]) -> None:
        self.messages: deque[Message] = deque()
        self.expects_continue = False
        self.in_body = False
        self.unread = False
        """Whether more of what was refused, or is too long, may be on the way."""
        self._base = base
        self._parser = httptools.HttpRequestParser(self)
        self._deaf = False  # what follows on this connection is not read any more
        self._begin()

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come since the last one."""
        return not self._head_bytes and not self.in_body

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            BadMessage: it is no request; whole ones before it are in :attr:`messages`.
        """
        if self._deaf:
            return
        if not self.in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True  # no protocol but HTTP/1.1 here: answered as if it did not ask
        except httptools.HttpParserInvalidMethodError as error:
            self._deaf = self.unread = True
            raise BadMessage(405 if _METHOD.match(data) else 400) from error
        except httptools.HttpParserError as error:
            self._deaf = self.unread = True
            if isinstance(error.__context__, BadMessage):
                raise error.__context__ from None
            raise BadMessage(400) from error
        if not self.in_body and self._head_bytes > MAX_HEAD:
            self._deaf = self.unread = True
            raise BadMessage(431)

    # Called by llhttp

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:  # a chunked body's trailers are ignored (RFC 9110 §6.5.1)
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._parser.get_http_version() not in _VERSIONS:
            raise BadMessage(400)
        self._head_bytes, self.in_body = 0, True
        self._keep_alive = self._parser.should_keep_alive()
        self._environ = self._environment()
        length = self._environ.get("CONTENT_LENGTH", "0")
        if length.isdecimal() and int(length) > MAX_BODY:
            self._deliver(close=True)
            self.unread = True
        self.expects_continue = self._said("expect").lower() == "100-continue"

    def on_body(self, part: bytes) -> None:
        if self._deaf:
            return
        self._body += part
        if len(self._body) > MAX_BODY:
            self._deliver(close=True)
            self.unread = True

    def on_message_complete(self) -> None:
        if not self._deaf:
            self._deliver(close=not self._keep_alive or self._parser.should_upgrade())
        self._begin()

    def _begin(self) -> None:
        self._target, self._body = b"", b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes, self.in_body, self.expects_continue = 0, False, False

    def _deliver(self, *, close: bool) -> None:
        self._environ["wsgi.input"] = BytesIO(self._body)
        self.messages.append(Message(self._environ, close))
        self._deaf = close

    def _said(self, name: str) -> str:
        said: str = self._environ[HEADERS].get(name, "")
        return said

    def _environment(self) -> dict[str, Any]:
        path, _, query = self._target.partition(b"#")[0].partition(b"?")
        if not path.startswith(b"/") and b"://" in path:  # absolute form: RFC 9112 §3.2.2
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        environ = {
            **self._base,
            "REQUEST_METHOD": self._parser.get_method().decode("ascii"),
            "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{self._parser.get_http_version()}",
        }
        environ[HEADERS] = self._read_headers(environ)
        return environ

    def _read_headers(self, environ: dict[str, Any]) -> dict[str, str]:
        """Set the headers in ``environ``; they by lower-case name.

        Raises:
            BadMessage: not one Host (RFC 9112 §3.2).
        """
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._headers:
            name, key = _names(raw_name)
            if not name:
                continue
            value = raw_value.decode("latin-1")
            if name in headers:
                if name == "host":
                    raise BadMessage(400)
                value = f"{headers[name]}{_JOIN.get(name, ',')}{value}"
            headers[name] = environ[key] = value
        if "host" not in headers and self._parser.get_http_version() == "1.1":
            raise BadMessage(400)
        headers.pop("content-length", None)
        return headers


@lru_cache(maxsize=1024)
def _names(raw: bytes) -> tuple[str, str]:
    """A header's name in lower case, and its name in the environment.

    Empty for a name with an underscore: it would pass for the one with a hyphen, which a proxy sets
    or removes.
    """
    if b"_" in raw:
        return "", ""
    name = raw.decode("latin-1").lower()
    key = name.upper().replace("-", "_")
    return name, key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"

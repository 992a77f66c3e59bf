"""granian's asynchronous interface (RSGI 1.6) in front of a WSGI application (PEP 3333).

A thread is spent on a request only when all of it has come: bodies are waited for in the event
loop, for so long and no longer, and what is more than the threads can soon answer is refused at
once. What a body may be (its size, its length being told) is the application's to say: a body
that it would refuse is not read.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, Protocol

import structlog
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # its way to name it

from idp.web.access import OTHER
from idp.web.fastpath import WSGIApp
from idp.web.http import MAX_BODY, Response, header_list
from idp.web.metrics import REQUESTS
from idp.web.security import protect

BODY_SECONDS = 10.0
"""From the end of the headers to the end of the body."""
WAITING = 256
"""Whole requests that may wait for a thread."""
RETRY_SECONDS = 2
NAMELESS = ("Server", "")
"""In the place of granian's name: what runs here is nobody's business."""
CLOSING = ("Connection", "close")

_log = structlog.get_logger("idp.access")


class Headers(Protocol):
    """A request's headers, names in lower case, in the order they came."""

    def get(self, key: str, default: Any = None) -> Any:
        """The first value of a header."""

    def items(self) -> list[tuple[str, str]]:
        """Every name and value; a name that came twice is there twice."""


class Scope(Protocol):
    """What RSGI tells of a request; addresses are ``host:port``, the path is decoded."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Headers


class Exchange(Protocol):
    """How RSGI gives the body and takes the answer."""

    async def __call__(self) -> bytes:
        """The whole body.

        Raises:
            ProtocolClosed: the client has gone.
        """

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer, from any thread."""


class Gateway:
    """An RSGI application: ``app`` in ``threads`` threads."""

    def __init__(
        self,
        app: WSGIApp,
        threads: int,
        *,
        body_seconds: float = BODY_SECONDS,
        waiting: int = WAITING,
    ) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._body_seconds = body_seconds
        self._most = threads + waiting
        self._begun = 0  # in a thread or waiting for one; only the event loop counts

    async def __call__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        try:
            body = await self._body(scope.headers, exchange)
        except TimeoutError:
            return _refuse(scope, exchange, 408, dict([CLOSING]))
        except ProtocolClosed:  # the client has gone
            return _refuse(scope, exchange, 400, {})
        if self._begun >= self._most:
            return _refuse(scope, exchange, 503, {"Retry-After": str(RETRY_SECONDS)})
        self._begun += 1
        try:
            loop = asyncio.get_running_loop()
            environ = environment(scope, body)
            await loop.run_in_executor(self._threads, self._answer, environ, exchange)
        finally:
            self._begun -= 1

    def __rsgi_del__(self, _: asyncio.AbstractEventLoop) -> None:
        """The server has stopped: end what is under way."""
        self._threads.shutdown()

    async def _body(self, headers: Headers, exchange: Exchange) -> bytes:
        """The body where there is one to read.

        Raises:
            TimeoutError, ProtocolClosed: it did not come in time, it will not come.
        """
        try:
            length = int(headers.get("content-length", 0))
        except ValueError:
            return b""
        if not 0 < length <= MAX_BODY:
            return b""
        async with asyncio.timeout(self._body_seconds):
            return await exchange()

    def _answer(self, environ: dict[str, Any], exchange: Exchange) -> None:
        """In a thread: call the application, send what it answers."""
        begun, headers = 500, list[tuple[str, str]]()

        def start_response(
            status: str, given: list[tuple[str, str]], _: Any = None
        ) -> Callable[[bytes], object]:
            nonlocal begun, headers
            begun, headers = int(status[:3]), given
            return _no_write

        content = self._app(environ, start_response)
        try:
            body = b"".join(content)
        finally:
            _close(content)
        closing = (CLOSING,) if begun == 413 else ()  # its body is still on the way
        exchange.response_bytes(begun, [*headers, NAMELESS, *closing], body)


def environment(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request (PEP 3333).

    A header whose name has an underscore is left out: it would pass for the one with a hyphen,
    which a proxy sets or removes.
    """
    name, port = _apart(scope.server)
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _apart(scope.client)[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope.headers.items():
        if "_" in header:
            continue
        key = header.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ.setdefault(key, value)
        elif (before := environ.get(f"HTTP_{key}")) is not None:
            environ[f"HTTP_{key}"] = f"{before}{';' if key == 'COOKIE' else ','}{value}"
        else:
            environ[f"HTTP_{key}"] = value
    environ.setdefault("HTTP_HOST", scope.authority or "")
    return environ


def _apart(address: str) -> tuple[str, str]:
    """Host and port of ``host:port``; an IPv6 address without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def _refuse(scope: Scope, exchange: Exchange, status: int, headers: dict[str, str]) -> None:
    """Answer what gets no thread. It is counted and logged like what does."""
    answer = protect(Response(status, b"", headers), secure=scope.scheme == "https")
    exchange.response_bytes(status, [*header_list(answer), NAMELESS], answer.body)
    REQUESTS.labels(OTHER, OTHER, str(status)).inc()
    _log.info("request", endpoint=OTHER, method=OTHER, status=status)


def _no_write(_: bytes) -> object:
    raise RuntimeError("an application returns its body")


def _close(content: Iterable[bytes]) -> None:
    close = getattr(content, "close", None)
    if close is not None:
        close()

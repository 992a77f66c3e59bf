"""ASGI 3.0 in front of a WSGI application (PEP 3333): what granian calls.

ASGI, because it gives header values as the bytes that came: granian's own interface leaves out
every header line that holds a byte outside ASCII. A thread is spent on a request only when all of
it has come: bodies are waited for in the event loop for a limited time, and requests that the
threads cannot answer soon are refused at once. The application judges size and framing: a body
that it would refuse is not read, or only as far as its limit.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, TypeAlias

import structlog

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
NAMELESS = (b"server", b"")
"""In the place of granian's name: answers do not name the server's software."""
CLOSING = ("Connection", "close")

Scope: TypeAlias = Mapping[str, Any]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

_log = structlog.get_logger("idp.access")


class Disconnected(Exception):
    """The client left before its request had come."""


class Gateway:
    """An ASGI application without lifespan: ``app`` in ``threads`` threads."""

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await self._body(scope["headers"], receive)
        except TimeoutError:
            return await _refuse(scope, send, 408, dict([CLOSING]))
        except Disconnected:
            return await _refuse(scope, send, 400, {})
        if self._begun >= self._most:
            return await _refuse(scope, send, 503, {"Retry-After": str(RETRY_SECONDS)})
        self._begun += 1
        try:
            loop = asyncio.get_running_loop()
            environ = environment(scope, body)
            answer = await loop.run_in_executor(self._threads, self._answer, environ)
        finally:
            self._begun -= 1
        await _send(send, *answer)

    def close(self) -> None:
        """End the threads, once what is under way has ended."""
        self._threads.shutdown()

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """The body where there is one to read; at most one message more than ``MAX_BODY``.

        Raises:
            TimeoutError: it did not come in time.
            Disconnected: it will not come.
        """
        if not _has_readable_body(dict(headers)):
            return b""
        body = bytearray()
        async with asyncio.timeout(self._body_seconds):
            while len(body) <= MAX_BODY:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    break
        return bytes(body)

    def _answer(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        """In a thread: call the application; its status, headers and body."""
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
        return begun, [*headers, *closing], body


def _has_readable_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether there is a body within the limit, or one in chunks that may be."""
    if b"transfer-encoding" in headers:
        return True
    try:
        return 0 < int(headers.get(b"content-length", b"0")) <= MAX_BODY
    except ValueError:
        return False


def environment(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request (PEP 3333).

    A header whose name has an underscore is left out: it would pass for the one with a hyphen,
    which a proxy sets or removes.
    """
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, raw in scope["headers"]:
        if b"_" in name:
            continue
        key, value = name.decode("latin-1").upper().replace("-", "_"), raw.decode("latin-1")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ.setdefault(key, value)
        elif (before := environ.get(f"HTTP_{key}")) is not None:
            environ[f"HTTP_{key}"] = f"{before}{';' if key == 'COOKIE' else ','}{value}"
        else:
            environ[f"HTTP_{key}"] = value
    return environ


async def _refuse(scope: Scope, send: Send, status: int, headers: dict[str, str]) -> None:
    """Answer a request that gets no thread. It is counted and logged like the others."""
    answer = protect(Response(status, b"", headers), secure=scope["scheme"] == "https")
    await _send(send, status, header_list(answer), answer.body)
    REQUESTS.labels(OTHER, OTHER, str(status)).inc()
    _log.info("request", endpoint=OTHER, method=OTHER, status=status)


async def _send(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": [*encoded, NAMELESS]})
    await send({"type": "http.response.body", "body": body})


def _no_write(_: bytes) -> object:
    raise RuntimeError("an application returns its body")


def _close(content: Iterable[bytes]) -> None:
    close = getattr(content, "close", None)
    if close is not None:
        close()

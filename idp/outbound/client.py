"""The one client for addresses that relying parties name, where each may be a trap (OWASP SSRF).

https to global addresses, no redirects, no proxies, no cookies, nothing compressed, one deadline
for the whole of a call and one connection for each. For services that the operator configured
there is ``outbound.service``.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import h11

from idp.outbound.connection import Deadline, Dialler, Resolve, Wire, system_resolve
from idp.outbound.errors import OutboundError as OutboundError
from idp.outbound.target import Target, parse_target

MAX_HEADERS = 32 * 1024
_OVERHEAD = 128 * 1024
"""Bytes on the wire beside the body: headers, interim answers, the frames of chunks."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """``timeout`` (seconds) is for a whole call; ``max_bytes`` for the body of an answer.

    ``allow_loopback``: this machine may be called, without TLS too. ``ca_file`` replaces the
    machine's authorities. No failure is reported before ``floor`` seconds, so that one which
    needed no connection looks like one that did.
    """

    allow_loopback: bool = False
    ca_file: Path | None = None
    timeout: float = 5.0
    max_bytes: int = 256 * 1024
    floor: float = 0.2


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer; the names of ``headers`` are in lower case, of repeated ones the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class OutboundClient:
    """Keeps no connection and no state of a call; every thread may use it."""

    def __init__(self, settings: OutboundSettings, resolve: Resolve = system_resolve) -> None:
        self._settings = settings
        tls = ssl.create_default_context(cafile=settings.ca_file)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.set_alpn_protocols(["http/1.1"])
        self._dialler = Dialler(tls, resolve, loopback=settings.allow_loopback)
        self._closed = False

    @property
    def allow_loopback(self) -> bool:
        """Whether this machine may be called."""
        return self._settings.allow_loopback

    def get(self, url: str, *, accept: str) -> bytes:
        """The body of a 200 answer.

        Raises:
            OutboundError: there is none.
        """
        return self._call(url, "GET", {"Accept": accept}, b"", self._body)

    def look(self, url: str, *, accept: str) -> Page:
        """Any whole answer to a GET: a redirect too, which is not followed.

        Raises:
            OutboundError: there is none.
        """
        return self._call(url, "GET", {"Accept": accept}, b"", self._page)

    def certificate(self, url: str) -> bytes:
        """The certificate (DER) of the server at an https URL. No request is sent to it.

        Raises:
            OutboundError: no connection, or a certificate that is not good for the host's name.
        """
        target = parse_target(url)
        if not target.tls:
            raise OutboundError("url")
        deadline = Deadline(self._settings.timeout)
        with (
            _failures(),
            closing(self._dialler.dial(target, deadline)) as connection,
        ):
            shown = connection.getpeercert(True) if isinstance(connection, ssl.SSLSocket) else None
        if shown is None:
            raise OutboundError("tls")
        return shown

    def post(
        self, url: str, body: bytes, *, content_type: str, headers: Mapping[str, str] | None = None
    ) -> int:
        """The status of the answer, any but a redirect. Sent once; what is answered is not read.

        Raises:
            OutboundError: no answer, or one that would send us elsewhere.
        """
        sent = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
        return self._call(url, "POST", sent, body, lambda answer: answer.direct().status)

    def close(self) -> None:
        """Call nobody any more; calls under way end by their deadline."""
        self._closed = True

    def _body(self, answer: "Answer") -> bytes:
        if answer.direct().status != 200:
            raise OutboundError("status")
        return answer.read(self._settings.max_bytes)

    def _page(self, answer: "Answer") -> Page:
        return Page(answer.status, answer.headers, answer.read(self._settings.max_bytes))

    def _call(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        use: Callable[["Answer"], Result],
    ) -> Result:
        target, began = parse_target(url), time.monotonic()
        try:
            return self._exchange(target, _request(target, method, headers), body, use)
        except OutboundError:
            time.sleep(max(0.0, began + self._settings.floor - time.monotonic()))
            raise

    def _exchange(
        self, target: Target, request: h11.Request, body: bytes, use: Callable[["Answer"], Result]
    ) -> Result:
        if self._closed:
            raise OutboundError("closed")
        deadline = Deadline(self._settings.timeout)
        with _failures(), closing(self._dialler.dial(target, deadline)) as connection:
            wire = Wire(connection, deadline, self._settings.max_bytes + _OVERHEAD)
            return use(Answer(wire, request, body))


@contextmanager
def _failures() -> Iterator[None]:
    """Whatever fails within is an :class:`OutboundError`."""
    try:
        yield
    except TimeoutError:
        raise OutboundError("deadline") from None
    except ssl.SSLError as error:
        raise OutboundError("tls") from error
    except OSError as error:
        raise OutboundError("unreachable") from error
    except h11.ProtocolError as error:
        raise OutboundError("protocol") from error


class Answer:
    """The answer to one request: its status is read at once, its body when it is asked for."""

    def __init__(self, wire: Wire, request: h11.Request, body: bytes) -> None:
        self._wire = wire
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        sent = (request, h11.Data(data=body), h11.EndOfMessage())
        wire.send(b"".join(self._http.send(each) or b"" for each in sent))
        while not isinstance(head := self._next(), h11.Response):
            pass  # interim answers (RFC 9110 §15.2)
        self.status: int = head.status_code
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1").strip() for name, value in head.headers
        }
        encodings = [value for name, value in head.headers if name == b"content-encoding"]
        if any(value.strip().lower() != b"identity" for value in encodings):
            self.direct()
            raise OutboundError("encoded")  # we asked for none, and unpack nothing

    def direct(self) -> "Answer":
        """This answer, which does not send us elsewhere.

        Raises:
            OutboundError: ``redirect``.
        """
        if 300 <= self.status < 400:
            raise OutboundError("redirect")
        return self

    def read(self, most: int) -> bytes:
        """The whole body, of at most ``most`` bytes.

        Raises:
            OutboundError: ``too_large``.
        """
        body = bytearray()
        while not isinstance(event := self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                body += event.data
            if len(body) > most:
                raise OutboundError("too_large")
        return bytes(body)

    def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._wire.receive())
        if not isinstance(event, h11.Event) or isinstance(event, h11.ConnectionClosed):
            raise OutboundError("protocol")
        return event


def _request(target: Target, method: str, headers: Mapping[str, str]) -> h11.Request:
    plain = {
        "Host": target.authority,
        "User-Agent": "vn-eid-idp",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    try:
        return h11.Request(
            method=method, target=target.path, headers=[*plain.items(), *headers.items()]
        )
    except h11.LocalProtocolError as error:
        raise OutboundError("protocol") from error

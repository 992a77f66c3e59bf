"""HTTP as the protocol endpoints see it: two frozen values, parsed once.

An endpoint is a plain function ``(Request) -> Response``; Flask and the fast path both build the
request with :func:`from_environ` and send the response with :func:`send`, so both ways answer
alike. What is refused here (oversize, bad encoding, wrong content type) is refused everywhere.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from idp.core.strict_json import dumps, loads_object
from idp.serving.message import CERTIFICATE, HEADERS, MAX_BODY
from idp.web import forwarded
from idp.web.forwarded import NO_PROXIES, Trust

FORM = "application/x-www-form-urlencoded"
MAX_HEADERS = 64 * 1024
"""Names and values of all headers together."""
MAX_QUERY = 32 * 1024
MAX_FIELDS = 200


class HttpError(Exception):
    """A request that cannot even be read; ``status`` says why (400, 405, 413, 414, 415, 431)."""

    def __init__(self, status: int, detail: str, *, allow: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.allow = allow


class RepeatedParameter(Exception):
    """A parameter was sent more than once (RFC 6749 §3.1)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was sent more than once")
        self.name = name


class Params(Mapping[str, str]):
    """Request parameters. Reading one that was repeated raises :class:`RepeatedParameter`.

    An empty value counts as absent (RFC 6749 §3.1); :meth:`all` reads a parameter that may repeat.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            if value:
                self._values[name] = (*self._values.get(name, ()), value)

    def __getitem__(self, name: str) -> str:
        values = self._values[name]
        if len(values) > 1:
            raise RepeatedParameter(name)
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value sent under ``name``, in order."""
        return self._values.get(name, ())

    def repeated(self) -> tuple[str, ...]:
        """Names that were sent more than once."""
        return tuple(name for name, values in self._values.items() if len(values) > 1)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every name and value, to send on."""
        return tuple((name, value) for name, values in self._values.items() for value in values)


NO_PARAMS = Params()


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case; ``peer`` is the client's address as text.

    ``certificate`` is the client's (DER), whose key it showed that it holds.
    """

    method: str
    path: str
    query: Params = field(default_factory=Params)
    form: Params = field(default_factory=Params)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    peer: str = ""
    secure: bool = False
    certificate: bytes | None = None
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as one JSON object (RFC 8259): no repeated names, no NaN, shallow.

        Raises:
            HttpError: 415 for another content type, 400 for anything but one object.
        """
        if self.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HttpError(415, "the body must be application/json")
        try:
            return loads_object(self.body)
        except ValueError as error:
            raise HttpError(400, "the body is not a JSON object") from error


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. ``cookies`` are whole Set-Cookie values."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def with_headers(self, more: Mapping[str, str]) -> "Response":
        """The same with ``more`` headers, which may override."""
        return Response(self.status, self.body, {**self.headers, **more}, self.cookies)


Handler: TypeAlias = Callable[[Request], Response]


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer that no cache may keep; ``headers`` are added and may override."""
    standard = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(status, dumps(value), {**standard, **(headers or {})})


def redirect(location: str, cookies: tuple[str, ...] = ()) -> Response:
    """303 See Other: the next request is a GET, never 307 (RFC 9700 §4.12)."""
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(303, b"", headers, cookies)


def from_environ(environ: Mapping[str, Any], trust: Trust = NO_PROXIES) -> Request:
    """Read a WSGI environment (PEP 3333) once.

    Raises:
        HttpError: the request is oversize, encoded, or not readable as what it says it is.
    """
    headers = _headers(environ)
    if sum(map(len, headers)) + sum(map(len, headers.values())) > MAX_HEADERS:
        raise HttpError(431, "the headers are too large")
    peer = str(environ.get("REMOTE_ADDR", ""))
    secure = environ.get("wsgi.url_scheme") == "https"
    if trust.believes(peer):
        peer, secure = forwarded.client(headers, peer, secure, trust)
        certificate = _forwarded_certificate(headers)
    else:
        certificate = _certificate(environ)
    query: str = environ.get("QUERY_STRING", "")
    if len(query) > MAX_QUERY:
        raise HttpError(414, "the query is too long")
    body = _body(environ, headers)
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        query=_params(query),
        form=_params(_ascii(body)) if _is_form(headers) else NO_PARAMS,
        headers=headers,
        cookies=_cookies(headers.get("cookie", "")),
        peer=peer,
        secure=secure,
        certificate=certificate,
        body=body,
    )


def _headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    known: Mapping[str, str] | None = environ.get(HEADERS)
    if known is not None:
        return known
    headers = {
        key[5:].replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = str(environ["CONTENT_TYPE"])
    return headers


def _is_form(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "")
    return kind == FORM or kind.partition(";")[0].strip().lower() == FORM


def _body(environ: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    if "content-encoding" in headers and headers["content-encoding"].lower() != "identity":
        raise HttpError(415, "the body must not be encoded")
    if "transfer-encoding" in headers:
        return _chunked_body(environ, headers["transfer-encoding"])
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise HttpError(400, "bad Content-Length") from error
    if not 0 <= length <= MAX_BODY:
        raise HttpError(413, "the body is too large")
    if not length:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    if len(body) != length:
        raise HttpError(400, "the body ended early")
    return body


def _chunked_body(environ: Mapping[str, Any], coding: str) -> bytes:
    """A body of unknown length (RFC 9112 §7.1), where the server says that it marks its end."""
    if coding.strip().lower() != "chunked" or not environ.get("wsgi.input_terminated"):
        raise HttpError(400, "the body must have a Content-Length")
    body: bytes = environ["wsgi.input"].read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise HttpError(413, "the body is too large")
    return body


def _ascii(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise HttpError(400, "the form is not percent-encoded") from error


def _params(encoded: str) -> Params:
    if not encoded:
        return NO_PARAMS
    try:
        pairs = parse_qsl(
            encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise HttpError(400, "the parameters cannot be read") from error
    # A NUL can only come from an escape: most requests have nothing to look for.
    nul = "%00" in encoded or "\x00" in encoded
    if nul and any("\x00" in name or "\x00" in value for name, value in pairs):
        raise HttpError(400, "the parameters hold a NUL")
    return Params(pairs)


def _cookies(header: str) -> dict[str, str]:
    """Cookies by name. One that cannot be read is skipped, the others are not affected.

    Other applications on our domain set cookies that browsers send here too, in any bytes: one
    outside printable ASCII (RFC 6265 §4.1.1) is not the provider's. One that is sent twice is
    ignored (cookie tossing).
    """
    if not header:
        return {}
    found: dict[str, str] = {}
    twice: set[str] = set()
    for part in header.split(";"):
        name, separator, value = part.strip(" \t").partition("=")
        if not separator:
            continue
        if name in found:
            twice.add(name)
        found[name] = value
    return {
        name: value
        for name, value in found.items()
        if name not in twice and (name + value).isascii() and (name + value).isprintable()
    }


def _certificate(environ: Mapping[str, Any]) -> bytes | None:
    """The client's certificate, where our own server ended its TLS connection and asked for one."""
    certificate: bytes | None = environ.get(CERTIFICATE)
    return certificate


def _forwarded_certificate(headers: Mapping[str, str]) -> bytes | None:
    """The client's certificate in the proxy's ``Client-Cert`` header (RFC 9440 §2.2)."""
    text = headers.get("client-cert")
    if text is None:
        return None
    try:
        if len(text) < 3 or text[0] != ":" or text[-1] != ":":
            raise ValueError("not a byte sequence (RFC 8941 §3.3.5)")
        return b64decode(text[1:-1], validate=True)
    except ValueError as error:
        raise HttpError(400, "the client certificate cannot be read") from error


def unread(environ: Mapping[str, Any]) -> Request:
    """What is surely known of a request before it is read: enough to answer that it cannot be."""
    headers = _headers(environ)
    return Request(
        method=str(environ["REQUEST_METHOD"]),
        path=str(environ.get("PATH_INFO", "/")),
        headers=headers,
        cookies=_cookies(headers.get("cookie", "")),
    )


def send(response: Response, start_response: Callable[..., Any], *, method: str) -> list[bytes]:
    """Answer a WSGI call (PEP 3333). HEAD gets the length of the body without the body."""
    start_response(status_line(response), header_list(response))
    return [] if method == "HEAD" or not response.body else [response.body]


def status_line(response: Response) -> str:
    """The status as a WSGI server wants it: ``404 Not Found``."""
    return _status_line(response.status)


@cache
def _status_line(code: int) -> str:
    status = HTTPStatus(code)
    return f"{status.value} {status.phrase}"


def header_list(response: Response) -> list[tuple[str, str]]:
    """Every header to send, cookies last; a 204 or 304 has no length (RFC 9110 §8.6)."""
    headers = list(response.headers.items())
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(response.body))))
    return headers + [("Set-Cookie", each) for each in response.cookies]


def cookie_name(name: str, *, secure: bool) -> str:
    """How a cookie of ours is called: ``__Host-`` wherever Secure is (RFC 6265bis §4.1.3.2)."""
    return f"__Host-{name}" if secure else name


def own_cookie(request: Request, name: str, *, secure: bool) -> str:
    """The value of a cookie of ours, ``""`` where the browser sends none.

    Over https also by its name without ``eid_``, which releases before 0.2 used, so that a
    session survives the upgrade.
    """
    old = cookie_name(name.removeprefix("eid_"), secure=True) if secure else ""
    return request.cookies.get(cookie_name(name, secure=secure)) or request.cookies.get(old, "")


def cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    secure: bool = True,
    framed: bool = False,
) -> str:
    """A Set-Cookie value: HttpOnly, SameSite=Lax, Path=/, ``__Host-`` wherever Secure is.

    ``framed``: no secret, for scripts of ours in frames on others' pages (SameSite=None, which
    browsers take with Secure only).
    """
    kind = ["HttpOnly", "SameSite=Lax"]
    if framed:
        kind = ["SameSite=None" if secure else "SameSite=Lax"]
    parts = [f"{cookie_name(name, secure=secure)}={value}", "Path=/", *kind]
    if secure:
        parts.append("Secure")
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    return "; ".join(parts)

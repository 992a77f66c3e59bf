"""The recorder: keeps each exchange at the edge of the endpoints that relying parties use.

It wraps their routes when the application is built, in a sandbox only; see :func:`recorded`.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from idp.audit.events import LoginRefused
from idp.core.errors import Unavailable
from idp.login.errors import Notice
from idp.oidc.authorization.walk import RESUME
from idp.oidc.client_auth.dispatch import read_credentials
from idp.oidc.errors import OAuthError
from idp.oidc.services import Services
from idp.sandbox import exchange
from idp.sandbox.backlog import Backlog
from idp.sandbox.checks import failed_check, outcome
from idp.sandbox.exchange import NOBODY, Exchange
from idp.sandbox.observation import Observation, Observing
from idp.sandbox.redaction import decoded, redact
from idp.standing.check import Ended
from idp.web.edge import Route
from idp.web.http import HttpError, RepeatedParameter, Request, Response

ALWAYS = (
    "/authorize",
    "/par",
    "/token",
    "/userinfo",
    "/introspect",
    "/revoke",
    "/logout",
    "/register",
    "/register/<client_id>",
    "/device_authorization",
    "/bc-authorize",
)
STEPS = (
    RESUME,
    "/login/<t>",
    "/login/<t>/continue",
    "/login/<t>/otp",
    "/login/<t>/passcode",
    "/login/<t>/card",
    "/login/<t>/card/return",
    "/consent/<t>",
)
"""Steps of a login: recorded where they answer the relying party. Nothing that the citizen sent
there is kept."""
ANSWERING = "idp.oidc.authorization.walk.resume"
"""What a refusal came through that ends a login, not only a step of it."""
CLAIMS_ONLY = ("/userinfo", "/introspect")
PAUSE = 1.0
"""Seconds between two looks at what waits."""
MOST_WAITING = 500
"""Exchanges of clients that may wait in a process."""
MOST_STRANGE = 100
"""Those that may wait while nobody knows whose they are."""
REFUSALS = (OAuthError, HttpError, RepeatedParameter, Notice, Unavailable)


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One request and its answer as they were, until they are worked on.

    ``at`` is when it came, ``order`` a number that is higher for what came later.
    """

    at: int
    order: int
    endpoint: str
    request: Request
    response: Response
    seen: Observation


class Recorder:
    """Keeps exchanges of one provider; one thread, from :meth:`start` to :meth:`close`.

    A request only leaves what it has in memory. The thread works on it every second: of each client
    on the newest 50 alone, so that a load test costs the provider next to nothing.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._known = Backlog[RecordedExchange](MOST_WAITING)
        self._strange = Backlog[RecordedExchange](MOST_STRANGE)
        self._working = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to keep what is remembered."""
        self._thread.start()

    def close(self) -> None:
        """Keep what still waits, and stop."""
        self._stopping.set()
        self._thread.join()
        self.flush()

    def remember(self, known: RecordedExchange) -> None:
        """Leave one exchange to the thread."""
        with suppress(Unavailable):
            for client_id in self._named(known):
                if client_id and self.services.clients.get(client_id):
                    self._known.add(client_id, known)
                    return
        # By the token that it was sent with: its client is looked up later.
        self._strange.add(known.request.headers.get("authorization", ""), known)

    def flush(self) -> None:
        """Keep what waits now. A store that is away loses it: an answer never waits for this."""
        with self._working, suppress(Unavailable):
            waiting = [*self._known.take(), *self._strange.take()]
            waiting.sort(key=lambda each: each.order)
            exchange.keep(self.services.transient, *self._worked(waiting))

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE):
            self.flush()

    def _worked(self, waiting: Iterable[RecordedExchange]) -> Iterator[tuple[str, Exchange]]:
        """Those that can be told; what a stranger sent must not end the thread."""
        for each in waiting:
            with suppress(ValueError, TypeError, LookupError, RecursionError):
                yield self._exchange(each)

    def _exchange(self, known: RecordedExchange) -> tuple[str, Exchange]:
        """Whose it is, and what is kept of it."""
        request, response, seen = known.request, known.response, known.seen
        answer = _answer(known.endpoint, response)
        sent = redact(_sent(request) if known.endpoint in ALWAYS else ())
        given = redact(answer, open_to_all=known.endpoint in CLAIMS_ONLY)
        error = _error(answer, given.tokens, seen)
        shown = "/authorize" if known.endpoint in STEPS else known.endpoint
        failed = failed_check(shown, seen.calls)
        kept = Exchange(
            at=known.at,
            endpoint=shown,
            method=request.method,
            authentication=_authentication(request),
            parameters=sent.parameters,
            status=response.status,
            answer=given.parameters,
            tokens=(*sent.tokens, *given.tokens),
            checks=outcome(shown, failed, refused=bool(error)),
            error=error,
            reason=_reason(seen),
            forced=seen.forced,
            events=tuple(type(each).__name__ for each in seen.events),
        )
        return self._client(request, seen, answer), kept

    def _client(
        self, request: Request, seen: Observation, answer: Iterable[tuple[str, Any]]
    ) -> str:
        """The client whose exchange it is; :data:`NOBODY` when it names none we know."""
        named = [each.client_id for each in seen.events]
        if request.path == "/register":
            named.append(str(dict(answer).get("client_id", "")))
        for client_id in (*named, *self._owners(request)):
            if client_id and self.services.clients.get(client_id):
                return client_id
        return NOBODY

    def _named(self, known: RecordedExchange) -> Iterable[str]:
        """Whose it may be, as far as no token has to be looked up; the easiest to read first."""
        for each in known.seen.events:
            yield each.client_id
        yield from _claimed(known.request)

    def _owners(self, request: Request) -> Iterable[str]:
        yield from _claimed(request)
        for hint in (*request.query.all("id_token_hint"), *request.form.all("id_token_hint")):
            audience = ((decoded(hint) or {}).get("claims") or {}).get("aud")
            yield from [audience] if isinstance(audience, str) else ()
        _, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            yield self.services.presented.client_of(token or request.form.get("access_token", ""))
        except (Ended, RepeatedParameter):
            return


def _claimed(request: Request) -> Iterable[str]:
    yield from (*request.query.all("client_id"), *request.form.all("client_id"))
    if request.path.startswith("/register/"):
        yield request.path.removeprefix("/register/")
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    if scheme not in ("", "basic"):
        return  # a token: no credentials of a client
    with suppress(OAuthError, RepeatedParameter):
        yield read_credentials(request).client_id


def recorded(recorder: Recorder, endpoint: str, route: Route) -> Route:
    """``route``, each of whose exchanges is kept."""

    def handler(request: Request, **path: str) -> Response:
        came = recorder.services.clock(), time.monotonic_ns()
        with Observing() as seen:
            try:
                response = route.handler(request, **path)
            except REFUSALS as error:
                seen.failed(error)
                if endpoint in (*ALWAYS, RESUME) or ANSWERING in seen.calls:
                    recorder.remember(
                        RecordedExchange(*came, endpoint, request, _refusal(error), seen)
                    )
                raise
        if endpoint in ALWAYS or _leaves(response):
            recorder.remember(RecordedExchange(*came, endpoint, request, response, seen))
        return response

    return replace(route, handler=handler)


def record(recorder: Recorder, routes: Mapping[str, Route]) -> dict[str, Route]:
    """``routes``, those of relying parties recorded."""
    watched = {*ALWAYS, *STEPS}
    return {
        path: recorded(recorder, path, route) if path in watched else route
        for path, route in routes.items()
    }


def _sent(request: Request) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [*request.query.pairs(), *request.form.pairs()]
    if request.headers.get("content-type", "").startswith("application/json"):
        pairs += _members(request.body)
    proof = request.headers.get("dpop")
    return [*pairs, *([("dpop", proof)] if proof else [])]


def _answer(endpoint: str, response: Response) -> list[tuple[str, Any]]:
    """The members of an answer, wherever they travel; the destination first."""
    location = response.headers.get("Location", "")
    if location:
        parts = urlsplit(location)
        where = (
            [("redirect_uri", f"{parts.scheme}://{parts.netloc}{parts.path}")]
            if parts.netloc
            else []
        )
        return [*where, *parse_qsl(parts.query), *parse_qsl(parts.fragment)]
    if endpoint not in CLAIMS_ONLY and b"form_post.js" in response.body:
        return _Hidden.members(response.body.decode())
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind == "application/json":
        return _members(response.body)
    if kind.endswith("jwt") and response.body:
        return [
            ("userinfo" if endpoint == "/userinfo" else "introspection", response.body.decode())
        ]
    return []


def _members(body: bytes) -> list[tuple[str, Any]]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(found.items()) if isinstance(found, dict) else []


class _Hidden(HTMLParser):
    """The hidden fields of a page that sends itself (OAuth 2.0 Form Post Response Mode §2)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Any]] = []

    @classmethod
    def members(cls, page: str) -> list[tuple[str, Any]]:
        """Their names and values."""
        parser = cls()
        parser.feed(page)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type") == "hidden":
            self.found.append((given.get("name", ""), given.get("value", "")))


def _error(
    answer: Iterable[tuple[str, Any]], tokens: Iterable[Mapping[str, Any]], seen: Observation
) -> str:
    """The error of an answer, in its members or signed (JARM); encrypted, what was audited."""
    signed = [each["claims"] or {} for each in tokens if each["name"] == "response"]
    for members in (dict(answer), *signed):
        if "error" in members:
            return str(members["error"])
    refused = any(isinstance(event, LoginRefused) for event in seen.events)
    return _reason(seen) if refused else ""


def _authentication(request: Request) -> str:
    """How the client showed who it is; never what it showed."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    if scheme:
        known = {"basic": "client_secret_basic", "bearer": "Bearer", "dpop": "DPoP"}
        return known.get(scheme.lower(), "Authorization")
    for name, method in (
        ("client_assertion", "private_key_jwt"),
        ("client_secret", "client_secret_post"),
    ):
        if name in request.form:
            return method
    return "TLS certificate" if request.certificate else "none"


def _refusal(error: Exception) -> Response:
    """What is kept of a refusal that a page tells."""
    status, code, description = 400, "invalid_request", str(error)
    match error:
        case OAuthError():
            status, code, description = error.status, error.error, error.description
        case HttpError():
            status, description = error.status, error.detail
        case Notice():
            status, code, description = error.status, error.kind, ""
        case Unavailable():
            status, code, description = 503, "temporarily_unavailable", ""
    members = {"error": code, **({"error_description": description} if description else {})}
    body = json.dumps(members).encode()
    return Response(status, body, {"Content-Type": "application/json"})


def _leaves(response: Response) -> bool:
    """Whether an answer goes to the relying party: not to a page of our own."""
    location = response.headers.get("Location", "")
    return not location.startswith("/") if location else b"form_post.js" in response.body


def _reason(seen: Observation) -> str:
    """The last reason that an event gives."""
    found = [str(each) for event in seen.events if (each := getattr(event, "reason", ""))]
    return found[-1] if found else ""

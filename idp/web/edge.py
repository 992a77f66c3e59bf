"""The edge of the process: how a request gets to its endpoint and the answer out.

Flask (:mod:`idp.web.adapter`) and :mod:`idp.web.front` both answer through :meth:`Edge.answer`, so
that methods, refusals, failures and headers are the same on both ways.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from idp.web.errors import Failures, Translate
from idp.web.forwarded import Trust
from idp.web.http import HttpError, Request, Response, from_environ, unread
from idp.web.security import protect


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: its function, its methods, and how its failures are answered.

    ``handler`` takes the request and the variable parts of the path by name. GET brings HEAD with
    it. ``html``: a person reads the answer; ``translate`` answers what the endpoint itself raises;
    ``light``: it asks no store, so that it is answered while others wait for one.
    """

    handler: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    html: bool = False
    translate: Translate | None = None
    light: bool = False

    @property
    def allow(self) -> str:
        """The Allow header (RFC 9110 §10.2.1)."""
        return ", ".join(sorted({*self.methods, "OPTIONS", *(("HEAD",) * ("GET" in self.methods))}))


@dataclass(frozen=True, slots=True)
class Edge:
    """What every endpoint shares: the operator's proxies, and the answers to failures."""

    failures: Failures
    trust: Trust

    def answer(
        self, route: Route, environ: Mapping[str, Any], path: Mapping[str, str] | None = None
    ) -> Response:
        """The answer of ``route`` to a WSGI call; ``path`` holds its variable parts."""

        def work() -> Response:
            request = from_environ(environ, self.trust)
            refusal = _other_method(route, request)
            return refusal or route.handler(request, **(path or {}))

        known = partial(unread, environ)
        answered = self.failures.attempt(known, work, html=route.html, translate=route.translate)
        return protect(answered, secure=self.failures.pages.site.secure)

    def fail(self, environ: Mapping[str, Any], error: Exception) -> Response:
        """The answer to a call that found no endpoint, as a page where a page is wanted."""
        known = unread(environ)

        def work() -> Response:
            raise error

        html = "text/html" in known.headers.get("accept", "")
        answered = self.failures.attempt(lambda: known, work, html=html)
        return protect(answered, secure=self.failures.pages.site.secure)


def _other_method(route: Route, request: Request) -> Response | None:
    """What is answered to a method the endpoint does not have, None when it has it.

    Raises:
        HttpError: 405.
    """
    if request.method in route.methods:
        return None
    if request.method == "HEAD" and "GET" in route.methods:
        return None
    if request.method == "OPTIONS":
        return Response(204, b"", {"Allow": route.allow})
    raise HttpError(405, "no such method here", allow=route.allow)

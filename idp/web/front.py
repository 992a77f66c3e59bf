"""The front of a process: every request to its route, answered, counted and logged.

What no rule fits goes to Flask, whose answer is the same 404 as on its own. The answers of both
ways are alike, byte for byte.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from idp.serving.answer import Answer
from idp.web import access
from idp.web.access import OTHER
from idp.web.edge import Edge, Route
from idp.web.http import Response, header_list, status_line
from idp.web.routing import Router
from idp.web.security import protect

StartResponse: TypeAlias = Callable[..., Any]
WSGIApp: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
RETRY_SECONDS = 2
_REFUSED_WITH: dict[int, dict[str, str]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_SECONDS)},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET, HEAD, POST"},
}


class Front:
    """``routes`` by URL rule; ``behind`` is the Flask application for everything else."""

    def __init__(self, edge: Edge, routes: Mapping[str, Route], behind: WSGIApp) -> None:
        self._edge = edge
        self._router = Router(routes)
        self._behind = behind

    def answer(self, environ: dict[str, Any]) -> Answer:
        """The answer to a request (PEP 3333's environment)."""
        began = time.perf_counter()
        found = None if environ.get("SCRIPT_NAME") else self._router.find(environ["PATH_INFO"])
        method: str = environ["REQUEST_METHOD"]
        if found is None:
            rule, answer = OTHER, _ask(self._behind, environ)
        else:
            rule = found.rule
            response = self._edge.answer(found.route, environ, found.variables)
            body = b"" if method == "HEAD" else response.body
            answer = Answer(status_line(response), header_list(response), body)
        access.record(rule, method, int(answer.status[:3]), time.perf_counter() - began)
        return answer

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        """The same as a WSGI application, for any server."""
        answer = self.answer(environ)
        start_response(answer.status, answer.headers)
        return [answer.body] if answer.body else []

    def is_light(self, path: str) -> bool:
        """Whether the route of ``path`` asks no store."""
        found = self._router.find(path)
        return found is not None and found.route.light


def refuse(status: int, secure: bool) -> Answer:
    """The answer to what never reaches an endpoint. It is counted and logged like the others."""
    response = protect(Response(status, b"", _REFUSED_WITH.get(status, {})), secure=secure)
    access.record(OTHER, OTHER, status, 0.0)
    return Answer(status_line(response), header_list(response), b"")


def _ask(behind: WSGIApp, environ: dict[str, Any]) -> Answer:
    status, headers = "", list[tuple[str, str]]()

    def start_response(line: str, given: list[tuple[str, str]], _: Any = None) -> None:
        nonlocal status, headers
        status, headers = line, given

    content = behind(environ, start_response)
    try:
        return Answer(status, headers, b"".join(content))
    finally:
        close = getattr(content, "close", None)
        if close is not None:
            close()

"""The fast path: hot endpoints are answered before Flask is asked.

Only exact paths are known here; anything else, a prefix in SCRIPT_NAME included, goes to the
application behind. The answers are those of Flask, byte for byte.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from idp.web.edge import Edge, Route
from idp.web.http import send

StartResponse: TypeAlias = Callable[..., Any]
WSGIApp: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class FastPath:
    """WSGI middleware: ``routes`` by exact path, everything else to ``app``."""

    def __init__(self, app: WSGIApp, routes: Mapping[str, Route], edge: Edge) -> None:
        self._app = app
        self._routes = dict(routes)
        self._edge = edge

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        route = self._routes.get(environ["PATH_INFO"])
        if route is None or environ.get("SCRIPT_NAME"):
            return self._app(environ, start_response)
        response = self._edge.answer(route, environ)
        return send(response, start_response, method=environ["REQUEST_METHOD"])

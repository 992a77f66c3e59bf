"""Endpoints on Flask: a ``(Request) -> Response`` function becomes a view."""

from collections.abc import Callable
from typing import Any

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from idp.web.edge import Edge, Route
from idp.web.http import HttpError, Response, header_list, status_line


class _AnyMethod(Rule):
    """A URL rule for every method: which ones there are is the endpoint's own affair."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "methods": None})


class _Bare(flask.Response):
    """An answer with the headers it was given and no others."""

    default_mimetype = None
    automatically_set_content_length = False
    autocorrect_location_header = False


def create_app(edge: Edge) -> flask.Flask:
    """A Flask application without endpoints; ``edge`` answers its failures."""
    app = flask.Flask("idp", static_folder=None)
    app.url_rule_class = _AnyMethod
    app.url_map.merge_slashes = False  # "//token" is not "/token"

    @app.errorhandler(Exception)
    def failed(error: Exception) -> flask.Response:
        if isinstance(error, HTTPException):
            error = HttpError(404, "no such page")
        return to_flask(edge.fail(flask.request.environ, error))

    return app


def mount(scaffold: flask.Flask | flask.Blueprint, path: str, route: Route, edge: Edge) -> None:
    """Serve ``route`` at a URL rule (``/login/<t>/otp``); its variable parts go by name."""
    scaffold.add_url_rule(
        path,
        endpoint=path.strip("/").replace("/", "-").replace(".", "_") or "root",
        view_func=_view(route, edge),
        provide_automatic_options=False,
    )


def _view(route: Route, edge: Edge) -> Callable[..., flask.Response]:
    def view(**path: str) -> flask.Response:
        environ = flask.request.environ
        if environ["PATH_INFO"].startswith("//"):  # Werkzeug takes it for "/", other filters do not
            return to_flask(edge.fail(environ, HttpError(404, "no such page")))
        return to_flask(edge.answer(route, environ, path))

    return view


def to_flask(response: Response) -> flask.Response:
    """The same answer as a Flask response."""
    return _Bare(response.body, status_line(response), header_list(response))

"""The sandbox for programs: force a client's next result, read its exchanges.

A client authenticates as it does at the token endpoint, so that none disturbs another. Who sends
its credentials in a form reads the exchanges by POST.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from idp.oidc.client_auth.dispatch import read_credentials
from idp.oidc.errors import answering, invalid_client, invalid_request
from idp.oidc.openapi import CLIENT_AUTHENTICATION
from idp.sandbox import forced
from idp.sandbox.forced import RESULTS, InvalidForced
from idp.sandbox.tools import Tools
from idp.web.edge import Route
from idp.web.http import FORM, Params, Request, Response, json_response
from idp.web.openapi import (
    ANY_TEXT,
    SECONDS,
    TEXT,
    Paths,
    a_list,
    an_object,
    answer,
    one_of,
    operation,
    parameter,
)

ROOT = "/sandbox/api"
BASE = f"{ROOT}/clients/<path:client_id>"
NEXT, EXCHANGES = f"{BASE}/next", f"{BASE}/exchanges"
OWN_NEXT, OWN_EXCHANGES = f"{ROOT}/next", f"{ROOT}/exchanges"
"""For the client that authenticates: an id such as ``../a`` cannot stand in a path."""

Answer = Callable[[Tools, Request, str], Response]


def next_login(tools: Tools, request: Request, client_id: str) -> Response:
    """What the client's next login ends in: POST sets it, GET reads it, DELETE forgets it.

    Raises:
        OAuthError: ``invalid_request``, it cannot be forced.
        HttpError: 400 or 415, the body is neither a form nor a JSON object.
    """
    if request.method == "DELETE":
        tools.clear(client_id)
        return Response(204)
    if request.method == "POST":
        try:
            tools.force(client_id, forced.parse(_members(request)))
        except InvalidForced as error:
            raise invalid_request(str(error)) from error
    return json_response({"pending": [each.dump() for each in tools.pending(client_id)]})


def exchanges(tools: Tools, request: Request, client_id: str) -> Response:
    """The client's last exchanges, the newest first; DELETE forgets them."""
    if request.method == "DELETE":
        tools.forget(client_id)
        return Response(204)
    return json_response({"exchanges": [each.dump() for each in tools.exchanges(client_id)]})


def _members(request: Request) -> Mapping[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.form if kind == FORM else request.json()


def _own(tools: Tools, work: Answer, client_id: str, request: Request) -> Response:
    """Answer the client itself and nobody else; without ``client_id``, the one that authenticates.

    Raises:
        OAuthError: ``invalid_client``.
    """
    client_id = client_id or request.query.get("client_id") or read_credentials(request).client_id
    named = Params((*request.form.pairs(), ("client_id", client_id)))
    if "client_id" not in request.form:
        request = replace(request, form=named)
    if read_credentials(request).client_id != client_id:
        raise invalid_client("other_client")
    tools.services.client_authentication.authenticate(request)
    return work(tools, request, client_id)


def _route(tools: Tools, work: Answer, methods: tuple[str, ...]) -> Route:
    def handler(request: Request, client_id: str = "") -> Response:
        return answering(partial(_own, tools, work, client_id))(request)

    return Route(handler, methods)


def routes(tools: Tools) -> dict[str, Route]:
    """The endpoints."""
    methods = ("GET", "POST", "DELETE")
    return {
        NEXT: _route(tools, next_login, methods),
        EXCHANGES: _route(tools, exchanges, methods),
        OWN_NEXT: _route(tools, next_login, methods),
        OWN_EXCHANGES: _route(tools, exchanges, methods),
    }


_FORCED = an_object(
    {
        "result": one_of(RESULTS),
        "citizen": ANY_TEXT,
        "claim": ANY_TEXT,
        "seconds": {"type": "integer", "minimum": 1, "maximum": forced.MAX_SECONDS},
    },
    ("result",),
)
_PENDING = answer("What waits", an_object({"pending": a_list(_FORCED)}, ("pending",)))
_PAIRS = a_list(a_list(ANY_TEXT, minItems=2, maxItems=2))
_EXCHANGE = an_object(
    {
        "at": SECONDS,
        "number": SECONDS,
        "endpoint": TEXT,
        "method": TEXT,
        "authentication": TEXT,
        "parameters": _PAIRS,
        "status": SECONDS,
        "answer": _PAIRS,
        "tokens": a_list({"type": "object"}),
        "checks": _PAIRS,
        "error": ANY_TEXT,
        "reason": ANY_TEXT,
        "forced": ANY_TEXT,
        "events": a_list(TEXT),
    },
    ("at", "endpoint", "parameters", "status", "answer"),
)
_KEPT = answer("The exchanges", an_object({"exchanges": a_list(_EXCHANGE)}, ("exchanges",)))
_WHOSE = (parameter("client_id", "path", TEXT),)
_GONE = {"204": {"description": "Forgotten"}}
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": _FORCED}, FORM: {"schema": _FORCED}},
}


def _operation(
    summary: str, answers: Mapping[str, Any], body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return operation(summary, answers, body=body, security=CLIENT_AUTHENTICATION)


def _described(path: str) -> str:
    return path.replace("<path:", "{").replace(">", "}")


_ON_NEXT = {
    "get": _operation("What the next login ends in; in the sandbox only", {"200": _PENDING}),
    "post": _operation(
        "Force what the next login ends in; in the sandbox only", {"200": _PENDING}, _BODY
    ),
    "delete": _operation("Forget what was forced; in the sandbox only", _GONE),
}
_ON_EXCHANGES = {
    "get": _operation("The last exchanges; in the sandbox only", {"200": _KEPT}),
    "post": _operation(
        "The last exchanges, for credentials in a form; in the sandbox only", {"200": _KEPT}
    ),
    "delete": _operation("Forget the exchanges; in the sandbox only", _GONE),
}
_WHOSE_OWN = (parameter("client_id", "query", TEXT),)

PATHS: Paths = {
    _described(NEXT): {"parameters": list(_WHOSE), **_ON_NEXT},
    _described(EXCHANGES): {"parameters": list(_WHOSE), **_ON_EXCHANGES},
    OWN_NEXT: {"parameters": list(_WHOSE_OWN), **_ON_NEXT},
    OWN_EXCHANGES: {"parameters": list(_WHOSE_OWN), **_ON_EXCHANGES},
}

"""Pushed authorization requests: RFC 9126. Checked when pushed, kept, and asked by reference.

A reference may be opened again, by a reload or the citizen's second try, until a login begun with
it was answered; from then on it is nobody's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from idp.audit.events import PushRefused
from idp.core.handles import Handle
from idp.login.throttle import Limit
from idp.oidc.authorization import id_token_hint, pkce, request_object
from idp.oidc.authorization.destination import MAX_STATE, NoDestination, find
from idp.oidc.authorization.request import MAX_LENGTHS, parse
from idp.oidc.authorization.request_object import Unfolded
from idp.oidc.client_auth.form import counted_as, require_form
from idp.oidc.clients.cors import cross_origin
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, answering, invalid_request, too_many
from idp.oidc.openapi import CLIENT_AUTHENTICATION, POSSIBLY, REPEATED, form, taking_proofs
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.sender_constraint import offering_nonces
from idp.storage.transient import Add, Delete, Operation, Put
from idp.web.edge import Route
from idp.web.http import HttpError, Params, Request, Response, json_response
from idp.web.openapi import TEXT, Paths, an_object, answer, one_of, operation

PREFIX = "urn:ietf:params:oauth:request_uri:"
KIND = "par"
USED = "par-used"
PUSHES = Limit("pushed-requests", 3_000, 60)
"""Of one client in a minute; of a public one, whose name anybody may use, from one source."""
MAX_KEPT = 20 * 1024
"""Characters of one request: with :data:`PUSHES` the most that a client can fill the store with."""
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push(services: Services, request: Request) -> Response:
    """Check an authorization request, keep it, and answer 201 with a reference to it.

    Raises:
        OAuthError: it is refused, in the words it would be refused with at /authorize.
        HttpError: 413, the request is too large to be kept.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    with _recorded(services, client, request):
        pushed = _pushed(services, client, request)
        params = pushed.params
        destination = find(params, services.clients.get)
        asked = parse(params, destination, partial(id_token_hint.subject_of, services))
        jkt = services.sender_constraint.read_pushed(request, client, asked.dpop_jkt)
        request_object.use_up(services, pushed.use)
        return _keep(services, request, client, _bound(params, jkt))


def read(services: Services, client: Client, request_uri: str) -> tuple[str, Params]:
    """Where a pushed request is kept, and its parameters; nothing is used up.

    Raises:
        NoDestination: it is not known, has expired, was used, or is another client's: all alike.
    """
    handle = Handle.parse(request_uri.removeprefix(PREFIX))
    kept = services.transient.get(handle.key(KIND)) if handle else None
    if handle is None or kept is None or kept["client_id"] != client.client_id:
        reason = "foreign_request_uri" if kept else "unknown_request_uri"
        raise NoDestination(
            "invalid_request_uri",
            "request_uri is not valid",
            reason=reason,
            client_id=client.client_id,
        )
    return handle.key(KIND), Params((name, value) for name, value in kept["pairs"])


def use_up(services: Services, key: str) -> tuple[Operation, ...]:
    """What must be done with the answer to a request kept at ``key``; none if it was not kept.

    The first operation answers False when it was answered before: by another login that was begun
    with the same reference and came to its end first.
    """
    if not key:
        return ()
    used = USED + key.removeprefix(KIND)
    ttl = services.desk.settings.transaction_ttl + services.settings.pushed_ttl
    return Add(used, {}, ttl), Delete(key)


def _pushed(services: Services, client: Client, request: Request) -> Unfolded:
    if "request_uri" in request.form:  # RFC 9126 §2.1
        raise invalid_request("request_uri cannot be pushed")
    sent = ((name, value) for name, value in request.form.pairs() if name not in _CREDENTIALS)
    if "request" in request.form:  # RFC 9126 §3
        text = request.form["request"]
        return request_object.unfold(services, client, Params(sent), text, alone=True)
    if request_object.must_sign(client):
        raise invalid_request("this client's requests must be signed")
    named = () if "client_id" in request.form else (("client_id", client.client_id),)
    return Unfolded(Params((*sent, *named)), None)


def _bound(params: Params, jkt: str) -> Params:
    """The request, its code bound to a key as if ``dpop_jkt`` had said so (RFC 9449 §10.1)."""
    others = (pair for pair in params.pairs() if pair[0] != "dpop_jkt")
    return Params((*others, ("dpop_jkt", jkt)))


def _keep(services: Services, request: Request, client: Client, params: Params) -> Response:
    pairs, handle = params.pairs(), Handle.new()
    if sum(len(name) + len(value) for name, value in pairs) > MAX_KEPT:
        raise HttpError(413, "the request is too large")
    record, ttl = {"client_id": client.client_id, "pairs": pairs}, services.settings.pushed_ttl
    who = counted_as(client, request)
    count, _ = services.transient.run(PUSHES.hit(who), Put(handle.key(KIND), record, ttl))
    if PUSHES.exceeded(count):
        services.transient.delete(handle.key(KIND))  # what is refused takes no room
        raise too_many(PUSHES, "too many pushed requests")
    return json_response({"request_uri": f"{PREFIX}{handle}", "expires_in": ttl}, 201)


@contextmanager
def _recorded(services: Services, client: Client, request: Request) -> Iterator[None]:
    """Refusals within go to the audit log. There is nowhere to redirect to (RFC 9126 §2.3)."""
    try:
        yield
    except OAuthError as error:
        refusal = error
        if isinstance(error, NoDestination):
            refusal = invalid_request(error.description, reason=error.reason, seen=error.seen)
        event = PushRefused(client_id=client.client_id, error=refusal.error, **refusal.recorded())
        services.audit.write(event, peer=request.peer)
        raise refusal from error


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "pushed_authorization_request_endpoint": settings.url("/par"),
        "require_pushed_authorization_requests": False,
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = offering_nonces(
        services.sender_constraint, answering(partial(push, services), candid=services.candid)
    )
    shared = cross_origin(handler, services.clients.browser_origins, ("POST",))
    return (Endpoint("/par", Route(shared, ("POST", "OPTIONS"))),)


_PUSHED = an_object(
    {"request_uri": TEXT, "expires_in": {"type": "integer", "minimum": 1}},
    ("request_uri", "expires_in"),
)


def _at_most(length: int) -> Mapping[str, Any]:
    """A member that is not longer; in words where no generator should have to try."""
    if length <= 200:
        return {**POSSIBLY, "maxLength": length}
    return {**POSSIBLY, "description": f"at most {length} characters"}


_READ: Mapping[str, Any] = {
    **{name: _at_most(length) for name, length in MAX_LENGTHS.items()},
    "redirect_uri": TEXT,
    "scope": TEXT,
    "state": _at_most(MAX_STATE),
    "code_challenge_method": one_of((pkce.METHOD, "")),
    "resource": REPEATED,
    "request": TEXT,
}
_PATHS: Paths = {
    "/par": {
        "post": taking_proofs(
            operation(
                "Push an authorization request (RFC 9126)",
                {"201": answer("Where it is kept", _PUSHED)},
                body=form(
                    _READ,
                    description="Either request (RFC 9101), which holds all members; or what an"
                    " authorization request is made of: response_type, redirect_uri, scope, ….",
                ),
                security=CLIENT_AUTHENTICATION,
            )
        )
    }
}
PART = Part(_metadata, _endpoints, _PATHS)

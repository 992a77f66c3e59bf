"""The refresh_token grant: RFC 6749 §6, OIDC Core §12, RFC 9700 §4.14.

A used token that comes again is one of three things. While its successor is unused it is, at
first, the loser of two requests at once (refused, nothing else) and a little later a client that
lost the answer (given the same successor). Anything else is a stolen token: the family ends. Who
stole the token may be given the successor too, so that profiles and clients may do without.
"""

from dataclasses import replace

from idp.audit.events import RefreshRepeated
from idp.core.handles import Handle
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_grant, invalid_request, invalid_scope
from idp.oidc.grants.replay import replayed
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.issue import Redemption
from idp.oidc.tokens.refresh_token import KIND, USED, keep, mark_used, successor
from idp.oidc.tokens.resource import narrowed
from idp.oidc.tokens.sender_constraint import Binding
from idp.oidc.vocabulary import known_scope
from idp.storage.transient import Get, Take, Value
from idp.web.http import Params, Request

GRANT_TYPE = "refresh_token"


def redeem(services: Services, client: Client, request: Request, binding: Binding) -> Redemption:
    """The use of the refresh token, once, and its successor in its place.

    Where the client's profile wants no rotation (FAPI 2.0 §5.3.2.1), the token stays what it is.

    Raises:
        OAuthError: ``invalid_request``, ``invalid_scope``, ``invalid_target``, ``invalid_grant``.
    """
    handle = _handle(request.form)
    live, used = Get(handle.key(KIND), Authorization), Get[Value](handle.key(USED))
    services.transient.run(live, used)
    following = successor(services.pepper, handle)
    if used.value is not None:
        authorization = _again(services, client, request, used.value, following)
        _check_key(authorization, client, binding)
        redemption = _redemption(authorization, request.form, following)
        _record(services, authorization, request)
        return redemption
    authorization = _owned(live.value, client)
    _check_key(authorization, client, binding)
    if not client.profile.refresh_rotation:
        return _redemption(authorization, request.form, None)
    now = services.clock()
    puts = (
        mark_used(handle, authorization, now=now),
        keep(following, authorization, now=now),
    )
    use = Take(handle.key(KIND), client.client_id, put=puts, kind=Authorization)
    return replace(_redemption(authorization, request.form, following), use=use)


def _handle(form: Params) -> Handle:
    if "refresh_token" not in form:
        raise invalid_request("refresh_token is missing")
    handle = Handle.parse(form["refresh_token"])
    if handle is None:
        raise invalid_grant("malformed_refresh_token")
    return handle


def _owned(authorization: Authorization | None, client: Client) -> Authorization:
    if authorization is None:
        raise invalid_grant("unknown_refresh_token")
    if authorization.client_id != client.client_id:
        raise invalid_grant("foreign_refresh_token")
    return authorization


def _again(
    services: Services,
    client: Client,
    request: Request,
    used: Value,
    following: Handle,
) -> Authorization:
    """The authorization of a token used before, if its answer may only have been lost."""
    if used["client_id"] != client.client_id:
        raise invalid_grant("foreign_refresh_token")
    age = services.clock() - used["used_at"]
    racing = age < services.settings.retry_after
    live = Get(following.key(KIND), Authorization)
    services.transient.run(live)
    if live.value is None or not (racing or age < _repeat_seconds(services, client)):
        raise replayed(services, client, request, flow=following.flow, what=KIND)
    if racing:
        raise invalid_grant("refresh_token_race")
    return _owned(live.value, client)


def _repeat_seconds(services: Services, client: Client) -> int:
    """How long after its use a token's answer is given again."""
    usual = services.settings.retry_until if client.profile.refresh_repeat else 0
    asked = client.refresh_token_repeat_seconds
    return usual if asked is None else min(asked, usual)


def _record(services: Services, authorization: Authorization, request: Request) -> None:
    """The audit log tells a repeated answer from a refresh."""
    event = RefreshRepeated(
        flow=authorization.flow,
        client_id=authorization.client_id,
        account_id=authorization.account_id or "",
    )
    services.audit.write(event, peer=request.peer)


def _check_key(authorization: Authorization, client: Client, binding: Binding) -> None:
    """A public client's refresh token is bound to its key (RFC 9449 §5, RFC 8705 §4).

    Others are bound to their authentication, and may change the key.
    """
    others = any(binding.cnf.get(name) != value for name, value in authorization.cnf.items())
    if client.public and others:
        raise invalid_grant("other_key")


def _redemption(authorization: Authorization, form: Params, following: Handle | None) -> Redemption:
    """What is given: perhaps narrower, never wider; the nonce belongs to the first answer only."""
    scope = authorization.scope
    if "scope" in form:
        try:
            scope = known_scope(form["scope"], authorization.scope)
        except ValueError as error:
            raise invalid_scope("scope is malformed or unknown") from error
        if not set(scope) <= set(authorization.scope):
            raise invalid_scope("scope is wider than what was granted")
    resource = narrowed(form, authorization.resource)
    same = authorization.scope, authorization.resource, None
    if (scope, resource, authorization.nonce) != same:
        authorization = replace(authorization, scope=scope, resource=resource, nonce=None)
    return Redemption(authorization, GRANT_TYPE, refresh=following)

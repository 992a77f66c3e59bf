"""The authorization response: a code, tokens, or an error (RFC 6749 §4.1.2, RFC 9207).

Everything before this only asked; here a login becomes a session and an authorization becomes a
code, or what the mint makes of it, in one round trip, and nothing leaves before the audit log has
it.
"""

from collections.abc import Mapping

from idp.audit.events import AuthorizationGranted, LoginRefused
from idp.core.handles import Handle
from idp.login import replay
from idp.login.dispatch import Finish
from idp.login.errors import Notice
from idp.login.ticket import Ticket
from idp.login.transaction import transaction_key
from idp.login.visit import Settled
from idp.oidc.authorization import response_modes, session_state
from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.pushed import use_up
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.clients.model import Client
from idp.oidc.clients.view import home
from idp.oidc.consent.model import Consent
from idp.oidc.errors import OAuthError
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization, CodeBinding
from idp.oidc.tokens.issue import FrontChannel
from idp.oidc.tokens.participants import join
from idp.oidc.vocabulary import ACCOUNT_LEVEL, CODE
from idp.standing.check import Ended
from idp.storage.transient import Put, Take, Value
from idp.web.http import Request, Response


def grant(
    services: Services,
    request: Request,
    destination: Destination,
    asked: AuthorizationRequest,
    authorization: Authorization,
    settled: Settled,
    *,
    ticket: Ticket | None,
) -> Response:
    """The answer with a code for ``authorization``, with tokens, or with both, as was asked.

    The login of ``ticket`` is used up in the same step, so that it never gives two codes; and so
    is a request that was pushed, with which several logins may have been begun.

    Raises:
        Notice: it was used up already.
        OAuthError: the login does not stand.
        Unavailable: a store or the audit log does not answer; nothing left.
    """
    client = destination.client
    response_modes.require_ready(services, destination)
    code, kept = _code(destination, asked, authorization)
    state = destination.state if client.profile.signed_answers else None
    beside = {"c_hash": code, "s_hash": state or ""}
    tokens = _tokens(services, asked, authorization, settled, beside)
    puts = (*kept, *tokens.puts)
    used = use_up(services, asked.pushed)
    session = session_state.issue(services, request, destination, authorization)
    members = _members(code, tokens) | session.members
    cookies = (*settled.renewed.cookies, *session.cookies)
    response = _send(services, request, destination, members, cookies)
    again = _again(services, request, asked, ticket, response, kept)
    # What was pushed may have begun another login too: its answer is kept when this one has won.
    kept_too = () if used else again
    taking: Take[Value] | None = None
    if ticket:
        taking = Take(transaction_key(ticket.flow), put=(*puts, *kept_too))
    joined = join(authorization, now=services.clock())
    known = services.subjects.remember(client, authorization.account_id)
    kept_now = (taking,) if taking else puts
    services.transient.run(*used, *kept_now, *settled.renewed.operations, *joined, *known)
    if ticket and taking and taking.value.value is None:
        raise services.desk.over(request, ticket)
    if used and not used[0].value:
        raise Notice("over", status=409, onward=home(client))
    if used and again:
        services.transient.run(*again)
    services.audit.write(*settled.events, granted(authorization), *tokens.events, peer=request.peer)
    return response


def _again(
    services: Services,
    request: Request,
    asked: AuthorizationRequest,
    ticket: Ticket | None,
    response: Response,
    code: tuple[Put, ...],
) -> tuple[Put, ...]:
    """What keeps a redirect with a code for the same browser, whose form may come twice.

    Tokens, and pages that send themselves, leave once.
    """
    desk, location = services.desk, response.headers.get("Location", "")
    if ticket is None or asked.response_type != CODE or not location:
        return ()
    browser, (kept,) = services.forms.browser(request), code
    return (replay.keep(desk.key, browser, ticket.flow, location, code=kept.key),)


def granted(authorization: Authorization) -> AuthorizationGranted:
    """The audit event of an authorization that a client gets."""
    return AuthorizationGranted(
        flow=authorization.flow,
        client_id=authorization.client_id,
        account_id=authorization.account_id or "",
        acr=authorization.acr,
        scope=" ".join(authorization.scope),
    )


def _members(code: str, tokens: FrontChannel) -> dict[str, str]:
    """The members of a good answer; ``state`` and ``iss`` stand in every one."""
    return {**({CODE: code} if code else {}), **tokens.members}


def _code(
    destination: Destination, asked: AuthorizationRequest, authorization: Authorization
) -> tuple[str, tuple[Put, ...]]:
    """A code and the operation that keeps it; none where none was asked for."""
    if CODE not in asked.response_type.split():
        return "", ()
    client, handle = destination.client, Handle.new(authorization.flow)
    bound = (asked.code_challenge, asked.dpop_jkt)
    record = CodeBinding(client.client_id, destination.redirect_uri, *bound).record(authorization)
    return str(handle), (Put(handle.key(CODE), record, client.profile.code_ttl),)


def _tokens(
    services: Services,
    asked: AuthorizationRequest,
    authorization: Authorization,
    settled: Settled,
    beside: Mapping[str, str],
) -> FrontChannel:
    session, kind = settled.renewed.session, asked.response_type
    try:
        return services.mint.front_channel(authorization, session, kind, beside)
    except Ended as error:
        raise OAuthError("access_denied", "the login is over", reason=error.reason) from error


def authorize(
    asked: AuthorizationRequest,
    client: Client,
    settled: Settled,
    finish: Finish,
    consent: Consent | None,
    *,
    flow: str,
    now: int,
) -> Authorization:
    """What the citizen allowed: of the claims asked for, those consented to."""
    granted = {ACCOUNT_LEVEL} | (consent.granted if consent is not None else frozenset())
    return Authorization(
        flow=flow,
        client_id=client.client_id,
        scope=asked.scope,
        issued_at=now,
        expires_at=settled.session.expires_at,
        account_id=finish.account_id,
        session_id=settled.session.id,
        auth_time=finish.auth_time,
        level=finish.level,
        amr=finish.amr,
        claims=tuple(each for each in asked.claims if each in granted),
        id_token_claims=tuple(each for each in asked.id_token_claims if each in granted),
        nonce=asked.nonce,
        details=asked.details,
        resource=asked.resource,
        cards=settled.session.cards,
    )


def refuse(
    services: Services,
    request: Request,
    destination: Destination,
    error: OAuthError,
    *,
    flow: str = "",
) -> Response:
    """The answer with ``error``; the true reason goes to the audit log."""
    client_id = destination.client.client_id
    event = LoginRefused(flow=flow, client_id=client_id, error=error.error, **error.details())
    services.audit.write(event, peer=request.peer)
    return _send(services, request, destination, error.members(), ())


def _send(
    services: Services,
    request: Request,
    destination: Destination,
    members: dict[str, str],
    cookies: tuple[str, ...],
) -> Response:
    state = {"state": destination.state} if destination.state is not None else {}
    members = {**members, **state, "iss": services.settings.issuer}
    return response_modes.send(services, request, destination, members, cookies)

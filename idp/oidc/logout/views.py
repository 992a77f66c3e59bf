"""/logout: OpenID Connect RP-Initiated Logout 1.0.

A request with an ID token of this session takes effect at once if no other relying party uses the
session. Otherwise the citizen must confirm: no other site can log the citizen out, and the citizen
chooses between one relying party and all. Relying parties are notified in the background.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from idp.audit.events import LogoutCompleted, RelyingPartyLeft, SessionEnded
from idp.core.errors import Unavailable
from idp.core.handles import digest, equal
from idp.login.session import Session
from idp.oidc.authorization import session_state
from idp.oidc.authorization.kept import keep, params_of
from idp.oidc.authorization.views import EVERY, METHODS, explain_refusal, require_method
from idp.oidc.clients.model import Client
from idp.oidc.logout import aftermath, check_session, pages
from idp.oidc.logout.aftermath import Aftermath
from idp.oidc.logout.ending import Endings
from idp.oidc.logout.frontchannel import frames
from idp.oidc.logout.pages import LOGOUT
from idp.oidc.logout.repository import Outbox
from idp.oidc.logout.request import LogoutRequest, read
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.storage.used import AlreadyUsed
from idp.web import csrf
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, redirect


def logout(services: Services, request: Request) -> Response:
    """End the browser's session, ask for confirmation, or show the result.

    Raises:
        Notice: the stored request has expired.
        HttpError: 405; 400: the request is malformed.
    """
    require_method(request, METHODS)
    if ended := aftermath.find(services.transient, request.query.get(aftermath.PARAMETER, "")):
        return pages.after(services, request, ended, _after_url(request))
    params = params_of(services, request)
    if request.method == "POST" and "decision" not in request.form:
        return keep(services, request, params)
    asked = read(params, services.clients, services.keys, issuer=services.settings.issuer)
    client_id = asked.client.client_id if asked.client else ""
    session = services.desk.session_to_end(request, client_id)
    if session is None:
        if request.method == "POST" and _was_confirmed(services, request):
            return _again(services, request, asked)
        return _away(services, request, asked, vouched=asked.session_id is not None)
    if request.method == "POST":
        return _decide(services, request, asked, session)
    elsewhere = _elsewhere(services, asked, session)
    if _vouches(services, asked, session) and not elsewhere:
        return _end(services, request, asked, session)
    return pages.confirm(services, request, asked, elsewhere)


def endings(services: Services) -> Endings:
    """The session endings of this provider."""
    return Endings(
        services.clock,
        services.transient,
        services.ends,
        services.clients,
        services.subjects,
        Outbox(services.database, services.clock),
    )


def _vouches(services: Services, asked: LogoutRequest, session: Session) -> bool:
    """Whether the request's ID token was issued in this session."""
    if asked.client is None or asked.session_id is None:
        return False
    return equal(asked.session_id, services.subjects.sid(asked.client, session.id))


def _elsewhere(services: Services, asked: LogoutRequest, session: Session) -> tuple[Client, ...]:
    """The other relying parties of the session."""
    return tuple(
        each for each in endings(services).participants(session.id) if each != asked.client
    )


def _decide(
    services: Services, request: Request, asked: LogoutRequest, session: Session
) -> Response:
    _check(services, request)
    match request.form["decision"], asked.client:
        case "logout", _:
            return _end(services, request, asked, session)
        case "here", Client() as client:
            return _leave(services, request, asked, session, client)
        case "stay", _:
            return pages.done(services, request, LogoutRequest(), stayed=True)
    raise HttpError(400, "decision must be logout, here or stay")


def _confirmation(request: Request) -> str:
    return request.form.get("confirmation", "") if request.method == "POST" else ""


def _check(services: Services, request: Request) -> None:
    """Accept the confirmation only from the form shown to this session.

    Raises:
        CsrfFailed: it is from elsewhere.
    """
    form = pages.form(_confirmation(request))
    services.forms.check(request, form, pages.browser(services, request))


def _was_confirmed(services: Services, request: Request) -> bool:
    """Whether this is the form that ended the session, sent again."""
    try:
        _check(services, request)
    except csrf.CsrfFailed:
        return False
    return request.form["decision"] == "logout"


def _again(services: Services, request: Request, asked: LogoutRequest) -> Response:
    """Redirect to the result of the first of two equal forms."""
    browser, confirmation = pages.browser(services, request), _confirmation(request)
    if confirmation and (
        handle := aftermath.recall(
            services.transient, services.keys.derive("replay"), browser, confirmation
        )
    ):
        return redirect(f"{LOGOUT}?{aftermath.PARAMETER}={handle}")
    return _away(services, request, asked, vouched=True)


def _end(services: Services, request: Request, asked: LogoutRequest, session: Session) -> Response:
    """Log out everywhere. A second request for the same session shows the same result."""
    who = {
        "session_id": session.id,
        "account_id": session.account_id,
        "client_id": asked.client.client_id if asked.client else "",
    }
    ended = SessionEnded(reason="logout", **who), LogoutCompleted(**who)
    try:
        clients = endings(services).end(session, *ended, peer=request.peer)
    except AlreadyUsed:
        return _again(services, request, asked)
    response = _after(services, request, asked, session, clients, left=False)
    cookies = (*services.desk.sessions.forget(), session_state.forget(secure=services.forms.secure))
    return replace(response, cookies=(*response.cookies, *cookies))


def _leave(
    services: Services,
    request: Request,
    asked: LogoutRequest,
    session: Session,
    client: Client,
) -> Response:
    """Log out of the requesting client only. The same form sent again shows the same result."""
    left = RelyingPartyLeft(
        session_id=session.id, account_id=session.account_id, client_id=client.client_id
    )
    confirmation = _confirmation(request)
    try:
        endings(services).leave(session, client, confirmation, left, peer=request.peer)
    except AlreadyUsed:
        return _again(services, request, asked)
    return _after(services, request, asked, session, (client,), left=True)


def _after(
    services: Services,
    request: Request,
    asked: LogoutRequest,
    session: Session,
    clients: tuple[Client, ...],
    *,
    left: bool,
) -> Response:
    """Redirect to the result page; skip it if there is nothing to load or to show.

    A failing store does not prevent the logout.
    """
    ended = Aftermath(
        session=digest(session.id),
        client_id=asked.client.client_id if asked.client else "",
        return_url=asked.return_url,
        left=left,
        frames=frames(clients, session, services.subjects, issuer=services.settings.issuer),
    )
    others = [each for each in clients if each.backchannel_logout_uri and each != asked.client]
    if ended.frames or others or not asked.redirect_uri:
        with suppress(Unavailable):
            handle = aftermath.keep(services.transient, ended)
            if confirmation := _confirmation(request):
                browser = pages.browser(services, request)
                aftermath.remember(
                    services.transient,
                    services.keys.derive("replay"),
                    browser,
                    confirmation,
                    handle,
                )
            return redirect(f"{LOGOUT}?{aftermath.PARAMETER}={handle}")
    return _away(services, request, asked, vouched=True)


def _after_url(request: Request) -> str:
    return f"{LOGOUT}?{aftermath.PARAMETER}={request.query[aftermath.PARAMETER]}"


def _away(services: Services, request: Request, asked: LogoutRequest, *, vouched: bool) -> Response:
    """Redirect to the relying party if the request is ``vouched`` for, else show the page."""
    if vouched and asked.redirect_uri:
        return redirect(asked.return_url)
    return pages.done(services, request, asked)


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "end_session_endpoint": settings.url(LOGOUT),
        "check_session_iframe": settings.url(check_session.PATH),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    translate = explain_refusal(services)
    return (
        Endpoint(LOGOUT, Route(partial(logout, services), EVERY, html=True, translate=translate)),
        Endpoint(check_session.PATH, Route(partial(check_session.frame, services), html=True)),
    )


PART = Part(_metadata, _endpoints)

"""The logout pages: confirmation before, result after."""

from dataclasses import dataclass

from idp.core.handles import random_token
from idp.oidc.clients.model import Client
from idp.oidc.logout.aftermath import Aftermath
from idp.oidc.logout.repository import Outbox
from idp.oidc.logout.request import LogoutRequest
from idp.oidc.services import Services
from idp.web.http import Request, Response
from idp.web.security import form_target, page_policy

LOGOUT = "/logout"
ONWARD_SECONDS = 2
"""Seconds that front-channel frames have to load before the browser is redirected."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Delivery state of one relying party's logout notification, for the page."""

    name: str
    state: str


def confirm(
    services: Services, request: Request, asked: LogoutRequest, elsewhere: tuple[Client, ...]
) -> Response:
    """Ask the citizen to confirm; ``elsewhere`` lists the session's other relying parties.

    If there are any, the citizen may log out of the requesting one alone.
    """
    fields = {
        "client_id": asked.client.client_id if asked.client else "",
        "post_logout_redirect_uri": asked.redirect_uri,
        "state": asked.state,
    }
    locale, confirmation = services.pages.locale(request), random_token(12)
    return services.pages.render(
        request,
        "logout/confirm.html",
        form_action=(form_target(asked.redirect_uri),) if asked.redirect_uri else (),
        action=LOGOUT,
        csrf_token=services.forms.token(browser(services, request), form(confirmation)),
        confirmation=confirmation,
        client=name(services, request, asked.client),
        elsewhere=[each.client_name.in_locale(locale) for each in elsewhere],
        fields=[(name, value) for name, value in fields.items() if value],
    )


def form(confirmation: str) -> str:
    """Binding of the confirmation form's CSRF token: each form is accepted once."""
    return f"logout:{confirmation}"


def done(
    services: Services, request: Request, asked: LogoutRequest, *, stayed: bool = False
) -> Response:
    """The result page without notifications; ``stayed``: the citizen is still logged in."""
    return services.pages.render(
        request,
        "logout/done.html",
        here=LOGOUT,
        outcome="stayed" if stayed else "done",
        return_url=asked.return_url,
        client=name(services, request, asked.client),
        frames=(),
        onward=0,
        notifications=(),
        again="",
    )


def after(services: Services, request: Request, ended: Aftermath, again: str) -> Response:
    """The result page: notifications so far, and the frames of front-channel logout.

    ``again`` is the URL that reloads this page.
    """
    frames = tuple(dict.fromkeys(form_target(each) for each in ended.frames))
    client = services.clients.get(ended.client_id) if ended.client_id else None
    onward = ONWARD_SECONDS if ended.frames and ended.return_url else 0
    return services.pages.render(
        request,
        "logout/done.html",
        headers={"Content-Security-Policy": page_policy(frame_src=frames)},
        outcome="left" if ended.left else "done",
        return_url=ended.return_url,
        client=name(services, request, client),
        frames=ended.frames,
        onward=onward,
        notifications=_notifications(services, request, ended),
        again=again,
    )


def _notifications(services: Services, request: Request, ended: Aftermath) -> list[Notification]:
    outbox = Outbox(services.database, services.clock)
    messages = sorted(outbox.of_session(ended.session), key=lambda each: each.id)
    if ended.left:
        messages = [each for each in messages if each.message.client_id == ended.client_id]
    return [
        Notification(
            name(services, request, services.clients.get(each.message.client_id)), each.state
        )
        for each in messages
    ]


def name(services: Services, request: Request, client: Client | None) -> str:
    """The relying party's name in the page's language; ``""`` without a client."""
    return client.client_name.in_locale(services.pages.locale(request)) if client else ""


def browser(services: Services, request: Request) -> str:
    """The session handle that the form's CSRF token is bound to."""
    return str(services.desk.sessions.handle(request) or "")

"""The pages of logout: the question beforehand, and what became of it afterwards."""

from dataclasses import dataclass

from idp.core.handles import random_token
from idp.oidc.clients.model import Client
from idp.oidc.logout.aftermath import Aftermath
from idp.oidc.logout.repository import Outbox
from idp.oidc.logout.request import LogoutRequest
from idp.oidc.services import Services
from idp.web import csrf
from idp.web.http import Request, Response
from idp.web.security import form_target, page_policy

LOGOUT = "/logout"
ONWARD_SECONDS = 2
"""How long the frames of front-channel logout have before the browser goes on by itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """How far a relying party was told, as the page shows it."""

    name: str
    state: str


def confirm(
    services: Services, request: Request, asked: LogoutRequest, elsewhere: tuple[Client, ...]
) -> Response:
    """Ask the citizen; ``elsewhere`` are the other relying parties of the session.

    Where there are some, the one that asks can be left alone.
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
        csrf_token=csrf.csrf_token(
            services.desk.key, browser(services, request), form(confirmation)
        ),
        confirmation=confirmation,
        client=name(services, request, asked.client),
        elsewhere=[each.client_name.in_locale(locale) for each in elsewhere],
        fields=[(name, value) for name, value in fields.items() if value],
    )


def form(confirmation: str) -> str:
    """What the token of the question's form is bound to: each answer acts once."""
    return f"logout:{confirmation}"


def done(
    services: Services, request: Request, asked: LogoutRequest, *, stayed: bool = False
) -> Response:
    """The end, or that nothing was changed, with nothing more to tell."""
    return services.pages.render(
        request,
        "logout/done.html",
        here=LOGOUT,
        outcome="stayed" if stayed else "done",
        return_url=asked.return_url,
        client=name(services, request, asked.client),
        frames=(),
        onward=0,
        told=(),
        again="",
    )


def after(services: Services, request: Request, ended: Aftermath, again: str) -> Response:
    """The end, who was told of it so far, and the frames of front-channel logout.

    ``again`` is the URL that shows this page as it is then.
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
        told=_told(services, request, ended),
        again=again,
    )


def _told(services: Services, request: Request, ended: Aftermath) -> list[Told]:
    outbox = Outbox(services.database, services.clock)
    messages = sorted(outbox.of_session(ended.session), key=lambda each: each.id)
    if ended.left:
        messages = [each for each in messages if each.message.client_id == ended.client_id]
    return [
        Told(name(services, request, services.clients.get(each.message.client_id)), each.state)
        for each in messages
    ]


def name(services: Services, request: Request, client: Client | None) -> str:
    """What the citizen knows a relying party as; ``""`` for nobody."""
    return client.client_name.in_locale(services.pages.locale(request)) if client else ""


def browser(services: Services, request: Request) -> str:
    """What the form is bound to: the very session it would end."""
    return str(services.desk.sessions.handle(request) or "")

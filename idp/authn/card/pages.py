"""The card's page in the browser, and what it polls."""

from dataclasses import replace

from idp.authn.card.authenticator import SHOWN, CardLogin
from idp.authn.card.errors import CardProblem
from idp.authn.card.exchange import CardStatus, LaunchCodes, Offer, card_key, state_key
from idp.core.handles import FLOW_CHARS
from idp.login import pages
from idp.login.errors import Notice
from idp.login.ticket import Ticket
from idp.storage.transient import Get
from idp.web.http import Request, Response, cookie, cookie_name, json_response, redirect
from idp.web.qr import qr_image

AGENT = "http://127.0.0.1:24730/start"


def show(card: CardLogin, request: Request, t: str) -> Response:
    """GET /login/<t>/card: the QR code, the reader's link, the match code; or on when done.

    The first time it is answered without a store: nobody can have opened what nobody was shown.
    """
    ticket = card.desk.open(request, t)
    said = request.cookies.get(cookie_name(SHOWN, secure=card.forms.secure), "")
    flow, salt = said[:FLOW_CHARS], said[FLOW_CHARS:]
    if salt and flow == ticket.flow and not request.query:
        once = cookie(SHOWN, "", max_age=0, secure=card.forms.secure)
        return replace(_page(card, request, ticket, salt, card.settings.ttl), cookies=(once,))
    visit, (value, told) = card.desk.read(
        request, ticket, Get(card_key(ticket.flow)), Get(state_key(ticket.flow))
    )
    offer, now = Offer.read(value), card.clock()
    if offer is None:
        raise Notice("card_expired", status=409, onward=visit.url)
    state = offer.state_at(now, told)
    if state is CardStatus.DONE:
        return card.desk.proceed(visit)
    if state is CardStatus.EXPIRED or "fresh" in request.query:
        return card.renew(ticket, offer)
    end = told["expires_at"] if told else offer.expires_at
    return _page(card, request, ticket, offer.salt, max(0, end - now))


def _page(card: CardLogin, request: Request, ticket: Ticket, salt: str, seconds: int) -> Response:
    codes, url = LaunchCodes.of(card.key, ticket.flow, salt), f"/login/{ticket.text}"
    return card.forms.page(
        request,
        ticket,
        "login/card.html",
        slots={
            "action": f"{url}/card",
            "status_url": f"{url}/card/status",
            "continue_url": f"{url}/continue",
            "reload_url": f"{url}/card?fresh=1",
            "other_url": url,
            "match_code": codes.match_code,
            "seconds": str(seconds),
            "agent_url": f"{AGENT}?launch_token={codes.token}",
            "qr": qr_image(f"{card.forms.pages.site.origin}/card#{codes.token}"),
        },
    )


def answer(card: CardLogin, request: Request, t: str) -> Response:
    """POST /login/<t>/card: give up, or see the page again."""
    ticket = card.desk.open(request, t)
    card.forms.check(request, ticket.text)
    if request.form.get("action") == "cancel":
        return pages.cancel(card.desk, request, ticket)
    return redirect(f"/login/{t}/card")


def status(card: CardLogin, request: Request, t: str) -> Response:
    """GET /login/<t>/card/status: the state, for the page's script.

    Raises:
        CardProblem: ``login-unknown``.
    """
    try:
        ticket = card.desk.open(request, t)
    except Notice as notice:  # whose page no script reads
        raise CardProblem("login-unknown") from notice
    value, told = card.transient.run(Get(card_key(ticket.flow)), Get(state_key(ticket.flow)))
    now = card.clock()
    offer = Offer.read(value)
    state = offer.state_at(now, told) if offer else CardStatus.EXPIRED
    return json_response({"state": state.value})


def about(card: CardLogin, request: Request) -> Response:
    """GET /card: where the QR code leads when a camera app opens it instead of the agent."""
    return card.forms.pages.render(request, "login/card_app.html")

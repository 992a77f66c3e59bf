"""The card exchange's URLs: the browser's pages and the agent's two calls."""

from functools import partial

from idp.authn.card import pages
from idp.authn.card.authenticator import CardLogin
from idp.authn.card.errors import problem
from idp.login.pages import explain
from idp.web.edge import Route
from idp.web.http import Request, Response


def routes(card: CardLogin) -> dict[str, Route]:
    """The card's routes by URL rule."""

    def page(request: Request, t: str) -> Response:
        return (pages.answer if request.method == "POST" else pages.show)(card, request, t)

    said = explain(card.desk)
    status, about = partial(pages.status, card), partial(pages.about, card)
    return {
        "/login/<t>/card": Route(page, ("GET", "POST"), html=True, translate=said),
        "/login/<t>/card/return": Route(card.come_back, html=True, translate=said),
        "/login/<t>/card/status": Route(status, translate=said),
        "/card": Route(about, html=True),
        "/card/launch": Route(card.launch, ("POST",), translate=problem),
        "/card/<session>/presentation": Route(card.present, ("POST",), translate=problem),
    }

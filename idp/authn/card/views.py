"""The card exchange's URLs: the browser's pages, what they poll, and the agent's two calls."""

from functools import partial
from typing import Any

from idp.authn.card import pages
from idp.authn.card.authenticator import CardLogin
from idp.authn.card.errors import MEDIA_TYPE, TITLES, problem
from idp.authn.card.exchange import CHOICES, CardStatus
from idp.login.pages import explain
from idp.web.edge import Route
from idp.web.http import Request, Response
from idp.web.openapi import (
    RETRY_AFTER,
    SECONDS,
    TEXT,
    URL,
    Paths,
    a_list,
    an_object,
    answer,
    json_body,
    one_of,
    operation,
    parameter,
)

STATUS = "/login/<t>/card/status"
LAUNCH = "/card/launch"
PRESENTATION = "/card/<session>/presentation"


def routes(card: CardLogin) -> dict[str, Route]:
    """The card's routes by URL rule."""

    def page(request: Request, t: str) -> Response:
        return (pages.answer if request.method == "POST" else pages.show)(card, request, t)

    said = explain(card.forms)
    status, about = partial(pages.status, card), partial(pages.about, card)
    return {
        "/login/<t>/card": Route(page, ("GET", "POST"), html=True, translate=said),
        "/login/<t>/card/return": Route(card.come_back, html=True, translate=said),
        STATUS: Route(status, translate=problem),
        "/card": Route(about, html=True),
        LAUNCH: Route(card.launch, ("POST",), translate=problem),
        PRESENTATION: Route(card.present, ("POST",), translate=problem),
    }


def _refused(*statuses: int) -> dict[str, Any]:
    """The refusals of RFC 9457 that an endpoint has of its own."""
    said = an_object(
        {"type": one_of(TITLES), "title": TEXT, "status": {"type": "integer"}},
        ("type", "title", "status"),
    )
    words = {
        404: "There is none, or it is over",
        409: "It was used already",
        422: "The card is not genuine, or not accepted",
    }
    plain = {str(each): answer(words[each], said, MEDIA_TYPE) for each in statuses}
    many = answer("Too many from this address", said, MEDIA_TYPE, headers=RETRY_AFTER)
    return {**plain, "429": many}


_BYTES = {
    "type": "string",
    "pattern": "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$",
    "contentEncoding": "base64url",
}
_MATCH_CODE = {"type": "string", "pattern": "^[0-9]{2}$"}
_OPENED = {
    "session": TEXT,
    "nonce": _BYTES,
    "origin": URL,
    "client_name": {"type": "string"},
    "acr": TEXT,
    "match_code_choices": a_list(_MATCH_CODE, minItems=CHOICES, maxItems=CHOICES),
    "expires_in": SECONDS,
}
_FILES = dict.fromkeys(("dg1", "dg13", "dg15", "sod", "signature"), _BYTES)
_SHOWN = {**_FILES, "dg14": _BYTES, "match_code": {"type": "string"}}
_RETURN = {"return_code": TEXT, "return_url": URL}
PATHS: Paths = {
    "/login/{t}/card/status": {
        "parameters": [parameter("t", "path", TEXT, "the login's ticket")],
        "get": operation(
            "How far the card exchange is, for the page in the browser whose login it is",
            {
                "200": answer("The state", an_object({"state": one_of(CardStatus)}, ("state",))),
                "404": _refused(404)["404"],
            },
        ),
    },
    LAUNCH: {
        "post": operation(
            "Open an exchange with the launch token of a login's page",
            {"200": answer("The challenge", an_object(_OPENED, (*_OPENED,))), **_refused(404, 409)},
            body=json_body(an_object({"launch_token": {"type": "string"}}, ("launch_token",))),
        )
    },
    "/card/{session}/presentation": {
        "parameters": [parameter("session", "path", TEXT, "as the launch was answered")],
        "post": operation(
            "Hand in what was read of a card (ICAO 9303-10) and its answer to the challenge",
            {
                "200": answer("The card is accepted", an_object(_RETURN, (*_RETURN,))),
                **_refused(404, 409, 422),
            },
            body=json_body(an_object(_SHOWN, (*_FILES,))),
        ),
    },
}

"""A relying party to try: a city's portal on Flask and Authlib's client, and the demo phone.

:func:`oauth_client` is all that a relying party needs; the rest is its pages.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth

from idp.core import assurance
from idp.demo.phone import texts
from idp.oidc.consent import show
from idp.oidc.vocabulary import PERSONAL_CLAIMS
from idp.web import assets
from idp.web.adapter import to_flask
from idp.web.http import Request, from_environ
from idp.web.i18n import Translator
from idp.web.security import protect
from idp.web.settings import Site
from idp.web.templates import Pages

CLIENT_ID = "demo-portal"
SCOPE = "openid profile pid phone address age"
STEP_UP_LEVEL = assurance.REACHABLE_LEVEL
_REMEMBERED = 1_000
_SHOWN = ("name", "gender", "birthdate", "pid", "phone_number", "address", "age_over_18")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the portal is, whom it trusts, and where the texts of its phone are kept."""

    url: str
    issuer: str
    client_secret: str = field(repr=False)
    inbox: Path


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody who logged in: the verified ID token, and what UserInfo added."""

    id_token: str = field(repr=False)
    token_claims: dict[str, Any] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)

    @property
    def level(self) -> int:
        """The level of this login."""
        return assurance.acr_level(self.token_claims["acr"]) or 0


def oauth_client(app: flask.Flask, place: Place) -> Any:
    """The provider as Authlib's client knows it: discovery, PKCE, state, nonce, ID token."""
    return OAuth(app).register(
        "eid",
        client_id=CLIENT_ID,
        client_secret=place.client_secret,
        server_metadata_url=f"{place.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
    )


def create_portal(place: Place) -> flask.Flask:
    """The portal as a WSGI application. Who is logged in is known to this process only."""
    app = flask.Flask("portal", static_folder=None)
    app.secret_key = secrets.token_bytes(32)
    app.config["SESSION_COOKIE_NAME"] = "demo_portal"  # cookies are shared by all ports of a host
    portal = Portal(place, oauth_client(app, place), Pages(Site(place.url)))
    views: dict[str, Callable[..., Any]] = {
        "/": portal.home,
        "/login": portal.login,
        "/callback": portal.callback,
        "/profile": portal.profile,
        "/logout": portal.logout,
        "/phone": portal.phone,
        assets.PATH: _static,
    }
    for path, view in views.items():
        app.add_url_rule(path, path, view)
    return app


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal's pages."""

    place: Place
    eid: Any
    pages: Pages
    citizens: OrderedDict[str, Citizen] = field(default_factory=OrderedDict, repr=False)

    def home(self) -> flask.Response:
        """Where citizens begin."""
        return self._page(
            "demo/home.html",
            login_url="/login",
            login_level_url=f"/login?level={STEP_UP_LEVEL}",
            failure=flask.session.pop("failure", ""),
        )

    def login(self) -> Any:
        """Send the citizen to the provider, asking for a level where one is wanted."""
        level = flask.request.args.get("level", type=int)
        asked = {"acr_values": assurance.acr(level)} if level in assurance.LEVELS else {}
        return self.eid.authorize_redirect(f"{self.place.url}/callback", **asked)

    def callback(self) -> Any:
        """The citizen comes back: redeem the code, verify the ID token, ask UserInfo."""
        try:
            token = self.eid.authorize_access_token()
        except OAuthError as error:
            flask.session["failure"] = "cancelled" if error.error == "access_denied" else "other"
            return flask.redirect("/", 303)
        verified = dict(token["userinfo"])
        claims = verified | dict(self.eid.userinfo(token=token))
        flask.session["citizen"] = key = secrets.token_urlsafe()
        self.citizens[key] = Citizen(token["id_token"], verified, claims)
        while len(self.citizens) > _REMEMBERED:
            self.citizens.popitem(last=False)
        return flask.redirect("/profile", 303)

    def profile(self) -> Any:
        """What the portal knows of who is logged in."""
        citizen = self.citizens.get(flask.session.get("citizen", ""))
        if citizen is None:
            return flask.redirect("/", 303)
        t = Translator(self.pages.locale(_asked()))
        return self._page(
            "demo/profile.html",
            name=citizen.claims.get("name", t("demo.profile.nameless")),
            rows=_rows(citizen.claims, t),
            level=citizen.level,
            step_up_url=f"/login?level={STEP_UP_LEVEL}" if citizen.level < STEP_UP_LEVEL else "",
            logout_url="/logout",
            id_token=json.dumps(citizen.token_claims, ensure_ascii=False, indent=2),
        )

    def logout(self) -> Any:
        """Forget the citizen and let the provider ask whether they want to leave there too."""
        citizen = self.citizens.pop(flask.session.pop("citizen", ""), None)
        hint = {"id_token_hint": citizen.id_token} if citizen else {}
        leave = self.eid.create_logout_url(f"{self.place.url}/", client_id=CLIENT_ID, **hint)
        return flask.redirect(leave["url"], 303)

    def phone(self) -> flask.Response:
        """The demo phone's inbox."""
        return self._page(
            "demo/phone.html",
            messages=texts(self.place.inbox),
            portal_url="/",
            requests_url=f"{self.place.issuer}/ciba",
        )

    def _page(self, template: str, **context: Any) -> flask.Response:
        answer = self.pages.render(_asked(), template, **context)
        return to_flask(protect(answer, secure=self.pages.site.secure))


def _static(digest: str, name: str) -> flask.Response:
    return to_flask(assets.static_file(_asked(), digest, name))


def _asked() -> Request:
    return from_environ(flask.request.environ)


def _rows(claims: dict[str, Any], t: Translator) -> list[tuple[str, str]]:
    """What the portal was given, as (message id, text)."""
    return [
        (f"claim.{name}", show.text(name, claims[name], t))
        for name in _SHOWN
        if name in claims and name in PERSONAL_CLAIMS
    ]

"""A relying party and a citizen, as the OpenID Foundation's conformance suite plays them.

The browser keeps cookies, follows redirects and submits forms by URL and field name; it runs no
script. ID tokens are verified by PyJWT, which shares nothing with the provider's own verification
but the library underneath.
"""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urljoin, urlsplit

import httpx
import jwt
from jwt.utils import base64url_encode

CITIZEN = "000199000001"
SANDBOX_CODE = "000000"
SANDBOX_PASSCODE = "111111"
MAX_STEPS = 20
CLIENT: Mapping[str, Any] = {
    "client_name": "OpenID conformance suite",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile email phone address offline_access",
    "id_token_signed_response_alg": "RS256",
    "require_pkce": False,
}
"""What every client of the suite registers."""
SKEW = 2


@dataclass
class Form:
    """A form of a page: its fields as they stand, its checkboxes, its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    ticks: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether there is such a field or button."""
        return any(name == each for each, _ in (*self.fields, *self.buttons))


class _Reader(HTMLParser):
    """Forms, and texts by element id."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.texts: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.submits = 0
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self._open = said.get("id", "")
        pair = said.get("name", ""), said.get("value", "")
        if tag == "a" and self._open:
            self.links[self._open] = said.get("href", "")
        if tag == "form":
            self.forms.append(Form(said.get("action", ""), said.get("method", "get").lower()))
        elif tag == "input" and said.get("type") == "checkbox":
            assert "checked" not in said, "nothing is ticked beforehand"
            self.forms[-1].ticks.append(pair)
        elif tag == "input":
            self.forms[-1].fields.append(pair)
        elif tag == "button":
            assert said.get("type") == "submit"
            self.submits += 1
            self.forms[-1].buttons += [pair] if pair[0] else []

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@dataclass(frozen=True)
class Page:
    """A page the browser shows."""

    url: str
    status: int
    html: str
    forms: tuple[Form, ...]
    texts: Mapping[str, str]
    links: Mapping[str, str]
    submits: int

    @classmethod
    def of(cls, response: httpx.Response) -> "Page":
        """The page in a response."""
        assert response.headers["content-type"].startswith("text/html"), response.text
        reader = _Reader()
        reader.feed(response.text)
        return cls(
            str(response.url),
            response.status_code,
            response.text,
            tuple(reader.forms),
            reader.texts,
            reader.links,
            reader.submits,
        )

    def form(self, name: str) -> Form | None:
        """The form with this field or button."""
        return next((each for each in self.forms if each.has(name)), None)

    @property
    def error(self) -> str:
        """The code on an error page, which always has a reference beside it."""
        assert self.texts["reference"], "an error page has a reference"
        return self.texts["error-code"]


@dataclass(frozen=True)
class Callback:
    """The browser arrived at the relying party; ``mode`` is the response mode that it came in."""

    url: str
    members: Mapping[str, str]
    mode: str = "query"

    @classmethod
    def of(cls, url: str) -> "Callback":
        """The answer in a URL: in its query or in its fragment, never in both, or twice."""
        parts = urlsplit(url)
        mode = "fragment" if parts.fragment else "query"
        assert not (parts.fragment and parts.query), "an answer is in one place"
        text = parts.fragment or parts.query
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
        return cls._of_pairs(url, pairs, mode)

    @classmethod
    def of_form(cls, form: Form) -> "Callback":
        """The answer in a form that leads to the relying party."""
        assert form.method == "post"
        return cls._of_pairs(form.action, form.fields, "form_post")

    @classmethod
    def _of_pairs(cls, url: str, pairs: list[tuple[str, str]], mode: str) -> "Callback":
        assert len({name for name, _ in pairs}) == len(pairs), "no member comes twice"
        return cls(url, dict(pairs), mode)

    @property
    def error(self) -> str | None:
        """The error code, if it is one."""
        return self.members.get("error")


class Browser:
    """One citizen's browser; ``seen`` are the fields they were asked for, page by page.

    With an ``agent`` the citizen logs in by card: it is given the page that waits for the card and
    answers the URL where the browser goes on.
    """

    def __init__(self, issuer: str, http: httpx.Client) -> None:
        self.issuer = issuer
        self.http = http
        self.seen: list[str] = []
        self.agent: Callable[[Page], str] | None = None

    def open(self, url: str) -> Page | Callback:
        """Go to a URL."""
        return self._follow(self.http.get(url))

    def post(self, url: str, pairs: Iterable[tuple[str, str]]) -> Page | Callback:
        """Send a form from a page of the relying party's: no Lax cookie goes along."""
        origin = {"Origin": "https://suite.example", "Sec-Fetch-Site": "cross-site"}
        return self._send(url, pairs, origin, cookies=False)

    def _send(
        self,
        url: str,
        pairs: Iterable[tuple[str, str]],
        origin: Mapping[str, str],
        *,
        cookies: bool,
    ) -> Page | Callback:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **origin}
        request = self.http.build_request(
            "POST", url, content=urlencode(list(pairs)), headers=headers
        )
        if not cookies:
            request.headers.pop("cookie", None)
        return self._follow(self.http.send(request))

    def submit(
        self,
        page: Page,
        button: tuple[str, str],
        *,
        tick: bool = False,
        **typed: str,
    ) -> Page | Callback:
        """Fill in the form that has ``button``, and press it."""
        form = page.form(button[0])
        assert form is not None, f"{page.url} has no {button[0]} button"
        assert button in form.buttons, f"{page.url} has no {button} among {form.buttons}"
        assert form.method == "post"
        assert set(typed) <= {name for name, _ in form.fields}
        pairs = [(name, typed.get(name, value)) for name, value in form.fields if name]
        pairs += form.ticks if tick else []
        own = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # our pages send no referrer
        return self._send(urljoin(page.url, form.action), [*pairs, button], own, cookies=True)

    def _follow(self, response: httpx.Response) -> Page | Callback:
        for _ in range(MAX_STEPS):
            if response.status_code not in {302, 303}:
                return self._shown(Page.of(response))
            url = urljoin(str(response.url), response.headers["location"])
            if not url.startswith(f"{self.issuer}/"):
                return Callback.of(url)
            response = self.http.get(url)
        raise AssertionError("the browser is sent round in circles")

    def _shown(self, page: Page) -> Page | Callback:
        """The page; one whose button leads to the relying party is left by it at once."""
        leaving = [each for each in page.forms if "://" in each.action]
        if not leaving:
            return page
        assert page.status == 200
        assert len(page.forms) == 1
        assert page.submits == 1, "the button that works without scripts"
        return Callback.of_form(leaving[0])

    def log_in(self, at: Page | Callback, number: str = CITIZEN) -> Callback:
        """Do whatever the pages ask for, until the relying party is reached."""
        for _ in range(MAX_STEPS):
            if isinstance(at, Callback):
                return at
            at = self._answer(at, number)
        raise AssertionError("the login never ends")

    def _answer(self, page: Page, number: str) -> Page | Callback:
        assert page.status == 200, page.html
        if page.form("id_number"):
            self.seen.append("id_number")
            method = "card" if self.agent else "otp"
            return self.submit(page, ("method", method), id_number=number)
        if "open-agent" in page.links:
            assert self.agent is not None
            self.seen.append("card")
            return self.open(self.agent(page))
        if page.form("otp"):
            self.seen.append("otp")
            return self.submit(page, ("action", "verify"), otp=SANDBOX_CODE)
        if page.form("passcode"):
            self.seen.append("passcode")
            return self.submit(page, ("action", "verify"), passcode=SANDBOX_PASSCODE)
        assert page.form("decision"), page.html
        self.seen.append("consent")
        return self.submit(page, ("decision", "allow"), tick=True)


@dataclass(frozen=True)
class Tokens:
    """A good answer with tokens, its ID token verified.

    It is the token endpoint's, ``front`` being what came with the code, or it is all that came by
    the front channel.
    """

    answer: Mapping[str, Any]
    id_token: Mapping[str, Any]
    front: Mapping[str, Any] = field(default_factory=dict)

    @property
    def access_token(self) -> str:
        """The access token."""
        token: str = self.answer["access_token"]
        return token

    @property
    def access_tokens(self) -> set[str]:
        """Every access token that was given."""
        found = (each.get("access_token") for each in (self.answer, self.front))
        return {each for each in found if each is not None}

    @property
    def id_token_text(self) -> str:
        """The ID token as it came."""
        token: str = self.answer["id_token"]
        return token


@dataclass
class RelyingParty:
    """A client of the provider and the browser in front of it."""

    browser: Browser
    client: Mapping[str, Any]
    metadata: Mapping[str, Any]
    jwks: jwt.PyJWKSet
    asked: dict[str, str] = field(default_factory=dict)
    response_type: str = "code"
    response_mode: str = ""

    @property
    def wanted(self) -> set[str]:
        """What its response type says that an answer holds."""
        return set(self.response_type.split())

    @property
    def http(self) -> httpx.Client:
        """The back channel: nothing of the browser's goes along."""
        return self.browser.http

    # Front channel

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """The plain authorization request of the suite; ``None`` leaves a parameter out."""
        plain: dict[str, str | None] = {
            "client_id": self.client["client_id"],
            "redirect_uri": self.client["redirect_uris"][0],
            "scope": "openid",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "response_type": self.response_type,
            "response_mode": self.response_mode or None,
        }
        self.asked = {name: each for name, each in (plain | changes).items() if each is not None}
        return self.asked

    def open(self, **changes: str | None) -> Page | Callback:
        """Send the browser to the authorization endpoint by GET."""
        return self.browser.open(self.url(self.parameters(**changes)))

    def url(self, parameters: Mapping[str, str]) -> str:
        """The authorization endpoint with these parameters, in their order."""
        return f"{self.metadata['authorization_endpoint']}?{urlencode(parameters)}"

    def authorize(self, **changes: str | None) -> Callback:
        """A whole login; the answer is genuine, and good."""
        return self.granted(self.browser.log_in(self.open(**changes)))

    def answered(self, callback: Callback) -> Callback:
        """Check where an answer went and that it belongs to what was asked (RFC 9207)."""
        assert re.split("[?#]", callback.url)[0] == self.asked["redirect_uri"]
        assert callback.members.get("state") == self.asked.get("state")
        assert callback.members["iss"] == self.metadata["issuer"]
        known = self.asked.get("response_type") == self.response_type
        usual = "query" if self.response_type == "code" or not known else "fragment"
        assert callback.mode == (self.response_mode or usual)
        return callback

    def granted(self, callback: Callback) -> Callback:
        """Check that an answer holds what its response type says; a code, 128 bits at the least."""
        assert callback.error is None, callback.url
        members = self.answered(callback).members
        assert ("code" in members) is ("code" in self.wanted)
        assert ("id_token" in members) is ("id_token" in self.wanted)
        assert ("access_token" in members) is ("token" in self.wanted)
        if "code" in members:
            code = members["code"]
            assert len(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))) >= 16
        if "access_token" in members:
            assert members["token_type"].lower() == "bearer"
            assert int(members["expires_in"]) > 0
        return callback

    def refused(self, at: Page | Callback, *errors: str) -> Callback:
        """Check that an answer came without any page, and is one of ``errors``."""
        assert isinstance(at, Callback), "the citizen is not to be asked"
        assert self.answered(at).error in errors
        assert not {"code", "access_token", "id_token"} & at.members.keys()
        return at

    # Back channel

    def exchange(self, callback: Callback, **changes: str) -> Tokens:
        """Redeem the code, if there is one, and verify everything that is given."""
        front, nonce = callback.members, self.asked.get("nonce")
        first: Mapping[str, Any] = {}
        if "id_token" in front:
            access, code = front.get("access_token", ""), front.get("code", "")
            first = self.verify_id_token(front["id_token"], access, nonce, code)
        if "code" not in front:
            return Tokens(front, first)
        tokens = self.verified(self.redeem(callback, **changes), nonce=nonce)
        for name in ("iss", "sub", "auth_time", "acr", "sid") if first else ():
            assert tokens.id_token[name] == first[name], name  # OIDC Core §3.3.3.6
        return replace(tokens, front=front)

    def redeem(self, callback: Callback, **changes: str) -> httpx.Response:
        """Send the code to the token endpoint."""
        form = {
            "grant_type": "authorization_code",
            "code": callback.members["code"],
            "redirect_uri": self.asked["redirect_uri"],
        }
        return self.token(form | changes)

    def refresh(self, token: str, **changes: str) -> httpx.Response:
        """Send a refresh token to the token endpoint."""
        return self.token({"grant_type": "refresh_token", "refresh_token": token} | changes)

    def token(self, form: Mapping[str, str]) -> httpx.Response:
        """Send a request to the token endpoint, authenticated as registered."""
        client_id, secret = self.client["client_id"], self.client["client_secret"]
        headers, body = {}, dict(form)
        if self.client["token_endpoint_auth_method"] == "client_secret_post":
            body |= {"client_id": client_id, "client_secret": secret}
        else:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return self._bare("POST", self.metadata["token_endpoint"], headers=headers, data=body)

    def verified(self, response: httpx.Response, *, nonce: str | None) -> Tokens:
        """The tokens of a good answer (RFC 6749 §5.1, OIDC Core §3.1.3.3 and §3.1.3.7)."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in response.headers["cache-control"]
        answer = response.json()
        assert answer["token_type"].lower() == "bearer"
        assert answer["access_token"]
        assert answer["expires_in"] > 0
        claims = self.verify_id_token(answer["id_token"], answer["access_token"], nonce)
        return Tokens(answer, claims)

    def verify_id_token(
        self, token: str, access_token: str, nonce: str | None, code: str = ""
    ) -> Mapping[str, Any]:
        """The claims of an ID token that passes OIDC Core §3.1.3.7, §3.2.2.9 and §3.3.2.11."""
        header = jwt.get_unverified_header(token)
        alg = self.client["id_token_signed_response_alg"]
        assert header["alg"] == alg
        claims: dict[str, Any] = jwt.decode(
            token,
            self.jwks[header["kid"]],
            algorithms=[alg],
            audience=self.client["client_id"],
            issuer=self.metadata["issuer"],
            leeway=SKEW,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        assert len(claims["sub"]) <= 255
        assert claims["sub"].isascii()
        assert claims.get("nonce") == nonce
        assert claims.get("azp", self.client["client_id"]) == self.client["client_id"]
        assert abs(time.time() - claims["iat"]) < 60
        assert claims["auth_time"] <= claims["iat"]
        for name, bound in (("at_hash", access_token), ("c_hash", code)):
            half = hashlib.sha256(bound.encode("ascii")).digest()[:16]
            assert claims.get(name) == (base64url_encode(half).decode() if bound else None), name
        return claims

    def userinfo(self, tokens: Tokens, method: str = "GET", **how: Any) -> dict[str, Any]:
        """The claims of the citizen whom the ID token names (OIDC Core §5.3.2).

        A token that came by the front channel tells the same.
        """
        response = self.ask_userinfo(tokens, method, **how)
        for token in tokens.access_tokens - {tokens.access_token}:
            headers = {"Authorization": f"Bearer {token}"}
            assert self.ask_userinfo(tokens, headers=headers).json() == response.json()
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        claims: dict[str, Any] = response.json()
        assert claims["sub"] == tokens.id_token.get("sub", claims["sub"])
        return claims

    def ask_userinfo(self, tokens: Tokens, method: str = "GET", **how: Any) -> httpx.Response:
        """Ask the UserInfo endpoint; the token goes in the header unless ``how`` says else."""
        how = how or {"headers": {"Authorization": f"Bearer {tokens.access_token}"}}
        return self._bare(method, self.metadata["userinfo_endpoint"], **how)

    def _bare(self, method: str, url: str, **how: Any) -> httpx.Response:
        """A request without the browser's cookies."""
        request = self.http.build_request(method, url, **how)
        request.headers.pop("cookie", None)
        return self.http.send(request)

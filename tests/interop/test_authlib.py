"""Authlib's own client, with PyJWT for the ID tokens: whole logins by code and by card."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import jwt
import pytest
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken

from tests.conformance.live import Provider, Register
from tests.conformance.suite import CITIZEN, Browser, Callback, Page

LEVEL_1, LEVEL_2 = "urn:vn:eid:level:1", "urn:vn:eid:level:2"


class RelyingParty:
    """Authlib's session, what it discovered, and the checks on what it is given."""

    def __init__(self, op: Provider, client: Mapping[str, Any]) -> None:
        self.client = client
        self.session = OAuth2Session(
            client["client_id"],
            client["client_secret"],
            token_endpoint_auth_method=client["token_endpoint_auth_method"],
            redirect_uri=client["redirect_uris"][0],
            scope="openid profile pid",
            code_challenge_method="S256",
        )
        self.session.trust_env = False  # or a bundle named there would be trusted instead
        self.session.verify = str(op.ca) if op.ca else True
        with op.http() as http:
            url = f"{op.issuer}/.well-known/openid-configuration"
            self.metadata: dict[str, Any] = http.get(url).json()
            self.keys = jwt.PyJWKSet.from_dict(http.get(self.metadata["jwks_uri"]).json())

    def log_in(self, browser: Browser, **asked: str) -> dict[str, Any]:
        """Send the browser through a login; the verified claims of the ID token."""
        verifier, nonce = generate_token(48), generate_token(20)
        url, state = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
        )
        callback = browser.log_in(browser.open(url))
        assert callback.members["iss"] == self.metadata["issuer"]
        assert callback.members["state"] == state
        token = self.session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback.url,
            code_verifier=verifier,
        )
        return self.verified(token, nonce=nonce)

    def verified(self, token: Mapping[str, Any], **expected: str) -> dict[str, Any]:
        """The ID token's claims: signature, issuer and audience by PyJWT, the rest by Authlib."""
        header = jwt.get_unverified_header(token["id_token"])
        claims: dict[str, Any] = jwt.decode(
            token["id_token"],
            self.keys[header["kid"]],
            algorithms=[self.client["id_token_signed_response_alg"]],
            audience=self.client["client_id"],
            issuer=self.metadata["issuer"],
        )
        params = {**expected, "access_token": token["access_token"]}
        CodeIDToken(claims, header, params=params).validate(leeway=2)
        return claims

    def userinfo(self) -> dict[str, Any]:
        """The claims that the access token of the session opens."""
        answer = self.session.get(self.metadata["userinfo_endpoint"])
        assert answer.status_code == 200, answer.text
        claims: dict[str, Any] = answer.json()
        return claims


@pytest.fixture
def rp(op: Provider, register: Register) -> RelyingParty:
    """A relying party of its own for each test."""
    return RelyingParty(op, register(scope="openid profile pid"))


@pytest.fixture(scope="session")
def card(op: Provider) -> Path:
    """The chip of the citizen's card, from the development authority."""
    card = op.directory / "card" / "CARD.json"
    if not card.exists():
        op.idp("card", "issue", CITIZEN, "--out", str(card.parent))
    return card


@pytest.fixture
def agent(op: Provider, card: Path) -> Callable[..., str]:
    """Runs the card agent for one launch token; what it tells."""

    def run(page: Page, *more: str) -> str:
        token = parse_qs(urlsplit(page.links["open-agent"]).query)["launch_token"][0]
        command = [sys.executable, "-m", "idp.agent", "--simulate", str(card), *more]
        command += ["--origin", op.issuer, "--launch-token", token]
        command += ["--ca-file", str(op.ca)] if op.ca else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_login_by_code_and_what_follows(rp: RelyingParty, browser: Browser) -> None:
    """Tokens, UserInfo, refresh, introspection, revocation."""
    claims = rp.log_in(browser)
    assert browser.seen == ["id_number", "otp", "consent"]
    assert (claims["acr"], claims["amr"]) == (LEVEL_1, ["otp", "sms"])
    userinfo = rp.userinfo()
    assert userinfo["sub"] == claims["sub"]
    assert (userinfo["pid"], userinfo["name"]) == (CITIZEN, "Trần Thị Mai")

    old = dict(rp.session.token)
    fresh = rp.session.refresh_token(rp.metadata["token_endpoint"], old["refresh_token"])
    assert fresh["refresh_token"] != old["refresh_token"]
    assert rp.verified(fresh)["sub"] == claims["sub"]
    assert rp.userinfo()["sub"] == claims["sub"]

    asked = rp.metadata["introspection_endpoint"], fresh["access_token"]
    assert rp.session.introspect_token(*asked).json()["active"] is True
    rp.session.revoke_token(rp.metadata["revocation_endpoint"], fresh["access_token"])
    assert rp.session.introspect_token(*asked).json() == {"active": False}
    assert rp.session.get(rp.metadata["userinfo_endpoint"]).status_code == 401


def test_a_higher_level_asks_for_what_is_missing(rp: RelyingParty, browser: Browser) -> None:
    """Step-up: the session stays, the passcode is added."""
    first = rp.log_in(browser)
    browser.seen.clear()
    second = rp.log_in(browser, acr_values=LEVEL_2)
    assert browser.seen == ["passcode"]
    assert second["acr"] == LEVEL_2
    assert set(second["amr"]) == {"otp", "sms", "pin", "mfa"}
    assert (second["sub"], second["sid"]) == (first["sub"], first["sid"])


def test_login_by_card_with_a_reader_here(
    rp: RelyingParty, browser: Browser, agent: Callable[..., str]
) -> None:
    """The agent on the same machine sends the browser back; the passcode makes level 2."""
    browser.agent = lambda page: agent(page).split()[-1]
    began = int(time.time())
    claims = rp.log_in(browser, acr_values=LEVEL_2)
    assert browser.seen == ["id_number", "card", "passcode", "consent"]
    assert claims["acr"] == LEVEL_2
    assert set(claims["amr"]) == {"sc", "hwk", "pin", "mfa"}
    assert began <= claims["auth_time"] <= claims["iat"]
    assert rp.userinfo()["pid"] == CITIZEN


def test_login_by_card_with_a_phone(
    rp: RelyingParty, browser: Browser, agent: Callable[..., str]
) -> None:
    """The agent is elsewhere: the citizen picks the match code, and the page moves on."""

    def phone(page: Page) -> str:
        status = f"{urlsplit(page.url).path}/status"
        poll = urljoin(page.url, status)
        assert browser.http.get(poll).json() == {"state": "waiting"}
        agent(page, "--match-code", page.texts["match-code"])
        assert browser.http.get(poll).json() == {"state": "done"}
        return page.url

    browser.agent = phone
    claims = rp.log_in(browser)
    assert (claims["acr"], set(claims["amr"])) == (LEVEL_1, {"sc", "hwk"})


def test_a_wrong_match_code_opens_nothing(
    rp: RelyingParty, browser: Browser, agent: Callable[..., str]
) -> None:
    """The page says that it failed, and cancelling tells the relying party."""
    url, _ = rp.session.create_authorization_url(
        rp.metadata["authorization_endpoint"], code_verifier=generate_token(48)
    )
    page = browser.open(url)
    assert isinstance(page, Page)
    page = browser.submit(page, ("method", "card"), id_number=CITIZEN)
    assert isinstance(page, Page)
    wrong = "11" if page.texts["match-code"] != "11" else "12"
    with pytest.raises(AssertionError, match="not accepted"):
        agent(page, "--match-code", wrong)
    state = browser.http.get(f"{page.url}/status").json()
    assert state == {"state": "failed"}
    at = browser.submit(page, ("action", "cancel"))
    assert isinstance(at, Callback)
    assert at.error == "access_denied"

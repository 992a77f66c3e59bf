"""Tokens from the authorization endpoint: OIDC Core §3.2 and §3.3, over HTTP."""

from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from authlib.oidc.core import HybridIDToken, ImplicitIDToken
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.oidc.clients.model import Client
from idp.oidc.tokens.id_token import half_hash
from idp.oidc.vocabulary import RESPONSE_TYPES
from tests.oidc.front import CALLBACK, ISSUER, PORTAL, Browser, Front, Page, X, resume_url

RP = replace(
    PORTAL,
    grant_types=("authorization_code", "implicit", "refresh_token"),
    response_types=RESPONSE_TYPES,
    scope=("openid", "profile", "pid", "phone", "offline_access"),
)
FRONT_CHANNEL = [each for each in RESPONSE_TYPES if each != "code"]
HOSTILE = "\"'><script>alert(1)</script>{{7*7}}&amp;%0d%0a"


@pytest.fixture
def rp(front: Front) -> Client:
    """The portal, registered for everything."""
    front.change(RP)
    return RP


def signed_in(front: Front) -> Browser:
    """A browser whose citizen lets the portal know the phone number."""
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, RP, scope="openid phone"))
    browser.submit(page, decision="allow", claims=list(Page(page.text).boxes))
    return browser


def fragment(response: TestResponse) -> dict[str, str]:
    """The members of an answer in the fragment."""
    assert response.status_code == 303, response.text
    location, _, members = response.headers["Location"].partition("#")
    assert location == CALLBACK
    return dict(parse_qsl(members, strict_parsing=True))


def verified(front: Front, token: str) -> dict[str, Any]:
    """The claims of an ID token as PyJWT sees them with our published keys."""
    published = jwt.PyJWKSet.from_dict(front.services.keys.jwks())
    key = published[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["ES256"], audience="portal", issuer=ISSUER, options=options
    )
    return claims


def userinfo(front: Front, token: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers)


@pytest.mark.attack("H17")
@pytest.mark.parametrize("asked", FRONT_CHANNEL)
def test_H17_each_response_type_gives_what_it_says(front: Front, rp: Client, asked: str) -> None:
    browser, wanted = signed_in(front), asked.split()
    response = front.authorize(browser, rp, response_type=asked, scope="openid phone")
    found = fragment(response)
    token = {"access_token", "token_type", "expires_in", "scope"} if "token" in wanted else set()
    given = {each for each in ("code", "id_token") if each in wanted}
    assert {*found} - {"session_state"} == {*given, *token, "state", "iss"}
    assert (found["state"], found["iss"]) == ("s", ISSUER)
    if "id_token" in wanted:
        claims = verified(front, found["id_token"])
        reader = (HybridIDToken if "code" in wanted else ImplicitIDToken)(
            claims,
            {"alg": "ES256"},
            {"iss": {"value": ISSUER}},
            {"nonce": "n", "client_id": "portal", **found},
        )
        reader.validate_nonce()
        reader.validate_at_hash()
        assert ("at_hash" in claims) is ("token" in wanted)
        code = found.get("code")
        assert claims.get("c_hash") == (half_hash(code, "ES256") if code else None)
        assert ("phone_number" in claims) is (asked == "id_token")
        assert "account_level" not in claims
        assert claims["sub"] == front.services.subjects.sub(rp, front.citizens[X].id)
        assert {"auth_time", "acr", "amr", "sid"} <= claims.keys()
    if "token" in wanted:
        assert (found["token_type"], found["expires_in"]) == ("Bearer", "600")
        assert userinfo(front, found["access_token"]).get_json()["phone_number"] == "+84912345678"


def test_what_is_given_is_in_the_audit_log_and_cost_no_more_round_trips(
    front: Front, rp: Client
) -> None:
    browser = signed_in(front)
    before = front.store.round_trips
    front.authorize(browser, rp, response_type="code")
    usual = front.store.round_trips - before
    front.authorize(browser, rp, response_type="code id_token token")
    assert front.store.round_trips - before == 2 * usual
    issued = front.events()[-1]
    assert (issued["event"], issued["grant_type"]) == ("TokenIssued", "implicit")
    assert issued["kinds"] == ["access_token", "id_token"]
    assert [each["event"] for each in front.events()[-2:]] == [
        "AuthorizationGranted",
        "TokenIssued",
    ]


def test_nothing_leaves_that_the_audit_log_does_not_have(front: Front, rp: Client) -> None:
    browser = signed_in(front)
    with front.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_entries RENAME TO gone")
    response = front.authorize(browser, rp, response_type="code id_token token")
    assert response.status_code == 503
    assert "token" not in response.text
    assert "Location" not in response.headers


def test_a_code_and_its_tokens_are_one_grant(front: Front, rp: Client) -> None:
    """A code used twice ends what came with it, too (RFC 6749 §4.1.2)."""
    browser = signed_in(front)
    response = front.authorize(browser, rp, response_type="code token", scope="openid phone")
    found = fragment(response)
    form = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": CALLBACK}
    tokens = front.token(form).get_json()
    assert tokens["access_token"] != found["access_token"]
    assert userinfo(front, found["access_token"]).status_code == 200
    assert front.token(form).get_json()["error"] == "invalid_grant"
    for each in (found, tokens):
        assert userinfo(front, each["access_token"]).status_code == 401


def test_offline_access_means_nothing_to_a_front_channel_token(front: Front, rp: Client) -> None:
    """OIDC Core §11; and it never stands in a code that a client cannot use."""
    changes = {"response_type": "code token", "scope": "openid offline_access"}
    found = fragment(front.authorize(signed_in(front), rp, **changes))
    assert found["scope"] == "openid"
    form = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": CALLBACK}
    assert "offline_access" in front.token(form).get_json()["scope"]


def test_a_login_gives_its_tokens_once(front: Front, rp: Client) -> None:
    browser = front.browser()
    page = front.authorize(browser, rp, response_type="id_token token")
    done = browser.log_in(page)
    assert "id_token" in fragment(done)
    again = browser.get(resume_url(page))
    assert again.status_code == 409
    assert "token=" not in again.text


def test_a_client_that_lost_its_response_type_gets_nothing_of_it(front: Front, rp: Client) -> None:
    browser = front.browser()
    page = front.authorize(browser, rp, response_type="id_token token")
    front.change(PORTAL)
    done = browser.log_in(page)
    members = dict(parse_qsl(done.headers["Location"].partition("?")[2]))
    assert members["error"] == "unsupported_response_type"
    assert "#" not in done.headers["Location"]


@pytest.mark.attack("B02")
@pytest.mark.parametrize("asked", FRONT_CHANNEL)
def test_B02_who_is_not_registered_for_it_is_told_in_the_query(front: Front, asked: str) -> None:
    response = front.authorize(front.signed_in(), response_type=asked)
    location = response.headers["Location"]
    assert location.startswith(f"{CALLBACK}?error=unsupported_response_type")
    assert "token=" not in location


@pytest.mark.parametrize("asked", RESPONSE_TYPES)
@pytest.mark.parametrize("mode", ["", "form_post", "jwt", "form_post.jwt"])
def test_errors_travel_as_a_good_answer_would(
    front: Front, rp: Client, asked: str, mode: str
) -> None:
    front.change(replace(rp, authorization_signed_response_alg="ES256"))
    changes = {"response_type": asked, "response_mode": mode, "prompt": "none"}
    refused = members_of(front, front.authorize(front.browser(), rp, **changes), asked, mode)
    assert (refused["error"], refused["state"], refused["iss"]) == ("login_required", "s", ISSUER)
    good = members_of(front, front.authorize(signed_in(front), rp, **changes), asked, mode)
    assert "error" not in good
    assert {each for each in ("code", "id_token") if each in asked.split()} <= good.keys()


def members_of(front: Front, response: TestResponse, asked: str, mode: str) -> dict[str, Any]:
    """The members of an answer that travels as it must."""
    if mode.startswith("form_post"):
        assert response.status_code == 200
        assert Page(response.text).action == CALLBACK
        found = dict(Page(response.text).hidden)
    elif asked == "code":
        assert "#" not in response.headers["Location"]
        found = dict(parse_qsl(response.headers["Location"].partition("?")[2]))
    else:
        found = fragment(response)
    if not mode.endswith("jwt"):
        return found
    assert found.keys() == {"response"}
    claims = verified(front, found["response"])
    assert claims["exp"] == front.clock() + 60
    assert not {"exp", "aud"} - claims.keys()
    return claims


def test_a_registered_query_stays_beside_the_fragment(front: Front, rp: Client) -> None:
    uri = f"{CALLBACK}?tenant=%41"
    front.change(replace(rp, redirect_uris=(uri,)))
    response = front.authorize(
        front.browser(), rp, response_type="id_token", prompt="none", redirect_uri=uri
    )
    assert response.headers["Location"].startswith(f"{uri}#error=login_required&")


@pytest.mark.attack("J18")
@pytest.mark.parametrize("state", [HOSTILE, "🌾 +&=#", "x" * 4096, "</script><!--"])
def test_J18_a_form_holds_the_state_as_it_was_and_leads_to_one_origin(
    front: Front, state: str
) -> None:
    response = front.authorize(front.signed_in(), response_mode="form_post", state=state)
    page = Page(response.text)
    assert response.status_code == 200
    assert (page.action, page.hidden["state"], page.hidden["iss"]) == (CALLBACK, state, ISSUER)
    assert page.hidden.keys() - {"session_state"} == {"code", "state", "iss"}
    if escape(state) != state:
        assert state not in response.text
    policy = response.headers["Content-Security-Policy"]
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives["form-action"] == "https://portal.example.vn"
    assert directives["script-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.text.count("<script") == 1
    assert "/form_post.js" in response.text


def test_a_form_after_a_login_sets_the_session_too(front: Front) -> None:
    browser = front.browser()
    done = browser.log_in(front.authorize(browser, response_mode="form_post"))
    assert "code" in Page(done.text).hidden
    assert any(
        each.startswith("__Host-eid_session=") for each in done.headers.getlist("Set-Cookie")
    )
    form = {"grant_type": "authorization_code", "code": Page(done.text).hidden["code"]}
    tokens = front.token({**form, "redirect_uri": CALLBACK}).get_json()
    assert verified(front, tokens["id_token"])["nonce"] == "n"


def test_the_form_speaks_the_language_of_its_reader(front: Front) -> None:
    headers = {"Accept-Language": "en", "Accept": "text/html"}
    for language, said in (("en", "Public services"), ("vi", "Cổng dịch vụ công")):
        request = front.request(response_mode="form_post", prompt="none")
        headers["Accept-Language"] = language
        page = front.browser().once("GET", "/authorize", query_string=request, headers=headers)
        assert said in page.text


def test_a_signed_answer_says_nothing_outside_its_signature(front: Front) -> None:
    front.change(replace(PORTAL, authorization_signed_response_alg="ES256"))
    response = front.authorize(front.signed_in(), response_mode="query.jwt")
    location = response.headers["Location"]
    assert location.startswith(f"{CALLBACK}?response=")
    assert location.count("=") == 1
    claims = verified(front, location.partition("=")[2])
    assert claims.keys() - {"session_state"} == {"iss", "aud", "exp", "code", "state"}
    assert (claims["state"], claims["aud"], claims["iss"]) == ("s", "portal", ISSUER)

"""The modules of the OpenID Connect certification plans, each a test that is named like it.

The plans repeat them with other response types and modes: a plan's file imports those that the plan
has, and ``RUNS`` there says with which response types. The three modules that the suite runs with
dynamic clients only are held here to the same outcome with static ones.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from jwt.utils import base64url_encode

from tests.conformance.live import Provider
from tests.conformance.registered import Clients
from tests.conformance.suite import CLIENT, Callback, Page, RelyingParty, Tokens

PROFILE = {
    "name",
    "family_name",
    "middle_name",
    "given_name",
    "gender",
    "birthdate",
    "nationality",
    "updated_at",
    "account_level",
}
EMAIL = {"email", "email_verified"}
ADDRESS = {"address"}
PHONE = {"phone_number", "phone_number_verified"}
ALG = "id_token_signed_response_alg"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""RFC 7636 appendix B."""


def happy(rp: RelyingParty, **changes: str | None) -> Tokens:
    """A login, its tokens verified and its UserInfo asked."""
    tokens = rp.exchange(rp.authorize(**changes))
    if tokens.access_tokens:
        rp.userinfo(tokens)
    return tokens


def scope_gives(rp: RelyingParty, scope: str, claims: set[str]) -> None:
    """A login with ``scope`` gives exactly these claims, and at UserInfo alone (OIDC Core §5.4).

    Where an ID token is all that is given, they are in it.
    """
    tokens = rp.exchange(rp.authorize(scope=scope))
    personal = ADDRESS | EMAIL | PHONE | PROFILE
    if not tokens.access_tokens:
        assert personal & tokens.id_token.keys() == claims
        check_types({name: tokens.id_token[name] for name in claims})
        return
    assert set(tokens.answer["scope"].split()) == set(scope.split())
    found = rp.userinfo(tokens)
    assert found.keys() == {"sub"} | claims
    assert not personal & tokens.id_token.keys()
    check_types(found)


def check_types(claims: Mapping[str, Any]) -> None:
    """OIDC Core §5.1: strings but for these."""
    types: Mapping[str, type] = {
        "email_verified": bool,
        "phone_number_verified": bool,
        "updated_at": int,
        "account_level": int,
        "address": dict,
    }
    for name, value in claims.items():
        assert type(value) is types.get(name, str), name


def unsigned_token(members: Mapping[str, Any]) -> str:
    """A JWT with ``alg`` ``none`` (RFC 7519 §6)."""
    header, body = (
        base64url_encode(json.dumps(each).encode()).decode()
        for each in ({"alg": "none"}, dict(members))
    )
    return f"{header}.{body}."


def test_oidcc_server(rp: RelyingParty) -> None:
    """The happy flow."""
    tokens = happy(rp)
    assert "acr" in tokens.id_token


def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    rp.refused(rp.open(response_type=None), "unsupported_response_type", "invalid_request")


def test_oidcc_idtoken_signature(rp: RelyingParty, clients: Clients) -> None:
    """An ID token is signed as registered; who registers nothing is told the algorithm."""
    for name in ("signed", "unnamed"):
        client = clients.of(name, rp.response_type)
        assert client[ALG] in rp.metadata["id_token_signing_alg_values_supported"]
        assert client[ALG] == "RS256" or name == "unnamed"
        happy(replace(rp, client=client))


def test_oidcc_idtoken_unsigned(rp: RelyingParty, op: Provider) -> None:
    """No client gets an unsigned ID token: it is not offered, and cannot be registered."""
    assert "none" not in rp.metadata["id_token_signing_alg_values_supported"]
    unsigned = {**CLIENT, ALG: "none"}
    with pytest.raises(AssertionError, match=f"{ALG}: must be one of"):
        op.register(**unsigned, redirect_uris=["https://unsigned.example/callback"])


def test_oidcc_userinfo_get(rp: RelyingParty) -> None:
    rp.userinfo(rp.exchange(rp.authorize()), "GET")


def test_oidcc_userinfo_post_header(rp: RelyingParty) -> None:
    rp.userinfo(rp.exchange(rp.authorize()), "POST")


def test_oidcc_userinfo_post_body(rp: RelyingParty) -> None:
    tokens = rp.exchange(rp.authorize())
    rp.userinfo(tokens, "POST", data={"access_token": tokens.access_token})


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) -> None:
    tokens = rp.exchange(rp.authorize(nonce=None))
    assert "nonce" not in tokens.id_token


def test_oidcc_ensure_request_without_nonce_fails(rp: RelyingParty) -> None:
    """Redirected, as a good answer would be (OIDC Core §3.2.2.1, §3.3.2.11)."""
    rp.refused(rp.open(nonce=None), "invalid_request")


def test_oidcc_scope_profile(rp: RelyingParty) -> None:
    scope_gives(rp, "openid profile", PROFILE)


def test_oidcc_scope_email(rp: RelyingParty) -> None:
    scope_gives(rp, "openid email", EMAIL)


def test_oidcc_scope_address(rp: RelyingParty) -> None:
    scope_gives(rp, "openid address", ADDRESS)


def test_oidcc_scope_phone(rp: RelyingParty) -> None:
    scope_gives(rp, "openid phone", PHONE)


def test_oidcc_scope_all(rp: RelyingParty) -> None:
    scope_gives(rp, "openid address email phone profile", ADDRESS | EMAIL | PHONE | PROFILE)


def test_oidcc_alternate_happy_flow(rp: RelyingParty) -> None:
    """The order of scopes and of parameters means nothing."""
    parameters = rp.parameters(scope="phone openid")
    backwards = dict(reversed(parameters.items()))
    assert list(backwards) != list(parameters)
    tokens = rp.exchange(rp.granted(rp.browser.log_in(rp.browser.open(rp.url(backwards)))))
    claims = rp.userinfo(tokens) if tokens.access_tokens else tokens.id_token
    assert claims.keys() >= PHONE


def test_oidcc_display_page(rp: RelyingParty) -> None:
    display_is_no_error(rp, "page")


def test_oidcc_display_popup(rp: RelyingParty) -> None:
    display_is_no_error(rp, "popup")


def display_is_no_error(rp: RelyingParty, display: str) -> None:
    """A browser without cookies sees the login page whatever ``display`` says."""
    happy(rp, display=display)
    assert rp.browser.seen == ["id_number", "otp"]


def test_oidcc_prompt_login(rp: RelyingParty) -> None:
    """The citizen logs in a second time, later."""
    first = happy(rp)
    a_second_after(first)
    rp.browser.seen.clear()
    second = happy(rp, prompt="login")
    assert rp.browser.seen == ["id_number", "otp"]
    assert second.id_token["auth_time"] > first.id_token["auth_time"]
    assert second.id_token["sub"] == first.id_token["sub"]


def a_second_after(tokens: Tokens) -> None:
    """Wait until the login of the ID token is more than a second old: ``auth_time`` is whole."""
    time.sleep(max(0.0, tokens.id_token["auth_time"] + 1.1 - time.time()))


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    rp.refused(rp.open(prompt="none"), "login_required")


def test_oidcc_prompt_none_logged_in(rp: RelyingParty) -> None:
    first = happy(rp)
    second = silently(rp, prompt="none")
    same_login(first, second)


def silently(rp: RelyingParty, **changes: str) -> Tokens:
    """Tokens that the citizen was asked nothing for."""
    at = rp.open(**changes)
    assert isinstance(at, Callback), "the citizen is not to be asked"
    return rp.exchange(rp.granted(at))


def same_login(first: Tokens, second: Tokens) -> None:
    """Two ID tokens of one authentication of one citizen."""
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert second.id_token[name] == first.id_token[name], name


def test_oidcc_max_age_1(rp: RelyingParty) -> None:
    """A second after the first login ``max_age=1`` asks for another."""
    first = happy(rp)
    a_second_after(first)
    rp.browser.seen.clear()
    second = happy(rp, max_age="1")
    assert rp.browser.seen == ["id_number", "otp"]
    assert second.id_token["auth_time"] > first.id_token["auth_time"]


def test_oidcc_max_age_10000(rp: RelyingParty) -> None:
    first = happy(rp, max_age="15000")
    second = silently(rp, max_age="10000")
    same_login(first, second)


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) -> None:
    happy(rp, extra="foobar")


def test_oidcc_id_token_hint(rp: RelyingParty) -> None:
    first = happy(rp)
    second = silently(rp, prompt="none", id_token_hint=first.id_token_text)
    same_login(first, second)


def test_oidcc_login_hint(rp: RelyingParty) -> None:
    happy(rp, login_hint="buffy@localhost")


def test_oidcc_ui_locales(rp: RelyingParty) -> None:
    """A language that the provider does not speak is no error; one it speaks is spoken."""
    happy(rp, ui_locales="se")
    page = rp.open(ui_locales="en", prompt="login")
    assert isinstance(page, Page)
    assert '<html lang="en"' in page.html


def test_oidcc_claims_locales(rp: RelyingParty) -> None:
    happy(rp, claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    offered = rp.metadata["acr_values_supported"]
    tokens = happy(rp, acr_values=" ".join(offered))
    assert tokens.id_token["acr"] in offered


def test_oidcc_codereuse(rp: RelyingParty) -> None:
    reuse_is_refused(rp, after=0)


def test_oidcc_codereuse_30seconds(rp: RelyingParty) -> None:
    """That a code was used is remembered beyond its life, so a second tells what thirty would."""
    reuse_is_refused(rp, after=1)


def reuse_is_refused(rp: RelyingParty, *, after: float) -> None:
    """A code used twice is refused, and what it gave is revoked (RFC 6749 §4.1.2)."""
    callback = rp.authorize()
    tokens = rp.exchange(callback)
    time.sleep(after)
    again = rp.redeem(callback)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    for token in tokens.access_tokens:
        revoked = rp.ask_userinfo(tokens, headers={"Authorization": f"Bearer {token}"})
        assert revoked.status_code == 401
        assert 'error="invalid_token"' in revoked.headers["www-authenticate"]
    assert rp.refresh(tokens.answer["refresh_token"]).json()["error"] == "invalid_grant"


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    """An error page, and no way to the unregistered address."""
    page = rp.open(redirect_uri=f"{rp.client['redirect_uris'][0]}/unregistered")
    assert isinstance(page, Page)
    assert page.status == 400
    assert page.error == "invalid_redirect_uri"
    assert "/unregistered" not in page.html


def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty) -> None:
    """By POST from another site, where the browser holds its Lax cookies back."""
    endpoint = rp.metadata["authorization_endpoint"]
    at = rp.browser.post(endpoint, rp.parameters().items())
    first = rp.exchange(rp.granted(rp.browser.log_in(at)))
    at = rp.browser.post(endpoint, rp.parameters(prompt="none").items())
    assert isinstance(at, Callback), "the session is found all the same"
    same_login(first, rp.exchange(rp.granted(at)))


def test_oidcc_server_client_secret_post(rp: RelyingParty, clients: Clients) -> None:
    happy(replace(rp, client=clients.of("client_secret_post", rp.response_type)))


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) -> None:
    at = rp.open(request_uri="https://suite.example/request.jwt")
    rp.refused(at, "request_uri_not_supported")


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) -> None:
    """Supported: what it says counts (OIDC Core §6.1)."""
    rp.exchange(rp.granted(by_request_object(rp, **rp.parameters())))


def by_request_object(rp: RelyingParty, *, outside: str = "", **inside: str) -> Callback:
    """A login whose request is in an unsigned object; beside it what must be there (§6.1).

    ``outside`` is the redirect URI beside it, that of the object unless it is another.
    """
    beside = {name: inside[name] for name in ("client_id", "response_type", "scope")}
    beside["redirect_uri"] = outside or inside["redirect_uri"]
    url = rp.url({**beside, "request": unsigned_token(inside)})
    at = rp.browser.log_in(rp.browser.open(url))
    rp.asked = inside
    return at


def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    """The claim is where it was asked for: in the ID token only where that is all there is."""
    place = "id_token" if rp.response_type == "id_token" else "userinfo"
    claims = json.dumps({place: {"name": {"essential": True}}})
    tokens = rp.exchange(rp.authorize(claims=claims))
    found = rp.userinfo(tokens) if tokens.access_tokens else tokens.id_token
    assert found["name"] == "Trần Thị Mai"
    assert ("name" in tokens.id_token) is (place == "id_token")


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    """The address in the object counts, whatever stands beside it, and must be registered."""
    good = rp.parameters()
    bad = f"{good['redirect_uri']}/unregistered"
    rp.exchange(rp.granted(by_request_object(rp, outside=bad, **good)))
    page = rp.open(request=unsigned_token({**good, "redirect_uri": bad}))
    assert isinstance(page, Page)
    assert page.error == "invalid_redirect_uri"


def test_oidcc_refresh_token(rp: RelyingParty, clients: Clients) -> None:
    """Refresh tokens work, rotate, and belong to their client."""
    first = happy(rp, scope="openid offline_access", prompt="consent")
    response = rp.refresh(first.answer["refresh_token"])
    second = rp.verified(response, nonce=None)  # OIDC Core §12.2: the nonce need not come again
    same_login(first, second)
    assert second.id_token["iat"] >= first.id_token["iat"]
    assert second.access_token != first.access_token
    rp.userinfo(second)
    other = replace(rp, client=clients.of("client2", rp.response_type))
    stolen = other.refresh(second.answer["refresh_token"])
    assert stolen.status_code == 400
    assert stolen.json()["error"] == "invalid_grant"
    third = rp.verified(rp.refresh(second.answer["refresh_token"]), nonce=None)
    rp.userinfo(third)


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    callback = rp.authorize(code_challenge=CHALLENGE, code_challenge_method="S256")
    rp.userinfo(rp.exchange(callback, code_verifier=VERIFIER))

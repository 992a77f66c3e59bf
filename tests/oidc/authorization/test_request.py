"""The authorization request: one test a check."""

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.request import MAX_LENGTHS, AuthorizationRequest, parse
from idp.oidc.authorization.response_type import mode_of
from idp.oidc.clients.model import Client, Text
from idp.oidc.clients.profile import BASELINE
from idp.oidc.consent.model import RequestedClaims
from idp.oidc.errors import OAuthError, invalid_request
from idp.oidc.vocabulary import JARM_MODES, RESPONSE_TYPES
from idp.web.http import Params

CALLBACK = "https://portal.example.vn/cb"
CLIENT = Client(
    client_id="portal",
    client_name=Text("Cổng"),
    sector="portal.example.vn",
    redirect_uris=(CALLBACK,),
    scope=("openid", "profile", "pid", "phone"),
    required_claims=("pid",),
)
EVERY_TYPE = replace(
    CLIENT, response_types=RESPONSE_TYPES, grant_types=("authorization_code", "implicit")
)
FRONT_CHANNEL = [each for each in RESPONSE_TYPES if each != "code"]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
MINIMAL = {"response_type": "code", "scope": "openid"}


def subject_of(token: str, client: Client) -> str:
    if not token.startswith("hint-of-"):
        raise invalid_request("not a hint")
    return token.removeprefix("hint-of-")


def request(
    client: Client = CLIENT, *extra: tuple[str, str], **changes: str | None
) -> AuthorizationRequest:
    pairs = {**MINIMAL, **changes}
    params = Params([*((name, value) for name, value in pairs.items() if value), *extra])
    mode = mode_of(params, client)
    return parse(params, Destination(client, CALLBACK, "s", mode), subject_of)


def refusal(client: Client = CLIENT, *extra: tuple[str, str], **changes: str | None) -> str:
    with pytest.raises(OAuthError) as caught:
        request(client, *extra, **changes)
    return caught.value.error


def test_the_least_request() -> None:
    assert request() == AuthorizationRequest(
        client_id="portal",
        redirect_uri=CALLBACK,
        state="s",
        scope=("openid",),
        nonce=None,
        code_challenge="",
        prompt=(),
        max_age=None,
        level=1,
        claims=(),
        id_token_claims=(),
        asked=RequestedClaims(),
        subject=None,
    )


def test_a_request_survives_its_transaction() -> None:
    claims = {"userinfo": {"name": {"essential": True}}, "id_token": {"pid": None}}
    asked = request(
        nonce="n",
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        prompt="login consent",
        max_age="60",
        claims=json.dumps(claims),
        id_token_hint="hint-of-me",
        scope="openid phone",
    )
    stored = json.loads(json.dumps(asked.dump()))
    assert AuthorizationRequest.load(stored) == asked


def test_unknown_parameters_are_passed_over_however_often() -> None:
    assert request(CLIENT, ("extra", "1"), ("extra", "2"), display="popup") == request()


@pytest.mark.attack("B02")
@pytest.mark.parametrize(
    "asked", ["token", "none", None, "CODE", "code none", "code code", " code"]
)
def test_B02_unknown_response_types(asked: str | None) -> None:
    assert refusal(EVERY_TYPE, response_type=asked, nonce="n") == "unsupported_response_type"


@pytest.mark.attack("B02")
@pytest.mark.parametrize("asked", FRONT_CHANNEL)
def test_B02_only_to_clients_registered_for_it(asked: str) -> None:
    """None but the code by default; nor what is registered and the profile or grants rule out."""
    assert request(EVERY_TYPE, response_type=asked, nonce="n").response_type == asked
    others = tuple(each for each in RESPONSE_TYPES if each != asked)
    for client in (
        CLIENT,
        replace(EVERY_TYPE, response_types=others),
        replace(EVERY_TYPE, profile=replace(BASELINE, response_types=others)),
        replace(EVERY_TYPE, grant_types=("client_credentials",)),
    ):
        assert refusal(client, response_type=asked, nonce="n") == "unsupported_response_type"


@pytest.mark.attack("B02")
@pytest.mark.parametrize(
    "change", [{"grant_types": ("client_credentials",)}, {"response_types": ()}]
)
def test_B02_the_code_only_to_clients_registered_for_it(change: Mapping[str, Any]) -> None:
    assert refusal(replace(CLIENT, **change)) == "unauthorized_client"


@pytest.mark.parametrize("asked", RESPONSE_TYPES)
def test_the_order_of_a_response_type_means_nothing(asked: str) -> None:
    for values in itertools.permutations(asked.split()):
        found = request(EVERY_TYPE, response_type=" ".join(values), nonce="n")
        assert found.response_type == asked


@pytest.mark.parametrize("asked", RESPONSE_TYPES)
def test_an_id_token_in_the_answer_needs_openid_and_a_nonce(asked: str) -> None:
    if "id_token" in asked:
        assert refusal(EVERY_TYPE, response_type=asked) == "invalid_request"
        plain = replace(EVERY_TYPE, scope=("phone",))
        assert refusal(plain, response_type=asked, nonce="n", scope="phone") == "invalid_scope"
    else:
        assert request(EVERY_TYPE, response_type=asked).nonce is None


def test_pkce_is_of_the_code_alone() -> None:
    public = replace(EVERY_TYPE, token_endpoint_auth_method="none")
    assert request(public, response_type="id_token", nonce="n").code_challenge == ""
    for asked in RESPONSE_TYPES:
        if "code" in asked:
            assert refusal(public, response_type=asked, nonce="n") == "invalid_request"


@pytest.mark.attack("R07")
@pytest.mark.parametrize(
    "change",
    [
        {"dpop_bound_access_tokens": True},
        {"tls_client_certificate_bound_access_tokens": True},
        {"profile": replace(BASELINE, sender_constrained=True)},
    ],
)
def test_R07_no_front_channel_token_for_who_must_prove_a_key(change: Mapping[str, Any]) -> None:
    client = replace(EVERY_TYPE, **change)
    for asked in RESPONSE_TYPES:
        if "token" in asked.split():
            assert refusal(client, response_type=asked, nonce="n") == "unauthorized_client"
        else:
            assert request(client, response_type=asked, nonce="n").response_type == asked


@pytest.mark.attack("B03")
@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "web_message", "x", "QUERY", ".jwt"])
def test_B03_a_code_is_never_in_a_fragment_unless_registered(mode: str) -> None:
    assert refusal(response_mode=mode) == "invalid_request"
    if mode.startswith("fragment"):
        assert request(EVERY_TYPE, response_mode=mode).response_mode == mode


@pytest.mark.attack("B03")
@pytest.mark.parametrize("mode", ["query", "query.jwt"])
@pytest.mark.parametrize("asked", FRONT_CHANNEL)
def test_B03_tokens_are_never_in_a_query(asked: str, mode: str) -> None:
    found = refusal(EVERY_TYPE, response_type=asked, nonce="n", response_mode=mode)
    assert found == "invalid_request"


@pytest.mark.parametrize("asked", RESPONSE_TYPES)
def test_each_response_type_has_its_usual_mode(asked: str) -> None:
    usual = "query" if asked == "code" else "fragment"
    for mode, meant in (
        (None, usual),
        ("jwt", f"{usual}.jwt"),
        ("form_post", "form_post"),
        ("form_post.jwt", "form_post.jwt"),
        (usual, usual),
    ):
        found = request(EVERY_TYPE, response_type=asked, nonce="n", response_mode=mode)
        assert found.response_mode == meant


def test_a_profile_may_want_every_answer_signed() -> None:
    strict = replace(CLIENT, profile=replace(BASELINE, response_modes=JARM_MODES))
    for mode in (None, "query", "form_post"):
        assert refusal(strict, response_mode=mode) == "invalid_request"
    assert request(strict, response_mode="jwt").response_mode == "query.jwt"


def test_claims_of_the_scope_are_in_an_id_token_that_comes_alone() -> None:
    """OIDC Core §5.4; and nothing can be asked of a UserInfo that no token is for (§5.5)."""
    claims = json.dumps({"id_token": {"pid": None}})
    changes = {"scope": "openid phone", "nonce": "n", "claims": claims}
    alone = request(EVERY_TYPE, response_type="id_token", **changes)
    phone = ("phone_number", "phone_number_verified")
    assert (alone.claims, alone.id_token_claims) == ((), (*phone, "pid"))
    both = request(EVERY_TYPE, response_type="id_token token", **changes)
    assert (both.claims, both.id_token_claims) == (phone, ("pid",))
    assert alone.asked == both.asked
    asked = {"response_type": "id_token", "nonce": "n", "claims": '{"userinfo":{"pid":null}}'}
    assert refusal(EVERY_TYPE, **asked) == "invalid_request"


@pytest.mark.attack("B05")
@pytest.mark.parametrize("name", [*MAX_LENGTHS, "scope"])
def test_B05_no_parameter_twice(name: str) -> None:
    value = MINIMAL.get(name, "x")
    assert refusal(CLIENT, (name, value), **{name: value}) == "invalid_request"


def test_what_is_not_supported_has_its_own_error() -> None:
    assert refusal(registration="x") == "registration_not_supported"


@pytest.mark.attack("B06")
@pytest.mark.parametrize(
    "scope",
    [
        "profile",
        "openid email",
        "unknown",
        "openid\tprofile",
        'openid "',
        "openid \x01",
        " ".join(f"s{number}" for number in range(10_000)),
    ],
)
def test_B06_only_registered_scopes(scope: str) -> None:
    before = time.thread_time()
    assert refusal(scope=scope) == "invalid_scope"
    assert time.thread_time() - before < 0.2


@pytest.mark.parametrize("scope", ["openid unknown", " openid  phone ", "x:y openid openid phone"])
def test_unknown_scopes_and_doubled_spaces_are_ignored(scope: str) -> None:
    wanted = ("openid", "phone") if "phone" in scope else ("openid",)
    assert request(scope=scope).scope == wanted


def test_scope_is_required() -> None:
    """OIDC Core §3.1.2.1; FAPI 1.0 conformance wants just this error."""
    assert refusal(scope=None) == "invalid_request"


def test_scope_in_any_order_and_offline_access() -> None:
    assert request(scope="phone offline_access openid").claims == (
        "phone_number",
        "phone_number_verified",
    )


def test_a_client_without_openid_gets_plain_oauth() -> None:
    plain = replace(CLIENT, scope=("profile",))
    assert request(plain, scope="profile").scope == ("profile",)
    assert refusal(plain, scope="openid") == "invalid_scope"


@pytest.mark.attack("B08")
def test_B08_nonce() -> None:
    assert request(nonce="n" * 64).nonce == "n" * 64
    assert refusal(nonce="n" * 10_240) == "invalid_request"


SIGNED = replace(EVERY_TYPE, profile=replace(BASELINE, signed_answers=True, nonce_required=True))


@pytest.mark.parametrize("nonce", [None, "n"])
def test_a_profile_may_want_a_nonce_with_every_code(nonce: str | None) -> None:
    asked = {"response_mode": "jwt", "nonce": nonce}
    if nonce:
        assert request(SIGNED, **asked).nonce == nonce
    else:
        assert refusal(SIGNED, **asked) == "invalid_request"


@pytest.mark.parametrize(
    ("response_type", "mode", "travels"),
    [
        ("code", "jwt", "query.jwt"),
        ("code", "form_post.jwt", "form_post.jwt"),
        ("code id_token", None, "fragment"),
        ("code id_token", "form_post", "form_post"),
        ("code id_token", "jwt", "fragment.jwt"),
        ("code", None, ""),
        ("code", "query", ""),
        ("code", "fragment", ""),
        ("code", "form_post", ""),
        ("code id_token", "query", ""),
    ],
)
def test_a_profile_may_want_a_signed_answer_or_an_id_token_in_it(
    response_type: str, mode: str | None, travels: str
) -> None:
    """FAPI 1.0 Advanced §5.2.2-2."""
    asked = {"response_type": response_type, "response_mode": mode, "nonce": "n"}
    if travels:
        assert request(SIGNED, **asked).response_mode == travels
    else:
        assert refusal(SIGNED, **asked) == "invalid_request"


@pytest.mark.attack("C02")
@pytest.mark.parametrize("method", ["plain", None, "s256", "S512"])
def test_C02_only_S256(method: str | None) -> None:
    assert refusal(code_challenge=CHALLENGE, code_challenge_method=method) == "invalid_request"


@pytest.mark.attack("C07")
@pytest.mark.parametrize(
    "challenge",
    [
        CHALLENGE[:-1],
        CHALLENGE + "A" * 86,
        CHALLENGE[:-1] + "!",
        CHALLENGE[:-1] + "N",
        CHALLENGE + "=",
    ],
)
def test_C07_only_a_digest(challenge: str) -> None:
    assert refusal(code_challenge=challenge, code_challenge_method="S256") == "invalid_request"


@pytest.mark.attack("C08")
def test_C08_an_empty_challenge_is_a_missing_one() -> None:
    public = replace(CLIENT, token_endpoint_auth_method="none")
    assert (
        refusal(public, ("code_challenge", ""), code_challenge_method="S256") == "invalid_request"
    )
    assert (
        refusal(CLIENT, ("code_challenge", ""), code_challenge_method="S256") == "invalid_request"
    )
    assert refusal(public) == "invalid_request"
    good = request(public, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert good.code_challenge == CHALLENGE


@pytest.mark.attack("B12")
@pytest.mark.parametrize("prompt", ["none login", "unknown", "create", "LOGIN"])
def test_B12_prompt(prompt: str) -> None:
    assert refusal(prompt=prompt) == "invalid_request"
    assert request(prompt="login consent").prompt == ("consent", "login")
    assert request(prompt="consent").asked.anew


@pytest.mark.attack("B11")
@pytest.mark.parametrize("max_age", ["-1", "1.5", "1e9", "٣", "9" * 11, "+1", " 1"])
def test_B11_max_age_is_a_number_of_seconds(max_age: str) -> None:
    assert refusal(max_age=max_age) == "invalid_request"


def test_max_age_falls_back_to_the_registered_one() -> None:
    assert request(replace(CLIENT, default_max_age=300)).max_age == 300
    assert request(replace(CLIENT, default_max_age=300), max_age="0").max_age == 0


@pytest.mark.attack("B14")
def test_B14_a_bad_hint_refuses_the_request() -> None:
    assert refusal(id_token_hint="forged") == "invalid_request"
    assert request(id_token_hint="hint-of-x").subject == "x"


def test_two_subjects_are_no_request() -> None:
    claims = json.dumps({"id_token": {"sub": {"value": "y"}}})
    assert request(claims=claims).subject == "y"
    assert request(claims=claims, id_token_hint="hint-of-y").subject == "y"
    assert refusal(claims=claims, id_token_hint="hint-of-x") == "invalid_request"


@pytest.mark.attack("B15")
@pytest.mark.parametrize("name", ["ui_locales", "claims_locales"])
def test_B15_locales_are_bounded(name: str) -> None:
    locales = " ".join(f"l{number}" for number in range(10_000))
    assert refusal(**{name: locales}) == "invalid_request"
    assert request(**{name: "se vi-VN"}) == request()


@pytest.mark.attack("B17")
@pytest.mark.parametrize("hint", ["<b>", "' OR 1=1--", "000199000001"])
def test_B17_login_hint_changes_nothing(hint: str) -> None:
    assert request(login_hint=hint) == request()


def test_which_claims_are_asked_and_which_of_them_are_required() -> None:
    claims = {
        "userinfo": {"name": {"essential": True}, "gender": None},
        "id_token": {"pid": {"essential": False}, "auth_time": {"essential": True}},
    }
    asked = request(scope="openid phone", claims=json.dumps(claims))
    assert asked.claims == ("gender", "name", "phone_number", "phone_number_verified")
    assert asked.id_token_claims == ("pid",)
    assert asked.asked == RequestedClaims(
        required=("name", "pid"), voluntary=("gender", "phone_number", "phone_number_verified")
    )


@pytest.mark.attack("Q05")
def test_Q05_claims_beyond_the_registration_are_not_asked_for() -> None:
    everything = {name: {"essential": True} for name in ("email", "address", "age_over_18", "name")}
    asked = request(claims=json.dumps({"userinfo": everything, "id_token": everything}))
    assert asked.claims == asked.id_token_claims == ("name",)


VALUES = st.text(max_size=80) | st.sampled_from(
    ["code", "openid", "openid profile", "none", "S256", CHALLENGE, "1", "query", "{}", "[]"]
)


@given(
    st.lists(
        st.tuples(st.sampled_from([*MAX_LENGTHS, "scope", "request", "x"]), VALUES), max_size=12
    )
)
def test_any_parameters_are_a_request_or_an_oauth_error(pairs: list[tuple[str, str]]) -> None:
    answer: AuthorizationRequest | OAuthError
    try:
        answer = parse(Params(pairs), Destination(CLIENT, CALLBACK, None), subject_of)
    except OAuthError as error:
        answer = error
    if isinstance(answer, OAuthError):  # RFC 6749 §4.1.2.1: what a description may hold
        assert all(" " <= each <= "~" and each not in '"\\' for each in answer.description)
    else:
        assert AuthorizationRequest.load(json.loads(json.dumps(answer.dump()))) == answer


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda each: (
            st.lists(each, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["id_token", "userinfo", "acr", "sub", "value", "values", "essential"]
                ),
                each,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_claims_parameter_is_a_request_or_an_oauth_error(value: Any) -> None:
    error = ""
    try:
        request(claims=json.dumps(value))
    except OAuthError as refused:
        error = refused.error
    assert error in ("", "invalid_request", "unmet_authentication_requirements")


# What tokens are for, and bound to


def test_resources_are_registered_ones() -> None:
    client = replace(CLIENT, resource="https://tax.example.vn https://health.example.vn")
    assert request(client).resource == client.resource
    assert request(client, resource="https://tax.example.vn").resource == "https://tax.example.vn"
    both = [("resource", each) for each in reversed(client.resource.split())]
    assert request(client, *both).resource == "https://health.example.vn https://tax.example.vn"
    assert refusal(client, resource="https://evil.example") == "invalid_target"
    assert refusal(client, *both, ("resource", "https://evil.example")) == "invalid_target"
    assert refusal(resource="https://tax.example.vn") == "invalid_target"


def test_dpop_jkt_is_a_thumbprint() -> None:
    jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # RFC 9449 §6.1
    assert request(dpop_jkt=jkt).dpop_jkt == jkt
    assert request().dpop_jkt == ""
    for odd in (jkt[:-1], jkt + "x", jkt[:-1] + "="):
        assert refusal(dpop_jkt=odd) == "invalid_request"
    assert refusal(CLIENT, ("dpop_jkt", jkt), ("dpop_jkt", jkt)) == "invalid_request"

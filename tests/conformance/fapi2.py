"""The modules that the FAPI 2.0 security profile's plan and the message signing plan share.

A file of a plan has these names, and fixtures ``party`` and ``other``: the suite's two clients in
one browser. Where a module is for other variants than ``plain_fapi`` it holds nothing here.
"""

import json
import secrets
import time
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.conformance.fapi import FapiParty
from tests.conformance.live import Provider
from tests.conformance.suite import Browser, Callback, Page
from tests.proofs import DpopKey

REFUSED = {"invalid_client", "invalid_request"}


def token(
    party: FapiParty, callback: Callback, *, changes: dict[str, str] | None = None, **how: Any
) -> httpx.Response:
    """The answer to a code that is redeemed in an odd way; a member that is empty is left out."""
    form = {
        "grant_type": "authorization_code",
        "code": callback.members["code"],
        "redirect_uri": party.asked["redirect_uri"],
        "code_verifier": party.verifier,
        **(changes or {}),
    }
    kept = {name: each for name, each in form.items() if each}
    return party.send(party.metadata["token_endpoint"], kept, **how)


def failed(response: httpx.Response, *errors: str) -> None:
    """Check an error of a back channel (RFC 6749 §5.2)."""
    assert response.status_code in {400, 401}, response.text
    assert response.json()["error"] in errors, response.text
    assert not {"access_token", "request_uri"} & response.json().keys()


def is_a_page(at: Page | Callback, *errors: str) -> None:
    """Check that the citizen is told, by the provider itself."""
    assert isinstance(at, Page)
    assert at.status == 400
    assert at.error in errors


def expire(op: Provider, kind: str, handle: str, longest: int) -> None:
    """Let what is kept under a handle come to its end, which is no further off than it may be."""
    (path,) = op.directory.glob("var/**/*.sock")
    with Redis(unix_socket_path=str(path)) as redis:
        (key,) = redis.scan_iter(f"{kind}:{{{handle[:11]}}}:*")
        assert 0 < redis.ttl(key) <= longest
        redis.pexpire(key, 1)
    time.sleep(0.01)


# The authorization request


def test_fapi2_security_profile_final_discovery_end_point_verification(party: FapiParty) -> None:
    found = party.metadata
    for name, wanted in (
        ("response_types_supported", {"code"}),
        ("grant_types_supported", {"authorization_code"}),
        ("code_challenge_methods_supported", {"S256"}),
        ("token_endpoint_auth_methods_supported", {"private_key_jwt"}),
        ("token_endpoint_auth_signing_alg_values_supported", {"ES256", "PS256"}),
        ("dpop_signing_alg_values_supported", {"ES256", "PS256"}),
        ("id_token_signing_alg_values_supported", {"ES256"}),
        ("request_object_signing_alg_values_supported", {"ES256", "PS256"}),
        ("authorization_signing_alg_values_supported", {"ES256"}),
        ("response_modes_supported", {"jwt"}),
        ("scopes_supported", {"openid"}),
    ):
        assert wanted <= set(found[name]), name
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    for name in ("pushed_authorization_request", "token", "authorization"):
        assert found[f"{name}_endpoint"].startswith(f"{found['issuer']}/")


def test_fapi2_security_profile_final_happy_flow(party: FapiParty, other: FapiParty) -> None:
    first, second = party.happy(), other.happy(state=secrets.token_urlsafe(40))
    assert first.id_token["sub"] != second.id_token["sub"]  # of two sectors
    bare = party.ask_userinfo(first, headers={"Authorization": f"Bearer {first.access_token}"})
    assert bare.status_code == 401
    stolen = DpopKey()
    own, party.dpop = party.dpop, stolen
    assert party.ask_userinfo(first).status_code == 401
    party.dpop = own


def test_fapi2_security_profile_final_user_rejects_authentication(
    party: FapiParty, fresh: Browser
) -> None:
    known, party.browser = party.browser, fresh
    try:
        page = party.open()
        assert isinstance(page, Page)
        done = fresh.submit(page, ("action", "cancel"))
        party.refused(done, "access_denied")
    finally:
        party.browser = known


def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    party: FapiParty,
) -> None:
    callback = party.authorize(state=None)
    assert "state" not in callback.members
    assert "s_hash" not in party.exchange(callback).id_token


def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    party: FapiParty,
) -> None:
    assert "nonce" not in party.happy(nonce=None).id_token


def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    party: FapiParty,
) -> None:
    nonce = secrets.token_urlsafe(48)
    assert len(nonce) == 64
    assert party.happy(nonce=nonce).id_token["nonce"] == nonce


def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(party: FapiParty) -> None:
    party.happy(scope="phone openid")


def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(
    party: FapiParty,
) -> None:
    names = set(party.metadata["claims_supported"])
    wanted = names & {"name", "given_name", "family_name", "birthdate", "email"}
    asked: dict[str, Any] = {name: {"essential": True} for name in wanted}
    tokens = party.exchange(party.authorize(claims=json.dumps({"userinfo": asked})))
    assert wanted <= party.userinfo(tokens).keys()


def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    party: FapiParty,
) -> None:
    """What is pushed wins."""
    reference = party.pushed(party.push())
    at = party.browser.log_in(party.visit(reference, nonce="outside"))
    assert party.exchange(party.granted(at)).id_token["nonce"] == party.asked["nonce"]


def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    party: FapiParty,
) -> None:
    reference = party.pushed(party.push())
    at = party.granted(party.browser.log_in(party.visit(reference, state="outside")))
    party.exchange(at)


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(
    party: FapiParty,
) -> None:
    party.happy(nonce=secrets.token_urlsafe(288))
    assert len(party.asked["nonce"]) == 384


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(
    party: FapiParty,
) -> None:
    party.happy(state=secrets.token_urlsafe(288))
    assert len(party.asked["state"]) == 384


def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(
    party: FapiParty,
) -> None:
    reference = party.pushed(party.push(state=None))
    at = party.granted(party.browser.log_in(party.visit(reference, state="outside")))
    assert "state" not in at.members
    assert "s_hash" not in party.exchange(at).id_token


def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    party: FapiParty,
) -> None:
    party.not_pushed(party.push(redirect_uri=None), "invalid_request")


def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(
    party: FapiParty,
) -> None:
    """Not tolerated (RFC 9126 §2.4 would let it be)."""
    odd = f"{party.client['redirect_uris'][0]}/{secrets.token_hex(4)}"
    party.not_pushed(party.push(redirect_uri=odd), "invalid_request")


def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    party: FapiParty,
) -> None:
    at = party.browser.open(party.url(party.parameters()))
    party.refused(at, "invalid_request")


def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(
    party: FapiParty,
) -> None:
    party.not_pushed(party.push(redirect_uri=None), "invalid_request")


def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(
    party: FapiParty,
) -> None:
    response = party.push(response_type="code id_token")
    party.not_pushed(response, "unsupported_response_type", "unauthorized_client")


def test_fapi2_security_profile_final_ensure_response_type_token_fails(party: FapiParty) -> None:
    response = party.push(response_type="token")
    party.not_pushed(response, "unsupported_response_type", "unauthorized_client")


# Pushed requests


def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(  # noqa: E501
    party: FapiParty, fresh: Browser
) -> None:
    known, party.browser = party.browser, fresh
    try:
        reference = party.pushed(party.push())
        first = party.visit(reference)
        assert isinstance(first, Page)
        assert first.form("id_number")
        callback = party.granted(fresh.log_in(party.visit(reference)))
        party.userinfo(party.exchange(callback))
    finally:
        party.browser = known


def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(party: FapiParty) -> None:
    reference = party.pushed(party.push())
    party.exchange(party.granted(party.browser.log_in(party.visit(reference))))
    is_a_page(party.visit(reference), "invalid_request_uri")


def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(
    party: FapiParty, op: Provider
) -> None:
    response = party.push()
    reference = party.pushed(response)
    expire(op, "par", reference.rpartition(":")[2], response.json()["expires_in"])
    is_a_page(party.visit(reference), "invalid_request_uri")


def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    party: FapiParty, other: FapiParty
) -> None:
    reference = party.pushed(party.push())
    is_a_page(other.visit(reference), "invalid_request_uri")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    party: FapiParty,
) -> None:
    members = party.parameters()
    form = {"request": party.request_object(members)} if party.signed else members
    odd = {"request_uri": f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(32)}"}
    party.not_pushed(party.push(form={**form, **odd}), "invalid_request")


def test_fapi2_security_profile_final_par_attempt_invalid_http_method(party: FapiParty) -> None:
    url, form = party.metadata["pushed_authorization_request_endpoint"], party.parameters()
    for method in ("PUT", "GET"):
        answer = party.http.request(method, url, params=form | party.authentication())
        assert answer.status_code == 405
        assert "request_uri" not in answer.text


def test_fapi2_security_profile_final_par_ensure_pkce_required(party: FapiParty) -> None:
    response = party.push(code_challenge=None, code_challenge_method=None)
    party.not_pushed(response, "invalid_request")


def test_fapi2_security_profile_final_par_plain_pkce_rejected(party: FapiParty) -> None:
    response = party.push(code_challenge="p" * 43, code_challenge_method="plain")
    party.not_pushed(response, "invalid_request")


def test_fapi2_security_profile_final_par_without_duplicate_parameters(party: FapiParty) -> None:
    party.happy()  # every visit of this suite has the two parameters only


# Client authentication: private_key_jwt


def pushed_with(party: FapiParty, **changes: Any) -> httpx.Response:
    """The answer to a push with an assertion changed."""
    members = party.parameters()
    form = {"request": party.request_object(members)} if party.signed else members
    return party.send(
        party.metadata["pushed_authorization_request_endpoint"],
        form | {"client_id": party.client["client_id"]},
        authentication=party.authentication(**changes),
    )


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(  # noqa: E501
    party: FapiParty,
) -> None:
    party.happy()  # the nonce is known, so that one assertion is enough
    now = int(time.time())
    party.pushed(pushed_with(party, nbf=now + 8, iat=now + 8))


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(  # noqa: E501
    party: FapiParty,
) -> None:
    now = int(time.time())
    failed(pushed_with(party, nbf=now + 65, iat=now + 65, exp=now + 125), *REFUSED)


def test_fapi2_security_profile_final_par_test_array_as_audience_fails(party: FapiParty) -> None:
    failed(pushed_with(party, aud=[party.metadata["issuer"]]), *REFUSED)


def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
    party: FapiParty,
) -> None:
    aud = party.metadata["pushed_authorization_request_endpoint"]
    failed(pushed_with(party, aud=aud), *REFUSED)


def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(
    party: FapiParty,
) -> None:
    failed(pushed_with(party, aud=party.metadata["token_endpoint"]), *REFUSED)


@pytest.mark.parametrize("alg", ["RS256"])
def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails(
    party: FapiParty, alg: str
) -> None:
    callback = party.authorize()
    failed(token(party, callback, authentication=party.authentication(alg=alg)), "invalid_client")


def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(
    party: FapiParty,
) -> None:
    named = {"client_id": party.client["client_id"]}
    failed(token(party, party.authorize(), authentication=named), *REFUSED)


def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    party: FapiParty,
) -> None:
    past = int(time.time()) - 300
    odd = party.authentication(exp=past, iat=past - 60)
    failed(token(party, party.authorize(), authentication=odd), *REFUSED)


def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(
    party: FapiParty,
) -> None:
    odd = party.authentication(aud="https://other.example")
    failed(token(party, party.authorize(), authentication=odd), *REFUSED)


def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(
    party: FapiParty,
) -> None:
    odd = party.authentication(sub=None)
    failed(token(party, party.authorize(), authentication=odd), "invalid_client")


# The code


def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    party: FapiParty, other: FapiParty
) -> None:
    odd = {"client_id": other.client["client_id"]}
    failed(token(party, party.authorize(), changes=odd), *REFUSED)


def test_fapi2_security_profile_final_ensure_holder_of_key_required(party: FapiParty) -> None:
    bare = token(party, party.authorize(), proof=False)
    failed(bare, "invalid_request", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    party: FapiParty, other: FapiParty
) -> None:
    callback = party.authorize()
    other.asked, other.verifier = party.asked, party.verifier
    failed(token(other, callback), "invalid_grant")
    party.exchange(callback)


def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    party: FapiParty,
) -> None:
    callback = party.authorize()
    tokens = party.exchange(callback)
    time.sleep(1)
    failed(token(party, callback), "invalid_grant")
    assert party.ask_userinfo(tokens).status_code == 401


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    party: FapiParty, op: Provider
) -> None:
    callback = party.authorize()
    expire(op, "code", callback.members["code"], 60)
    failed(token(party, callback), "invalid_grant")


def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(party: FapiParty) -> None:
    failed(token(party, party.authorize(), changes={"code_verifier": ""}), "invalid_grant")


def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(
    party: FapiParty,
) -> None:
    odd = {"code_verifier": secrets.token_urlsafe(48)}
    failed(token(party, party.authorize(), changes=odd), "invalid_grant")


# Tokens


def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(
    party: FapiParty,
) -> None:
    tokens, url = party.happy(), party.metadata["userinfo_endpoint"]
    for scheme in ("dpop", "DPOP", "dPoP"):
        proof = party.proof("GET", url, token=tokens.access_token)
        headers = {"Authorization": f"{scheme} {tokens.access_token}", "DPoP": proof}
        assert party.ask_userinfo(tokens, headers=headers).status_code == 200


def test_fapi2_security_profile_final_refresh_token(party: FapiParty, other: FapiParty) -> None:
    first = party.exchange(party.authorize(scope="openid offline_access"))
    refresh = first.answer["refresh_token"]
    second = party.verified(party.refresh(refresh), nonce=None)
    party.userinfo(second)
    assert second.id_token["sub"] == first.id_token["sub"]
    assert second.access_token != first.access_token
    kept = second.answer.get("refresh_token", refresh)
    failed(other.refresh(kept), "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": kept}
    bare = party.send(party.metadata["token_endpoint"], form, proof=False)
    failed(bare, "invalid_request", "invalid_dpop_proof")
    unknown = party.send(
        party.metadata["token_endpoint"],
        form,
        authentication={"client_id": party.client["client_id"]},
    )
    failed(unknown, *REFUSED)
    party.userinfo(party.verified(party.refresh(kept), nonce=None))


# DPoP


def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(party: FapiParty) -> None:
    now = int(time.time())
    good = token(party, party.authorize(), proof_claims={"nbf": now, "exp": now + 60})
    assert good.status_code == 200, good.text
    for odd in ({"exp": now - 300}, {"nbf": now + 300}):
        failed(token(party, party.authorize(), proof_claims=odd), "invalid_dpop_proof")


def shifted(party: FapiParty, seconds: int) -> None:
    """A login with every proof made at another time."""
    members = party.parameters()
    form = {"request": party.request_object(members)} if party.signed else members
    claims = {"iat": int(time.time()) + seconds}
    response = party.send(
        party.metadata["pushed_authorization_request_endpoint"],
        form | {"client_id": party.client["client_id"]},
        proof_claims=claims,
    )
    at = party.granted(party.browser.log_in(party.visit(party.pushed(response))))
    claims = {"iat": int(time.time()) + seconds}
    tokens = party.verified(token(party, at, proof_claims=claims), nonce=members["nonce"])
    url = party.metadata["userinfo_endpoint"]
    proof = party.proof("GET", url, token=tokens.access_token, iat=int(time.time()) + seconds)
    headers = {"Authorization": f"DPoP {tokens.access_token}", "DPoP": proof}
    assert party.ask_userinfo(tokens, headers=headers).status_code == 200


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    party: FapiParty,
) -> None:
    shifted(party, -10)


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    party: FapiParty,
) -> None:
    shifted(party, 10)


def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(party: FapiParty) -> None:
    response = party.push(dpop_jkt=DpopKey().jkt)
    party.not_pushed(response, "invalid_dpop_proof", "invalid_request")


def bound_elsewhere(party: FapiParty, callback: Callback) -> None:
    """Check that a code is of no use with another key than it is bound to, and still good."""
    own, party.dpop = party.dpop, DpopKey()
    try:
        failed(token(party, callback), "invalid_grant", "invalid_dpop_proof")
    finally:
        party.dpop = own


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    party: FapiParty,
) -> None:
    bound_elsewhere(party, party.authorize())


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    party: FapiParty,
) -> None:
    bound_elsewhere(party, party.authorize(dpop_jkt=party.dpop.jkt))


def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
    party: FapiParty,
) -> None:
    party.happy()  # its proof at the PAR endpoint is of the key that the tokens are bound to


def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(
    party: FapiParty,
) -> None:
    party.happy(dpop_jkt=party.dpop.jkt)


def test_fapi2_security_profile_final_dpop_negative_tests(party: FapiParty) -> None:
    tokens, url = party.happy(), party.metadata["userinfo_endpoint"]
    access, now = tokens.access_token, int(time.time())

    def shown(proof: str, scheme: str = "DPoP") -> int:
        headers = {"Authorization": f"{scheme} {access}", "DPoP": proof}
        return party.ask_userinfo(tokens, headers=headers).status_code

    def made(method: str = "GET", at: str = url, **changes: Any) -> str:
        return party.proof(method, at, **({"token": access} | changes))

    assert shown(made()) == 200
    replayed = made()
    assert (shown(replayed), shown(replayed)) == (200, 401)
    for odd in (
        made("POST"),
        made(at=f"{url}/other"),
        made(at=party.metadata["token_endpoint"]),
        made(token="x"),
        made(token=""),
        made(iat=now - 3_600),
        made(iat=now + 3_600),
        made(iat=None),
        made(jti=None),
        made(htm=None),
        made(htu=None),
        made(header={"typ": "JWT"}),
        made(header={"typ": None}),
        made(header={"jwk": None}),
        made(header={"jwk": DpopKey().jwk}),
        made()[:-4] + "AAAA",
        "x",
    ):
        assert shown(odd) in {400, 401}, odd
    assert shown(made(), "Bearer") == 401
    two = [("Authorization", f"DPoP {access}"), ("DPoP", made()), ("DPoP", made())]
    assert party.ask_userinfo(tokens, headers=two).status_code in {400, 401}
    assert shown(made()) == 200

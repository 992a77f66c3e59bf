"""The modules of FAPI-CIBA ID1 about the signed request: ``test_fapi_ciba`` collects them."""

import time
from collections.abc import Callable

from tests.conformance.ciba import INVALID, RelyingParty, error


def test_fapi_ciba_id1_ensure_request_object_missing_aud_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(aud=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_bad_aud_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(aud="https://www.other1.example.com/"), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_missing_iss_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(iss=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_bad_iss_fails(
    made: Callable[..., RelyingParty], rp: RelyingParty
) -> None:
    assert error(rp.ask(iss=made("two").client_id), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_missing_exp_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(exp=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_expired_exp_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(exp=int(time.time()) - 300), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails(
    rp: RelyingParty,
) -> None:
    assert error(rp.ask(exp=int(time.time()) + 70 * 60), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_missing_iat_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(iat=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_missing_nbf_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(nbf=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails(
    rp: RelyingParty,
) -> None:
    now = int(time.time())
    assert error(rp.ask(nbf=now + 600, exp=now + 900), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails(
    rp: RelyingParty,
) -> None:
    assert error(rp.ask(nbf=int(time.time()) - 70 * 60), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_missing_jti_fails(rp: RelyingParty) -> None:
    assert error(rp.ask(jti=None), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails(
    rp: RelyingParty,
) -> None:
    assert error(rp.send(rp.keys.sign(rp.claims(), "none")), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails(
    rp: RelyingParty,
) -> None:
    head, body, signature = rp.keys.sign(rp.claims()).split(".")
    flipped = ("A" if signature[9] != "A" else "B").join((signature[:9], signature[10:]))
    assert error(rp.send(f"{head}.{body}.{flipped}"), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_RS256_fails(
    rp: RelyingParty,
) -> None:
    assert error(rp.send(rp.keys.sign(rp.claims(), "RS256")), *INVALID)


def test_fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails(
    made: Callable[..., RelyingParty], rp: RelyingParty
) -> None:
    assert error(rp.send(made("two").keys.sign(rp.claims())), *INVALID)


def test_fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails(
    rp: RelyingParty,
) -> None:
    url = rp.metadata["backchannel_authentication_endpoint"]
    form = {**rp.authentication(), "scope": "openid profile", "login_hint": "000199000001"}
    answer = rp.http.post(url, data=form, headers=rp.certificate)
    assert error(answer, *INVALID)
    signed = rp.keys.sign(rp.claims())
    assert error(rp.send(signed, login_hint="000199000001"), *INVALID)

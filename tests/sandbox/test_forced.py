"""Forced results: each ends one whole login as it says, once."""

import time
from typing import Any

import jwt
import pytest

from idp.app import Application
from idp.sandbox.forced import RESULTS, InvalidForced, parse
from tests.sandbox.portal import MAI, MINH, Portal, members, register, unverified

ERRORS = [name for name, stage in RESULTS.items() if stage == "authorize"]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_answered_at_authorize_without_a_page_and_once(
    portal: Portal, error: str
) -> None:
    portal.force(error)
    answer = members(portal.authorize())
    assert (answer["error"], answer["state"]) == (error, "s")
    assert portal.pending() == []
    assert portal.authorize().status_code == 200


def test_an_error_for_one_citizen_waits_for_that_citizen(portal: Portal) -> None:
    portal.force("access_denied", citizen=MAI)
    assert "code" in portal.log_in(portal.authorize(), MINH)
    assert portal.log_in(portal.authorize(), MAI)["error"] == "access_denied"
    assert "code" in portal.log_in(portal.authorize(), MAI)


def test_an_error_travels_in_the_response_mode_that_was_asked_for(portal: Portal) -> None:
    portal.force("server_error")
    page = portal.authorize(response_mode="form_post")
    assert 'value="server_error"' in page.text


def test_an_expired_code_is_invalid_grant(portal: Portal) -> None:
    portal.force("expired_code")
    refused = portal.redeem(portal.log_in(portal.authorize()))
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_grant")
    assert "id_token" in portal.tokens()


def test_a_level_too_low_is_in_the_id_token_and_at_introspection(portal: Portal) -> None:
    portal.force("level_too_low")
    tokens = portal.tokens()
    assert portal.verify(tokens["id_token"])["acr"] == "urn:vn:eid:level:1"
    found = portal.post("/introspect", {"token": tokens["access_token"]}).get_json()
    assert found["acr"] == "urn:vn:eid:level:1"
    assert portal.verify(portal.tokens()["id_token"])["acr"] == "urn:vn:eid:level:2"


def test_a_missing_claim_is_missing_at_userinfo(portal: Portal) -> None:
    portal.force("missing_claim", claim="birthdate")
    claims = portal.userinfo(portal.tokens()).get_json()
    assert "birthdate" not in claims
    assert "name" in claims
    assert "birthdate" in portal.userinfo(portal.tokens()).get_json()


def test_a_missing_claim_is_missing_in_the_id_token(portal: Portal) -> None:
    portal.force("missing_claim", claim="auth_time")
    assert "auth_time" not in portal.verify(portal.tokens()["id_token"])
    assert "auth_time" in portal.verify(portal.tokens()["id_token"])


def test_after_a_revoked_card_the_tokens_are_refused(portal: Portal) -> None:
    portal.force("revoked_card")
    tokens = portal.tokens(scope="openid profile")
    assert portal.verify(tokens["id_token"])
    assert portal.userinfo(tokens).status_code == 401
    assert portal.post("/introspect", {"token": tokens["access_token"]}).get_json() == {
        "active": False
    }
    renewed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert portal.post("/token", renewed).get_json()["error"] == "invalid_grant"


def test_a_slow_answer_takes_the_seconds_asked_for(portal: Portal) -> None:
    portal.force("slow_answer", seconds=1)
    answer = portal.log_in(portal.authorize())
    began = time.monotonic()
    assert portal.redeem(answer).status_code == 200
    assert time.monotonic() - began >= 1


def test_a_rotated_key_is_one_that_no_portal_has_cached(portal: Portal) -> None:
    cached = portal.jwks()
    portal.force("key_rotated")
    tokens = portal.tokens()
    kid = jwt.get_unverified_header(tokens["id_token"])["kid"]
    assert kid not in cached
    assert portal.verify(tokens["id_token"])
    assert portal.jwks().keys() > {kid}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("wrong_nonce", "another nonce"),
        ("wrong_audience", "Audience doesn't match"),
        ("wrong_issuer", "Invalid issuer"),
        ("expired_id_token", "Signature has expired"),
        ("bad_signature", "Signature verification failed"),
    ],
)
def test_a_portal_that_verifies_refuses_the_id_token(
    portal: Portal, result: str, problem: str
) -> None:
    portal.force(result)
    with pytest.raises(jwt.InvalidTokenError, match=problem):
        portal.verify(portal.tokens()["id_token"])
    assert portal.verify(portal.tokens()["id_token"])


def test_an_id_token_of_the_implicit_flow_is_changed_too(app: Application) -> None:
    implicit = register(app, grant_types=["implicit"], response_types=["id_token"])
    implicit.force("wrong_audience")
    asked = {"response_type": "id_token", "code_challenge": "", "code_challenge_method": ""}
    answer = implicit.log_in(implicit.authorize(**asked))
    assert unverified(answer["id_token"])["aud"] == "another-client"


def test_a_refresh_uses_nothing_up(portal: Portal) -> None:
    tokens = portal.tokens()
    portal.force("wrong_nonce")
    renewed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert portal.post("/token", renewed).status_code == 200
    assert portal.pending() == [{"result": "wrong_nonce"}]


def test_one_client_does_not_disturb_another(app: Application, portal: Portal) -> None:
    portal.force("access_denied")
    assert register(app).authorize().status_code == 200
    assert portal.pending() == [{"result": "access_denied"}]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "result"),
        ({"result": "no_such"}, "result"),
        ({"result": ["access_denied"]}, "result"),
        ({"result": "missing_claim"}, "claim"),
        ({"result": "missing_claim", "claim": "A B"}, "claim"),
        ({"result": "slow_answer", "seconds": 11}, "seconds"),
        ({"result": "slow_answer", "seconds": 0}, "seconds"),
        ({"result": "slow_answer", "seconds": "1e3"}, "seconds"),
        ({"result": "access_denied", "citizen": "12"}, "citizen"),
        ({"result": "access_denied", "citizen": "123456789"}, "citizen"),
    ],
)
def test_what_cannot_be_forced_is_refused_by_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidForced) as refused:
        parse(given)
    assert refused.value.field == field

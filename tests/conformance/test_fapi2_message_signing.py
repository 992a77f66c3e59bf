"""fapi2-message-signing-final-test-plan: what it adds to the security profile's plan, and that.

``private_key_jwt``, ``dpop``, ``openid_connect``, ``signed_non_repudiation``, ``jarm``.
"""

import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from tests.conformance.fapi import FapiParty
from tests.conformance.fapi2 import (  # noqa: F401 -- the modules of the security profile's plan
    test_fapi2_security_profile_final_access_token_type_header_case_sensitivity,
    test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second,
    test_fapi2_security_profile_final_check_dpop_proof_nbf_exp,
    test_fapi2_security_profile_final_discovery_end_point_verification,
    test_fapi2_security_profile_final_dpop_negative_tests,
    test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client,
    test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success,
    test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce,
    test_fapi2_security_profile_final_ensure_authorization_request_with_long_state,
    test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success,
    test_fapi2_security_profile_final_ensure_authorization_request_without_state_success,
    test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint,
    test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails,
    test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails,
    test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails,
    test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint,
    test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object,
    test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object,
    test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success,
    test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success,
    test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds,
    test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds,
    test_fapi2_security_profile_final_ensure_holder_of_key_required,
    test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails,
    test_fapi2_security_profile_final_ensure_other_scope_order_succeeds,
    test_fapi2_security_profile_final_ensure_pkce_code_verifier_required,
    test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request,
    test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails,
    test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails,
    test_fapi2_security_profile_final_ensure_response_type_token_fails,
    test_fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails,
    test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code,
    test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt,
    test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt,
    test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails,
    test_fapi2_security_profile_final_happy_flow,
    test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected,
    test_fapi2_security_profile_final_par_attempt_invalid_http_method,
    test_fapi2_security_profile_final_par_attempt_reuse_request_uri,
    test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri,
    test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client,
    test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param,
    test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted,
    test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails,
    test_fapi2_security_profile_final_par_ensure_pkce_required,
    test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds,
    test_fapi2_security_profile_final_par_plain_pkce_rejected,
    test_fapi2_security_profile_final_par_test_array_as_audience_fails,
    test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails,
    test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails,
    test_fapi2_security_profile_final_par_without_duplicate_parameters,
    test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri,
    test_fapi2_security_profile_final_refresh_token,
    test_fapi2_security_profile_final_state_only_outside_request_object_not_used,
    test_fapi2_security_profile_final_test_claims_parameter_identity_claims,
    test_fapi2_security_profile_final_user_rejects_authentication,
)
from tests.conformance.live import Provider
from tests.conformance.suite import Browser

HOUR = 3_600


@pytest.fixture(scope="session")
def registered(
    op: Provider, metadata: dict[str, Any], jwks: jwt.PyJWKSet, shared: Browser
) -> FapiParty:
    """The plan's client."""
    return FapiParty.register(op, shared, metadata, jwks, signed=True, jarm=True)


@pytest.fixture(scope="session")
def second(registered: FapiParty, op: Provider) -> FapiParty:
    """The plan's other client."""
    return registered.second(op)


@pytest.fixture
def party(registered: FapiParty) -> FapiParty:
    """The plan's client, whose citizen may be logged in already."""
    return registered


@pytest.fixture
def other(second: FapiParty) -> FapiParty:
    """The plan's other client, in the same browser."""
    return second


def refused(party: FapiParty, **claims: Any) -> None:
    """Check that a request object with these claims is not taken, and the same without them is."""
    now = int(time.time())
    shifted = {
        name: each if name == "aud" or each is None else now + each for name, each in claims.items()
    }
    party.not_pushed(pushed(party, **shifted), "invalid_request_object")
    party.pushed(pushed(party))


def pushed(party: FapiParty, members: Mapping[str, Any] | None = None, **how: Any) -> Any:
    """The answer to the push of a request object."""
    inside = party.parameters() if members is None else members
    return party.push(form={"request": party.request_object(inside, **how)})


def complete(party: FapiParty, **how: Any) -> None:
    """A login with a request object that is good."""
    reference = party.pushed(pushed(party, **how))
    callback = party.granted(party.browser.log_in(party.visit(reference)))
    party.userinfo(party.exchange(callback))


def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(
    party: FapiParty,
) -> None:
    complete(party, aud=["https://other1.example", party.metadata["issuer"]])


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(  # noqa: E501
    party: FapiParty,
) -> None:
    now = int(time.time())
    complete(party, nbf=now + 8, iat=now + 8)


def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(
    party: FapiParty,
) -> None:
    refused(party, exp=None)


def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(
    party: FapiParty,
) -> None:
    refused(party, nbf=None)


def test_fapi2_security_profile_final_ensure_expired_request_object_fails(party: FapiParty) -> None:
    refused(party, exp=-300, nbf=-600, iat=-600)


def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(
    party: FapiParty,
) -> None:
    refused(party, aud="https://other.example")


def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(
    party: FapiParty,
) -> None:
    refused(party, exp=HOUR + 600)


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(
    party: FapiParty,
) -> None:
    refused(party, nbf=-HOUR - 600)


def test_fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails(
    party: FapiParty,
) -> None:
    party.not_pushed(pushed(party, alg="RS256"), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    party: FapiParty,
) -> None:
    party.not_pushed(pushed(party, alg="none"), "invalid_request_object")
    supported = party.metadata["request_object_signing_alg_values_supported"]
    assert {"ES256", "PS256"} <= set(supported)


def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    party: FapiParty,
) -> None:
    good = party.request_object(party.parameters())
    body, _, signature = good.rpartition(".")
    changed = "".join("A" if each != "A" else "B" for each in signature[:8]) + signature[8:]
    party.not_pushed(party.push(form={"request": f"{body}.{changed}"}), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    party: FapiParty, other: FapiParty
) -> None:
    """A request object of this client's under the other client's key."""
    party.not_pushed(pushed(party, key=other.key), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(
    party: FapiParty,
) -> None:
    party.not_pushed(party.push(form=party.parameters()), "invalid_request")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(
    party: FapiParty,
) -> None:
    members = party.parameters()
    reference = "urn:ietf:params:oauth:request_uri:not-a-real-one"
    response = pushed(party, {**members, "request_uri": reference})
    party.not_pushed(response, "invalid_request", "invalid_request_object")

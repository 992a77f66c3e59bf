"""fapi2-security-profile-final-test-plan.

``plain_fapi``, ``private_key_jwt``, ``dpop``, ``openid_connect``, ``simple``: requests are pushed
as they are, and answered in the query.
"""

from typing import Any

import jwt
import pytest

from tests.conformance.fapi import FapiParty
from tests.conformance.fapi2 import (  # noqa: F401
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


@pytest.fixture(scope="session")
def registered(
    op: Provider, metadata: dict[str, Any], jwks: jwt.PyJWKSet, shared: Browser
) -> FapiParty:
    """The plan's client."""
    return FapiParty.register(op, shared, metadata, jwks)


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

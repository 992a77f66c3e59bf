"""fapi2-security-profile-final-test-plan, in its other variant: certificates everywhere.

``plain_fapi``, ``mtls`` and ``mtls``, ``openid_connect``, ``simple``. The provider ends TLS itself;
one client has a certificate of an authority, the other one of its own making.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from jwt.algorithms import ECAlgorithm

from tests.certificates import Pair, issued
from tests.conformance.fapi2 import (  # noqa: F401
    failed,
    test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second,
    test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client,
    test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success,
    test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce,
    test_fapi2_security_profile_final_ensure_authorization_request_with_long_state,
    test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success,
    test_fapi2_security_profile_final_ensure_authorization_request_without_state_success,
    test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object,
    test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object,
    test_fapi2_security_profile_final_ensure_other_scope_order_succeeds,
    test_fapi2_security_profile_final_ensure_pkce_code_verifier_required,
    test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request,
    test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails,
    test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails,
    test_fapi2_security_profile_final_ensure_response_type_token_fails,
    test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code,
    test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails,
    test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected,
    test_fapi2_security_profile_final_par_attempt_invalid_http_method,
    test_fapi2_security_profile_final_par_attempt_reuse_request_uri,
    test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri,
    test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client,
    test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param,
    test_fapi2_security_profile_final_par_ensure_pkce_required,
    test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds,
    test_fapi2_security_profile_final_par_plain_pkce_rejected,
    test_fapi2_security_profile_final_par_without_duplicate_parameters,
    test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri,
    test_fapi2_security_profile_final_state_only_outside_request_object_not_used,
    test_fapi2_security_profile_final_test_claims_parameter_identity_claims,
    test_fapi2_security_profile_final_user_rejects_authentication,
    token,
)
from tests.conformance.live import Provider
from tests.conformance.mtls import Certificates, MtlsParty, discovered
from tests.conformance.suite import Browser


@pytest.fixture(scope="session")
def op(mtls_op: Provider) -> Provider:
    """The provider that asks connections for certificates."""
    return mtls_op


@pytest.fixture(scope="session")
def registered(
    mtls_op: Provider, mtls_browser: Browser, certificates: Certificates, second_pair: Pair
) -> Iterator[tuple[MtlsParty, MtlsParty]]:
    """The plan's clients: ``tls_client_auth`` and ``self_signed_tls_client_auth``."""
    jwk = {**ECAlgorithm.to_jwk(second_pair[1].public_key(), as_dict=True), "kid": "tls"}
    first = issued(certificates.ca, "first")
    chosen: tuple[tuple[str, Pair, dict[str, Any]], ...] = (
        ("tls_client_auth", first, {"tls_client_auth_subject_dn": "CN=first"}),
        ("self_signed_tls_client_auth", second_pair, {"jwks": {"keys": [jwk]}}),
    )
    metadata, keys = discovered(mtls_op)
    parties = []
    for method, pair, members in chosen:
        client = mtls_op.register(
            client_name="FAPI conformance suite",
            profile="fapi2-security",
            token_endpoint_auth_method=method,
            redirect_uris=[f"https://{method.replace('_', '-')}.example/callback"],
            grant_types=["authorization_code", "refresh_token"],
            scope="openid profile email phone address offline_access",
            tls_client_certificate_bound_access_tokens=True,
            **members,
        )
        http = certificates.connect(mtls_op, pair, method)
        parties.append(MtlsParty(mtls_browser, client, metadata, keys, back_channel=http))
    yield parties[0], parties[1]
    for each in parties:
        each.back_channel.close()


@pytest.fixture
def party(registered: tuple[MtlsParty, MtlsParty]) -> MtlsParty:
    """The plan's client."""
    return registered[0]


@pytest.fixture
def other(registered: tuple[MtlsParty, MtlsParty]) -> MtlsParty:
    """The plan's other client, in the same browser."""
    return registered[1]


def redeemed(party: MtlsParty, http: httpx.Client, **changes: str) -> httpx.Response:
    """The answer to a code that is redeemed over another connection."""
    callback, own = party.authorize(), party.back_channel
    party.back_channel = http
    try:
        return token(party, callback, **({"authentication": changes} if changes else {}))
    finally:
        party.back_channel = own


def test_fapi2_security_profile_final_discovery_end_point_verification(party: MtlsParty) -> None:
    found = party.metadata
    assert found["tls_client_certificate_bound_access_tokens"] is True
    methods = {"tls_client_auth", "self_signed_tls_client_auth"}
    assert methods <= set(found["token_endpoint_auth_methods_supported"])
    assert "mtls_endpoint_aliases" not in found  # the issuer itself asks for certificates
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert {"ES256", "PS256"} & set(found["id_token_signing_alg_values_supported"])


def test_fapi2_security_profile_final_happy_flow(
    party: MtlsParty, other: MtlsParty, bare: httpx.Client, stranger: httpx.Client
) -> None:
    first, second = party.happy(), other.happy()
    assert first.id_token["sub"] != second.id_token["sub"]  # of two sectors
    headers = {"Authorization": f"Bearer {first.access_token}"}
    for http in (bare, stranger, other.back_channel):
        refused = http.get(party.metadata["userinfo_endpoint"], headers=headers)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    party.userinfo(first)


def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(
    party: MtlsParty,
) -> None:
    tokens = party.happy()
    for scheme in ("bearer", "BEARER", "bEARER"):
        headers = {"Authorization": f"{scheme} {tokens.access_token}"}
        assert party.ask_userinfo(tokens, headers=headers).status_code == 200


def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    party: MtlsParty, other: MtlsParty
) -> None:
    """The second client's name over a connection with the first one's certificate."""
    named = {"client_id": other.client["client_id"]}
    failed(redeemed(party, party.back_channel, **named), "invalid_client")


def test_fapi2_security_profile_final_ensure_holder_of_key_required(
    party: MtlsParty, bare: httpx.Client, stranger: httpx.Client
) -> None:
    for http in (bare, stranger):
        failed(redeemed(party, http), "invalid_client")


def test_fapi2_security_profile_final_refresh_token(
    party: MtlsParty, other: MtlsParty, bare: httpx.Client
) -> None:
    first = party.exchange(party.authorize(scope="openid offline_access"))
    refresh = first.answer["refresh_token"]
    second = party.verified(party.refresh(refresh), nonce=None)
    party.userinfo(second)
    assert second.access_token != first.access_token
    assert "refresh_token" not in second.answer  # FAPI 2.0 §5.3.2.1: it is not rotated
    failed(other.refresh(refresh), "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": refresh, **party.authentication()}
    failed(bare.post(party.metadata["token_endpoint"], data=form), "invalid_client")
    party.userinfo(party.verified(party.refresh(refresh), nonce=None))


@pytest.mark.attack("E18")
@pytest.mark.parametrize(
    "name",
    [
        *("Client-Cert", "Client_Cert", "X-Client-Cert", "X-SSL-Client-Cert", "SSL-Client-Cert"),
        *("SSL_CLIENT_CERT", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Client-Cert"),
    ],
)
def test_E18_a_certificate_that_everybody_may_read_authenticates_nobody(
    party: MtlsParty,
    certificates: Certificates,
    bare: httpx.Client,
    stranger: httpx.Client,
    name: str,
) -> None:
    """The client's own certificate in a header, over a connection without it."""
    pem = (certificates.directory / "tls_client_auth.pem").read_text()
    shown = "".join(pem.splitlines()[1:-1])
    form = {"grant_type": "refresh_token", "refresh_token": "x", **party.authentication()}
    for http in (bare, stranger):
        for value in (f":{shown}:", shown, quote(pem)):
            answer = http.post(party.metadata["token_endpoint"], data=form, headers={name: value})
            failed(answer, "invalid_client")
    failed(party.refresh("x"), "invalid_grant")  # the certificate itself is good

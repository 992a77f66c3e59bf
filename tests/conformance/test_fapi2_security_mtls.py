"""fapi2-security-profile-final-test-plan, in its other variant: certificates everywhere.

``plain_fapi``, ``mtls`` and ``mtls``, ``openid_connect``, ``simple``. The provider ends TLS itself
(gunicorn); one client has a certificate of an authority, the other one of its own making.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest
from jwt.algorithms import ECAlgorithm

from tests.certificates import Pair, authority, issued, self_signed, write
from tests.conformance.fapi import FapiParty
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
from tests.conformance.live import Provider, provider
from tests.conformance.suite import Browser, Tokens

pytestmark = pytest.mark.xdist_group("conformance-mtls")  # one provider for all


@dataclass
class MtlsParty(FapiParty):
    """A client that its certificate authenticates, and its tokens are bound to."""

    back_channel: httpx.Client = field(default_factory=httpx.Client)

    @property
    def http(self) -> httpx.Client:
        """Connections that show the certificate; the browser's show none."""
        return self.back_channel

    def authentication(self, **changes: Any) -> dict[str, str]:
        """The certificate authenticates; the form only names the client (RFC 8705 §2)."""
        return {"client_id": self.client["client_id"], **changes}

    def send(self, url: str, form: Mapping[str, str], **how: Any) -> httpx.Response:
        """A form to one of the provider's endpoints, without a proof."""
        return super().send(url, form, **{"proof": False, **how})

    def verified(self, response: httpx.Response, *, nonce: str | None) -> Tokens:
        """The tokens of a good answer; one bound to a certificate is used like any other."""
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["token_type"].lower() == "bearer"
        claims = self.verify_id_token(answer["id_token"], answer["access_token"], nonce)
        return Tokens(answer, claims)

    def ask_userinfo(self, tokens: Tokens, method: str = "GET", **how: Any) -> httpx.Response:
        """Ask the UserInfo endpoint over a connection with the certificate."""
        how = how or {"headers": {"Authorization": f"Bearer {tokens.access_token}"}}
        return self._bare(method, self.metadata["userinfo_endpoint"], **how)


@dataclass(frozen=True)
class Certificates:
    """The operator's authority for clients, and where the tests keep their files."""

    ca: Pair
    directory: Path

    def connect(self, op: Provider, pair: Pair | None, name: str) -> httpx.Client:
        """A client of HTTP that shows a certificate, or none."""
        trust = ssl.create_default_context(cafile=str(op.ca))
        if pair:
            trust.load_cert_chain(*write(self.directory, name, pair))
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(verify=trust, timeout=20, trust_env=False, limits=limits)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What the clients of the plan show; the second one's certificate vouches for itself."""
    return Certificates(authority(), tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def second_pair() -> Pair:
    """A certificate that the TLS layer takes because the operator listed it itself."""
    return self_signed("second")


@pytest.fixture(scope="session")
def op(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, second_pair: Pair
) -> Iterator[Provider]:
    """A provider that asks connections for certificates."""
    trusted = certificates.directory / "trusted.pem"
    files = [
        write(certificates.directory, name, pair)[0]
        for name, pair in (("ca", certificates.ca), ("second", second_pair))
    ]
    trusted.write_bytes(b"".join(each.read_bytes() for each in files))
    options = ("--server", "gunicorn", "--client-certificates")
    directory = tmp_path_factory.mktemp("mtls")
    with provider(directory, tls=True, options=options, IDP_MTLS__CA_FILE=str(trusted)) as started:
        yield started


@pytest.fixture(scope="session")
def browser_of_all(op: Provider) -> Iterator[Browser]:
    """The browser of a citizen who logged in once and never left."""
    with op.http() as http:
        yield Browser(op.issuer, http)


@pytest.fixture(scope="session")
def registered(
    op: Provider, browser_of_all: Browser, certificates: Certificates, second_pair: Pair
) -> Iterator[tuple[MtlsParty, MtlsParty]]:
    """The plan's clients: ``tls_client_auth`` and ``self_signed_tls_client_auth``."""
    jwk = {**ECAlgorithm.to_jwk(second_pair[1].public_key(), as_dict=True), "kid": "tls"}
    first = issued(certificates.ca, "first")
    chosen: tuple[tuple[str, Pair, dict[str, Any]], ...] = (
        ("tls_client_auth", first, {"tls_client_auth_subject_dn": "CN=first"}),
        ("self_signed_tls_client_auth", second_pair, {"jwks": {"keys": [jwk]}}),
    )
    with op.http() as http:
        metadata = http.get(f"{op.issuer}/.well-known/openid-configuration").json()
        keys = jwt.PyJWKSet.from_dict(http.get(metadata["jwks_uri"]).json())
    parties = []
    for method, pair, members in chosen:
        client = op.register(
            client_name="FAPI conformance suite",
            profile="fapi2-security",
            token_endpoint_auth_method=method,
            redirect_uris=[f"https://{method.replace('_', '-')}.example/callback"],
            grant_types=["authorization_code", "refresh_token"],
            scope="openid profile email phone address offline_access",
            tls_client_certificate_bound_access_tokens=True,
            **members,
        )
        http = certificates.connect(op, pair, method)
        parties.append(MtlsParty(browser_of_all, client, metadata, keys, back_channel=http))
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


@pytest.fixture
def bare(op: Provider, certificates: Certificates) -> Iterator[httpx.Client]:
    """Connections without a certificate."""
    with certificates.connect(op, None, "none") as http:
        yield http


@pytest.fixture
def stranger(op: Provider, certificates: Certificates) -> Iterator[httpx.Client]:
    """Connections with another certificate of the same authority."""
    with certificates.connect(op, issued(certificates.ca, "stranger"), "stranger") as http:
        yield http


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

"""fapi1-advanced-final-test-plan.

``plain_fapi``, ``private_key_jwt``, ``pushed``: signed requests, tokens bound to a certificate, and
answers in a JWT (``jarm``). What an answer holds is asked of ``plain_response`` as well: there an
ID token beside the code signs all of it.
"""

import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from jwt.utils import base64url_encode

from tests.certificates import issued
from tests.conformance import fapi2
from tests.conformance.fapi import Key
from tests.conformance.fapi2 import REFUSED, failed, pushed_with, token
from tests.conformance.live import Provider
from tests.conformance.mtls import BoundParty, Certificates, discovered
from tests.conformance.suite import Browser, Callback, Page, Tokens

HOUR = 3_600
INVALID = {"invalid_request", "invalid_request_object"}

AS_FAPI2 = (
    "ensure_other_scope_order_succeeds",
    "ensure_redirect_uri_in_authorization_request",
    "ensure_pkce_code_verifier_required",
    "incorrect_pkce_code_verifier_rejected",
    "ensure_client_id_in_token_endpoint",
    "ensure_authorization_code_is_bound_to_client",
    "ensure_signed_client_assertion_with_RS256_fails",
    "ensure_client_assertion_in_token_endpoint",
    "ensure_client_assertion_with_exp_is_5_minutes_in_past_fails",
    "ensure_client_assertion_with_wrong_aud_fails",
    "ensure_client_assertion_with_no_sub_fails",
    "par_ensure_reused_request_uri_prior_to_auth_completion_succeeds",
    "par_attempt_reuse_request_uri",
    "par_attempt_to_use_expired_request_uri",
    "par_attempt_to_use_request_uri_for_different_client",
    "par_authorization_request_containing_request_uri_form_param",
    "par_attempt_invalid_http_method",
    "par_plain_pkce_rejected",
    "par_without_duplicate_parameters",
)
"""Modules that are told alike in both generations of FAPI."""
for name in AS_FAPI2:
    shared = getattr(fapi2, f"test_fapi2_security_profile_final_{name}")
    globals()[f"test_fapi1_advanced_final_{name}"] = shared
test_fapi1_advanced_final_attempt_reuse_authorisation_code_after_one_second = (
    fapi2.test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second
)


@dataclass
class Fapi1Party(BoundParty):
    """A client under FAPI 1.0 Advanced."""

    def exchange(self, callback: Callback, **changes: str) -> Tokens:
        """Verify the ID token that signs the answer, and redeem the code (§5.2.2.1)."""
        tokens = super().exchange(callback, **changes)
        if not self.jarm:
            first = self.verify_id_token(
                callback.members["id_token"], "", self.asked["nonce"], callback.members["code"]
            )
            state = self.asked.get("state")
            half = hashlib.sha256((state or "").encode()).digest()[:16]
            assert first.get("s_hash") == (base64url_encode(half).decode() if state else None)
        assert "s_hash" not in tokens.id_token
        return tokens

    def pushed_object(self, members: dict[str, Any] | None = None, **how: Any) -> httpx.Response:
        """The answer to the push of a request object."""
        inside = self.parameters() if members is None else members
        return self.push(form={"request": self.request_object(inside, **how)})

    def refused_with(self, **claims: Any) -> None:
        """Check that a request object with these claims is not taken; times are from now."""
        now = int(time.time())
        shifted = {
            name: now + each if isinstance(each, int) else each for name, each in claims.items()
        }
        self.not_pushed(self.pushed_object(**shifted), *INVALID)

    def without(self, name: str) -> httpx.Response:
        """The answer to a push with a parameter beside the object instead of in it."""
        members = self.parameters()
        inside = {each: value for each, value in members.items() if each != name}
        form = {"request": self.request_object(inside), name: members[name]}
        return self.push(form=form)


@pytest.fixture(scope="session")
def op(mtls_op: Provider) -> Provider:
    """The provider that asks connections for certificates."""
    return mtls_op


@pytest.fixture(scope="session")
def registered(
    mtls_op: Provider, mtls_browser: Browser, certificates: Certificates
) -> Iterator[dict[str, Fapi1Party]]:
    """The plan's clients by name; ``hybrid`` has its answers signed by an ID token."""
    metadata, keys = discovered(mtls_op)
    found = {}
    for name in ("first", "second", "hybrid"):
        jarm, key = name != "hybrid", Key()
        types = {} if jarm else {"response_types": ["code id_token"]}
        client = mtls_op.register(
            client_name="FAPI conformance suite",
            profile="fapi1-advanced",
            token_endpoint_auth_method="private_key_jwt",
            redirect_uris=[f"https://fapi1-{name}.example/callback"],
            grant_types=["authorization_code", "refresh_token", *(() if jarm else ["implicit"])],
            scope="openid profile email phone address offline_access",
            tls_client_certificate_bound_access_tokens=True,
            jwks=key.jwks,
            **types,
        )
        pair = issued(certificates.ca, f"fapi1-{name}")
        found[name] = Fapi1Party(
            mtls_browser,
            client,
            metadata,
            keys,
            key=key,
            signed=True,
            jarm=jarm,
            response_type="code" if jarm else "code id_token",
            back_channel=certificates.connect(mtls_op, pair, f"fapi1-{name}"),
        )
    yield found
    for each in found.values():
        each.back_channel.close()


@pytest.fixture
def party(registered: dict[str, Fapi1Party]) -> Fapi1Party:
    """The plan's client."""
    return registered["first"]


@pytest.fixture
def other(registered: dict[str, Fapi1Party]) -> Fapi1Party:
    """The plan's other client, in the same browser."""
    return registered["second"]


@pytest.fixture(params=["first", "hybrid"])
def either(request: pytest.FixtureRequest, registered: dict[str, Fapi1Party]) -> Fapi1Party:
    """The client of ``jarm``, and again that of ``plain_response``."""
    return registered[request.param]


# What an answer holds


def test_fapi1_advanced_final_discovery_end_point_verification(party: Fapi1Party) -> None:
    found = party.metadata
    assert found["tls_client_certificate_bound_access_tokens"] is True
    for name, wanted in (
        ("response_types_supported", {"code", "code id_token"}),
        ("response_modes_supported", {"jwt"}),
        ("token_endpoint_auth_methods_supported", {"private_key_jwt", "tls_client_auth"}),
        ("token_endpoint_auth_signing_alg_values_supported", {"ES256", "PS256"}),
        ("request_object_signing_alg_values_supported", {"ES256", "PS256"}),
        ("id_token_signing_alg_values_supported", {"ES256"}),
        ("userinfo_signing_alg_values_supported", {"ES256"}),
        ("authorization_signing_alg_values_supported", {"ES256"}),
    ):
        assert wanted <= set(found[name]), name
    assert "none" not in found["token_endpoint_auth_signing_alg_values_supported"]


def test_fapi1_advanced_final(
    either: Fapi1Party, other: Fapi1Party, op: Provider, certificates: Certificates
) -> None:
    tokens = either.happy()
    assert other.happy(nonce=secrets.token_urlsafe(32)).id_token["sub"] != tokens.id_token["sub"]
    mine = {"Authorization": f"Bearer {tokens.access_token}"}
    with certificates.connect(op, None, "none") as bare:
        for http in (bare, other.back_channel):
            refused = http.get(either.metadata["userinfo_endpoint"], headers=mine)
            assert refused.status_code == 401
    query = {"params": {"access_token": tokens.access_token}}
    assert either.ask_userinfo(tokens, **query).status_code in {400, 401}
    interaction = str(uuid4())
    for accepts in ("application/json; charset=utf-8", "application/json, */*;q=0.5", ""):
        headers = {**mine, "X-FAPI-Interaction-ID": interaction, "Accept": accepts}
        answer = either.ask_userinfo(tokens, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["x-fapi-interaction-id"] == interaction
        assert answer.headers["date"]
    assert UUID(either.ask_userinfo(tokens).headers["x-fapi-interaction-id"])
    odd = {**mine, "X-FAPI-Interaction-ID": "<script>"}
    assert UUID(either.ask_userinfo(tokens, headers=odd).headers["x-fapi-interaction-id"])


def test_fapi1_advanced_final_ensure_authorization_request_without_state_success(
    either: Fapi1Party,
) -> None:
    callback = either.authorize(state=None)
    assert "state" not in callback.members
    either.exchange(callback)


def test_fapi1_advanced_final_state_only_outside_request_object_not_used(
    either: Fapi1Party,
) -> None:
    reference = either.pushed(either.push(state=None))
    at = either.granted(either.browser.log_in(either.visit(reference, state="outside")))
    assert "state" not in at.members
    either.exchange(at)


def test_fapi1_advanced_final_ensure_request_object_with_long_state(either: Fapi1Party) -> None:
    either.happy(state=secrets.token_urlsafe(288))
    assert len(either.asked["state"]) == 384


def test_fapi1_advanced_final_ensure_response_mode_query(either: Fapi1Party) -> None:
    either.not_pushed(either.push(response_mode="query"), "invalid_request")


def test_fapi1_advanced_final_ensure_response_type_code_fails(
    party: Fapi1Party, registered: dict[str, Fapi1Party]
) -> None:
    """The code alone, in the clear."""
    party.not_pushed(party.push(response_mode=None), "invalid_request")
    hybrid = registered["hybrid"]
    refused = hybrid.push(response_type="code")
    hybrid.not_pushed(refused, "unsupported_response_type", "unauthorized_client")


def test_fapi1_advanced_final_user_rejects_authentication(
    either: Fapi1Party, fresh: Browser
) -> None:
    known, either.browser = either.browser, fresh
    try:
        page = either.open()
        assert isinstance(page, Page)
        either.refused(fresh.submit(page, ("action", "cancel")), "access_denied")
    finally:
        either.browser = known


def test_fapi1_advanced_final_ensure_different_nonce_inside_and_outside_request_object(
    either: Fapi1Party,
) -> None:
    """What is pushed wins."""
    reference = either.pushed(either.push())
    at = either.browser.log_in(either.visit(reference, nonce="outside"))
    either.exchange(either.granted(at))


def test_fapi1_advanced_final_ensure_request_object_with_long_nonce(either: Fapi1Party) -> None:
    either.happy(nonce=secrets.token_urlsafe(288))


def test_fapi1_advanced_final_ensure_request_object_with_64_char_nonce_success(
    either: Fapi1Party,
) -> None:
    either.happy(nonce=secrets.token_urlsafe(48))


# The request object


def test_fapi1_advanced_final_ensure_request_object_with_multiple_aud_succeeds(
    party: Fapi1Party,
) -> None:
    several = ["https://other1.example", party.metadata["issuer"]]
    reference = party.pushed(party.pushed_object(aud=several))
    party.exchange(party.granted(party.browser.log_in(party.visit(reference))))


def test_fapi1_advanced_final_ensure_request_object_without_exp_fails(party: Fapi1Party) -> None:
    party.refused_with(exp=None)


def test_fapi1_advanced_final_ensure_request_object_without_nbf_fails(party: Fapi1Party) -> None:
    party.refused_with(nbf=None)


def test_fapi1_advanced_final_ensure_request_object_without_scope_fails(party: Fapi1Party) -> None:
    party.not_pushed(party.without("scope"), *INVALID)


def test_fapi1_advanced_final_ensure_request_object_without_nonce_fails(
    either: Fapi1Party,
) -> None:
    either.not_pushed(either.without("nonce"), *INVALID)


def test_fapi1_advanced_final_ensure_request_object_without_redirect_uri_fails(
    party: Fapi1Party,
) -> None:
    party.not_pushed(party.without("redirect_uri"), *INVALID)


def test_fapi1_advanced_final_ensure_expired_request_object_fails(party: Fapi1Party) -> None:
    party.refused_with(exp=-300, nbf=-600, iat=-600)


def test_fapi1_advanced_final_ensure_request_object_with_bad_aud_fails(party: Fapi1Party) -> None:
    party.refused_with(aud="https://other.example")


def test_fapi1_advanced_final_ensure_request_object_with_exp_over_60_fails(
    party: Fapi1Party,
) -> None:
    party.refused_with(exp=HOUR + 600)


def test_fapi1_advanced_final_ensure_request_object_with_nbf_over_60_fails(
    party: Fapi1Party,
) -> None:
    party.refused_with(nbf=-HOUR - 600)


def test_fapi1_advanced_final_ensure_signed_request_object_with_RS256_fails(
    party: Fapi1Party,
) -> None:
    party.not_pushed(party.pushed_object(alg="RS256"), *INVALID)


def test_fapi1_advanced_final_ensure_request_object_signature_algorithm_is_not_none(
    party: Fapi1Party,
) -> None:
    party.not_pushed(party.pushed_object(alg="none"), *INVALID)


def test_fapi1_advanced_final_ensure_request_object_with_invalid_signature_fails(
    party: Fapi1Party,
) -> None:
    body, _, signature = party.request_object(party.parameters()).rpartition(".")
    changed = "".join("A" if each != "A" else "B" for each in signature[:8]) + signature[8:]
    party.not_pushed(party.push(form={"request": f"{body}.{changed}"}), *INVALID)


def test_fapi1_advanced_final_ensure_matching_key_in_authorization_request(
    party: Fapi1Party, other: Fapi1Party
) -> None:
    party.not_pushed(party.pushed_object(key=other.key), *INVALID)


def test_fapi1_advanced_final_ensure_authorization_request_without_request_object_fails(
    party: Fapi1Party,
) -> None:
    """Neither pushed nor at the authorization endpoint."""
    party.not_pushed(party.push(form=party.parameters()), "invalid_request")
    party.refused(party.browser.open(party.url(party.parameters())), "invalid_request")


def test_fapi1_advanced_final_ensure_registered_redirect_uri(party: Fapi1Party) -> None:
    odd = f"{party.client['redirect_uris'][0]}/{secrets.token_hex(4)}"
    party.not_pushed(party.push(redirect_uri=odd), "invalid_request")


def test_fapi1_advanced_final_par_authorization_request_containing_request_uri(
    party: Fapi1Party,
) -> None:
    reference = "urn:ietf:params:oauth:request_uri:not-a-real-one"
    inside = {**party.parameters(), "request_uri": reference}
    party.not_pushed(party.pushed_object(inside), *INVALID)


def test_fapi1_advanced_final_par_pushed_authorization_url_as_audience_in_request_object(
    party: Fapi1Party,
) -> None:
    party.refused_with(aud=party.metadata["pushed_authorization_request_endpoint"])


def test_fapi1_advanced_final_par_attempt_invalid_redirect_uri(party: Fapi1Party) -> None:
    for odd in ("https://other.example/callback", "/callback", "not a URI"):
        party.not_pushed(party.push(redirect_uri=odd), "invalid_request")


def test_fapi1_advanced_final_par_ensure_pkce_required(party: Fapi1Party) -> None:
    response = party.push(code_challenge=None, code_challenge_method=None)
    party.not_pushed(response, "invalid_request")


# Client authentication


def tolerated(party: Fapi1Party, aud: object) -> None:
    """Check that assertions for this audience are taken at both endpoints."""
    reference = party.pushed(pushed_with(party, aud=aud))
    callback = party.granted(party.browser.log_in(party.visit(reference)))
    party.verified(
        token(party, callback, authentication=party.authentication(aud=aud)),
        nonce=party.asked["nonce"],
    )


def test_fapi1_advanced_final_ensure_client_assertion_with_iss_aud_succeeds(
    party: Fapi1Party,
) -> None:
    tolerated(party, party.metadata["issuer"])


def test_fapi1_advanced_final_test_array_as_audience_for_client_JWT_assertion(
    party: Fapi1Party,
) -> None:
    tolerated(party, [party.metadata["issuer"], "https://other.example"])


def test_fapi1_advanced_final_par_test_pushed_authorization_url_as_audience_for_client_JWT_assertion(  # noqa: E501
    party: Fapi1Party,
) -> None:
    endpoint = party.metadata["pushed_authorization_request_endpoint"]
    party.pushed(pushed_with(party, aud=endpoint))


def test_fapi1_advanced_final_par_token_endpoint_url_as_audience_for_client_JWT_assertion(
    party: Fapi1Party,
) -> None:
    party.pushed(pushed_with(party, aud=party.metadata["token_endpoint"]))


def test_fapi1_advanced_final_par_ensure_client_assertion_with_wrong_aud_fails(
    party: Fapi1Party,
) -> None:
    failed(pushed_with(party, aud="https://other.example"), *REFUSED)


def test_fapi1_advanced_final_par_ensure_client_assertion_with_wrong_iss_fails(
    party: Fapi1Party, other: Fapi1Party
) -> None:
    failed(pushed_with(party, iss=other.client["client_id"]), *REFUSED)


def test_fapi1_advanced_final_par_ensure_client_assertion_with_wrong_sub_fails(
    party: Fapi1Party, other: Fapi1Party
) -> None:
    failed(pushed_with(party, sub=other.client["client_id"]), *REFUSED)


def test_fapi1_advanced_final_ensure_client_assertion_with_wrong_iss_fails(
    party: Fapi1Party, other: Fapi1Party
) -> None:
    odd = party.authentication(iss=other.client["client_id"])
    failed(token(party, party.authorize(), authentication=odd), *REFUSED)


def test_fapi1_advanced_final_ensure_client_assertion_with_wrong_sub_fails(
    party: Fapi1Party, other: Fapi1Party
) -> None:
    odd = party.authentication(sub=other.client["client_id"])
    failed(token(party, party.authorize(), authentication=odd), *REFUSED)


def test_fapi1_advanced_final_ensure_mtls_holder_of_key_required(
    party: Fapi1Party, op: Provider, certificates: Certificates
) -> None:
    callback, own = party.authorize(), party.back_channel
    with certificates.connect(op, None, "none") as bare:
        party.back_channel = bare
        try:
            failed(token(party, callback), "invalid_request", "invalid_grant", "invalid_client")
        finally:
            party.back_channel = own


# Tokens


def test_fapi1_advanced_final_access_token_type_header_case_sensitivity(
    party: Fapi1Party,
) -> None:
    tokens = party.happy()
    for scheme in ("bearer", "BEARER", "bEARER"):
        headers = {"Authorization": f"{scheme} {tokens.access_token}"}
        assert party.ask_userinfo(tokens, headers=headers).status_code == 200


def test_fapi1_advanced_final_refresh_token(party: Fapi1Party, other: Fapi1Party) -> None:
    first = party.exchange(party.authorize(scope="openid offline_access"))
    refresh = first.answer["refresh_token"]
    failed(other.refresh(refresh), "invalid_grant")
    second = party.verified(party.refresh(refresh), nonce=None)
    party.userinfo(second)
    assert second.id_token["sub"] == first.id_token["sub"]
    assert second.access_token != first.access_token

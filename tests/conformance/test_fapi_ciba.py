"""FAPI-CIBA ID1: each module of the suite's plan, over TLS, by poll and by ping.

Variants: ``fapi_ciba_profile=plain_fapi``, ``client_registration=static_client``, ``ciba_mode``
both, ``client_auth_type=private_key_jwt``, and ``mtls`` for the modules that only run with it.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx
import jwt
import pytest

from tests.conformance.ciba import (
    GRANT,
    INVALID,
    NOTIFICATION_TOKEN,
    Endpoint,
    Keys,
    RelyingParty,
    error,
    notification_endpoint,
)
from tests.conformance.ciba_requests import (  # noqa: F401 (pytest collects them here)
    test_fapi_ciba_id1_ensure_request_object_bad_aud_fails,
    test_fapi_ciba_id1_ensure_request_object_bad_iss_fails,
    test_fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails,
    test_fapi_ciba_id1_ensure_request_object_expired_exp_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_aud_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_exp_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_iat_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_iss_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_jti_fails,
    test_fapi_ciba_id1_ensure_request_object_missing_nbf_fails,
    test_fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails,
    test_fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails,
    test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails,
    test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails,
    test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_RS256_fails,
    test_fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails,
    test_fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails,
)
from tests.conformance.live import Provider, provider

MADE: TypeAlias = Callable[..., RelyingParty]
BOTH = pytest.mark.parametrize("mode", ["poll", "ping"])


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The provider behind a proxy that tells it clients' certificates."""
    directory = tmp_path_factory.mktemp("ciba")
    with provider(
        directory,
        tls=True,
        IDP_TRUSTED_PROXIES="127.0.0.0/8",
        IDP_OUTBOUND__ALLOW_LOOPBACK="true",
        IDP_OUTBOUND__CA_FILE=str(directory / "ca.pem"),
    ) as started:
        yield started


@pytest.fixture(scope="session")
def listening(bank: Provider) -> Iterator[Endpoint]:
    """The clients' notification endpoint."""
    with notification_endpoint(bank.directory) as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(listening: Endpoint) -> Iterator[Endpoint]:
    """The notification endpoint, which answers as it should unless the test changes that."""
    yield listening
    listening.status, listening.body, listening.headers = 204, b"", {}


@pytest.fixture(scope="session")
def known(bank: Provider) -> dict[str, Any]:
    """Discovery and keys, and the clients that were registered already."""
    with bank.http() as http:
        metadata = http.get(f"{bank.issuer}/.well-known/openid-configuration").json()
        keys = jwt.PyJWKSet.from_dict(http.get(metadata["jwks_uri"]).json())
    return {"metadata": metadata, "keys": keys, "clients": {}}


@pytest.fixture
def http(bank: Provider) -> Iterator[httpx.Client]:
    """A connection pool that trusts the provider."""
    with bank.http() as client:
        yield client


@pytest.fixture
def made(bank: Provider, known: dict[str, Any], listening: Endpoint, http: httpx.Client) -> MADE:
    """The suite's clients, each registered when the first test wants it."""

    def make(name: str = "one", mode: str = "poll", *, tls: bool = False) -> RelyingParty:
        key = f"{name}-{mode}{'-tls' if tls else ''}"
        if key not in known["clients"]:
            keys = Keys(key)
            known["clients"][key] = keys, _register(bank, keys, listening, mode, tls=tls)
        keys, client_id = known["clients"][key]
        return RelyingParty(
            bank, http, known["metadata"], known["keys"], client_id, keys, mode, tls
        )

    return make


def _register(bank: Provider, keys: Keys, endpoint: Endpoint, mode: str, *, tls: bool) -> str:
    ping = {"backchannel_client_notification_endpoint": endpoint.url} if mode == "ping" else {}
    method = "self_signed_tls_client_auth" if tls else "private_key_jwt"
    client = bank.register(
        client_id=keys.name,
        client_name="FAPI-CIBA conformance suite",
        profile="fapi-ciba",
        grant_types=[GRANT, "refresh_token"],
        scope="openid profile",
        jwks=keys.jwks,
        token_endpoint_auth_method=method,
        backchannel_token_delivery_mode=mode,
        backchannel_authentication_request_signing_alg="ES256",
        tls_client_certificate_bound_access_tokens=True,
        **ping,
    )
    found: str = client["client_id"]
    return found


@pytest.fixture
def rp(made: MADE) -> RelyingParty:
    """The suite's first client, which polls."""
    return made()


@pytest.fixture
def ping(made: MADE) -> RelyingParty:
    """The suite's first client, which is told."""
    return made(mode="ping")


def finished(rp: RelyingParty, begun: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The citizen says yes, the client is told where it wants to be, and gets its tokens."""
    rp.decide(begun)
    if rp.mode == "ping":
        told = endpoint.wait(begun["auth_req_id"])
        assert told.authorization == f"Bearer {NOTIFICATION_TOKEN}"
        assert told.body == {"auth_req_id": begun["auth_req_id"]}
    return rp.tokens(begun)


def test_fapi_ciba_id1_discovery_end_point_verification(rp: RelyingParty) -> None:
    metadata = rp.metadata
    assert metadata["issuer"] == rp.op.issuer
    assert metadata["backchannel_authentication_endpoint"].startswith("https://")
    assert {"poll", "ping"} <= set(metadata["backchannel_token_delivery_modes_supported"])
    algs = metadata["backchannel_authentication_request_signing_alg_values_supported"]
    assert {"ES256", "PS256"} & set(algs)
    assert "none" not in algs
    assert GRANT in metadata["grant_types_supported"]
    methods = metadata["token_endpoint_auth_methods_supported"]
    assert {"private_key_jwt", "self_signed_tls_client_auth"} <= set(methods)
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert metadata["backchannel_user_code_parameter_supported"] is False
    assert "acr" in metadata["claims_supported"]


@BOTH
def test_fapi_ciba_id1(made: MADE, endpoint: Endpoint, mode: str) -> None:
    for name, changes in (("one", {}), ("two", {"acr_values": "urn:vn:eid:level:2"})):
        rp = made(name, mode)
        begun = rp.begin(**changes)
        assert error(rp.token(begun["auth_req_id"]), "authorization_pending")
        tokens = finished(rp, begun, endpoint)
        known = rp.userinfo(tokens["access_token"])
        assert known.status_code == 200
        assert known.json()["sub"] == tokens["claims"]["sub"]
        other = made("two" if name == "one" else "one", mode)
        assert rp.userinfo(tokens["access_token"], **other.certificate).status_code == 401
        assert rp.userinfo(tokens["access_token"], Accept="*/*").status_code == 401
        assert error(rp.token(begun["auth_req_id"]), "invalid_grant")


@BOTH
def test_fapi_ciba_id1_user_rejects_authentication(
    made: MADE, endpoint: Endpoint, mode: str
) -> None:
    rp = made(mode=mode)
    begun = rp.begin()
    rp.decide(begun, "deny")
    if mode == "ping":
        endpoint.wait(begun["auth_req_id"])
    assert error(rp.token(begun["auth_req_id"]), "access_denied")


def test_fapi_ciba_id1_multiple_call_to_token_endpoint(rp: RelyingParty) -> None:
    begun = rp.begin()
    answers = [rp.token(begun["auth_req_id"]) for _ in range(4)]
    found = [error(each, "authorization_pending", "slow_down") for each in answers]
    assert "slow_down" in found


@BOTH
def test_fapi_ciba_id1_auth_req_id_expired(made: MADE, mode: str) -> None:
    rp = made(mode=mode)
    begun = rp.begin(requested_expiry=1)  # the suite asks for ten and waits as long
    assert begun["expires_in"] == 1
    time.sleep(1.1)
    assert error(rp.token(begun["auth_req_id"]), "expired_token")


@BOTH
def test_fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds(
    made: MADE, endpoint: Endpoint, mode: str
) -> None:
    rp = made(mode=mode)
    finished(rp, rp.begin(binding_message="1234"), endpoint)


def test_fapi_ciba_id1_ensure_other_scope_order_succeeds(
    rp: RelyingParty, endpoint: Endpoint
) -> None:
    tokens = finished(rp, rp.begin(scope="profile openid"), endpoint)
    assert set(tokens["scope"].split()) == {"openid", "profile"}


def test_fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds(
    rp: RelyingParty, endpoint: Endpoint
) -> None:
    begun = rp.begin(requested_expiry="30")
    assert begun["expires_in"] == 30
    finished(rp, begun, endpoint)


def test_fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message(
    rp: RelyingParty,
) -> None:
    message = "1234 👍🏿 𠜎𠜱𠝹𠱓 عرب " + "a long message that no phone could show as a whole " * 3
    assert error(rp.ask(binding_message=message), "invalid_binding_message")


def test_fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails(
    rp: RelyingParty, endpoint: Endpoint
) -> None:
    token = finished(rp, rp.begin(), endpoint)["id_token"]
    assert error(rp.ask(id_token_hint=token), "invalid_request")
    finished(rp, rp.begin(id_token_hint=token, login_hint=None), endpoint)


def test_fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request(
    made: MADE, rp: RelyingParty
) -> None:
    begun = rp.begin()
    rp.decide(begun)
    assert error(made("two").token(begun["auth_req_id"]), "invalid_grant")
    rp.tokens(begun)


def test_fapi_ciba_id1_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(
    made: MADE,
) -> None:
    rp, other = made(tls=True), made("two", tls=True)
    signed = rp.keys.sign(rp.claims(iss=other.client_id))
    assert error(rp.send(signed), "invalid_client", *INVALID)
    assert rp.begin()


def test_fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request(made: MADE) -> None:
    rp, other = made(tls=True), made("two", tls=True)
    begun = rp.begin()
    rp.decide(begun)
    answer = rp.token(begun["auth_req_id"], client_id=other.client_id)
    assert error(answer, "invalid_client")
    rp.tokens(begun)


def test_fapi_ciba_id1_ensure_wrong_client_id_in_backchannel_authorization_request(
    made: MADE,
) -> None:
    rp, other = made(tls=True), made("two", tls=True)
    answer = rp.send(rp.keys.sign(rp.claims()), client_id=other.client_id)
    assert error(answer, "invalid_client")


def test_fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request(
    rp: RelyingParty,
) -> None:
    begun = rp.begin()
    answer = rp.token(begun["auth_req_id"], client_id=rp.client_id)
    assert error(answer, "invalid_request", "invalid_client")


def test_fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request(
    rp: RelyingParty,
) -> None:
    form = {"client_id": rp.client_id, "request": rp.keys.sign(rp.claims())}
    url = rp.metadata["backchannel_authentication_endpoint"]
    answer = rp.http.post(url, data=form, headers=rp.certificate)
    assert error(answer, "access_denied", "invalid_request", "invalid_client")


def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_RS256_fails(  # noqa: E501
    rp: RelyingParty,
) -> None:
    signed = rp.keys.sign(rp.claims())
    answer = rp.send(signed, client_assertion=rp.assertion("RS256"))
    assert error(answer, "access_denied", "invalid_request", "invalid_client")


def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_RS256_fails(  # noqa: E501
    rp: RelyingParty,
) -> None:
    begun = rp.begin()
    rp.decide(begun)
    answer = rp.token(begun["auth_req_id"], client_assertion=rp.assertion("RS256"))
    assert error(answer, "invalid_client")


def test_fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds(
    rp: RelyingParty,
) -> None:
    begun = rp.begin()
    rp.decide(begun)
    answer = rp.token(begun["auth_req_id"], client_assertion=rp.assertion(aud=rp.op.issuer))
    assert answer.status_code == 200
    own = rp.assertion(aud=rp.metadata["backchannel_authentication_endpoint"])
    assert rp.send(rp.keys.sign(rp.claims()), client_assertion=own).status_code == 200


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_has_body(
    ping: RelyingParty, endpoint: Endpoint
) -> None:
    endpoint.status, endpoint.body = 200, b"a body that nobody reads"
    finished(ping, ping.begin(), endpoint)


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_401(
    ping: RelyingParty, endpoint: Endpoint
) -> None:
    endpoint.status = 401
    finished(ping, ping.begin(), endpoint)


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_403(
    ping: RelyingParty, endpoint: Endpoint
) -> None:
    endpoint.status = 403
    finished(ping, ping.begin(), endpoint)


def test_fapi_ciba_id1_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry(  # noqa: E501
    ping: RelyingParty, endpoint: Endpoint
) -> None:
    endpoint.status = 401
    begun = ping.begin()
    finished(ping, begun, endpoint)
    finished(ping, ping.begin(), endpoint)  # a while later, nothing came twice
    again = [endpoint.came.get_nowait() for _ in range(endpoint.came.qsize())]
    assert begun["auth_req_id"] not in {each.body["auth_req_id"] for each in again}


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_return_redirect_request(
    ping: RelyingParty, endpoint: Endpoint
) -> None:
    endpoint.status = 301
    endpoint.headers = {"Location": endpoint.url.replace("/ciba", "/elsewhere")}
    finished(ping, ping.begin(), endpoint)
    assert endpoint.elsewhere.empty()


def test_fapi_ciba_id1_refresh_token(made: MADE, rp: RelyingParty, endpoint: Endpoint) -> None:
    first = finished(rp, rp.begin(), endpoint)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    url, other = rp.metadata["token_endpoint"], made("two")
    stolen = other.http.post(
        url, data={**other.authentication(), **form}, headers=other.certificate
    )
    assert error(stolen, "invalid_grant")
    again = rp.http.post(url, data={**rp.authentication(), **form}, headers=rp.certificate)
    assert again.status_code == 200, again.text
    assert rp.userinfo(again.json()["access_token"]).status_code == 200


def test_fapi_ciba_id1_ensure_mtls_holder_of_key_required(
    rp: RelyingParty,
) -> None:
    begun = rp.begin()
    rp.decide(begun)
    form = {"grant_type": GRANT, "auth_req_id": begun["auth_req_id"], **rp.authentication()}
    bare = rp.http.post(rp.metadata["token_endpoint"], data=form)
    assert error(bare, "invalid_request", "invalid_grant", "invalid_client")
    tokens = rp.tokens(begun)  # the refusal used nothing up
    assert rp.userinfo(tokens["access_token"], Accept="*/*").status_code == 401

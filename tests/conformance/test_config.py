"""oidcc-config-certification-test-plan: what the provider says of itself."""

from typing import Any
from urllib.parse import urlsplit

from tests.conformance.live import Provider

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def test_oidcc_discovery_endpoint_verification(op: Provider) -> None:
    """The metadata hold what the specifications want, and the keys they lead to are public."""
    with op.http() as http:
        answer = http.get(f"{op.issuer}/.well-known/openid-configuration")
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == "application/json"
        metadata = answer.json()
        check_metadata(metadata, op.issuer)
        keys = http.get(metadata["jwks_uri"])
        assert keys.status_code == 200
        check_keys(keys.json())


def check_metadata(metadata: dict[str, Any], issuer: str) -> None:
    """OpenID Connect Discovery §3, and what OIDC Core §15.1 makes mandatory."""
    assert metadata["issuer"] == issuer
    endpoints = {name for name in metadata if name.endswith(("_endpoint", "_uri"))}
    assert endpoints >= {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    }
    assert all(urlsplit(metadata[name]).scheme == "https" for name in endpoints)
    assert "code" in metadata["response_types_supported"]
    assert "authorization_code" in metadata["grant_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert metadata["subject_types_supported"]
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert {"sub", "iss", "auth_time", "name", "email"} <= {"iss", *metadata["claims_supported"]}
    methods = set(metadata["token_endpoint_auth_methods_supported"])
    assert methods >= {"client_secret_basic", "client_secret_post"}
    assert metadata["claims_parameter_supported"] is True
    assert metadata["request_parameter_supported"] is True
    assert metadata["request_uri_parameter_supported"] is True
    assert metadata["require_request_uri_registration"] is True


def check_keys(jwks: dict[str, Any]) -> None:
    """RFC 7517: each key is public, has a ``kid`` of its own, and says what it is for."""
    keys = jwks["keys"]
    assert {each["kty"] for each in keys} >= {"RSA", "EC"}
    assert len({each["kid"] for each in keys}) == len(keys)
    for key in keys:
        assert not PRIVATE_MEMBERS & key.keys()
        assert key["use"] in {"sig", "enc"}

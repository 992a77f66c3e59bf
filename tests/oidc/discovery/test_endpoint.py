"""What the provider says of itself."""

from dataclasses import replace
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from idp.oidc.discovery.endpoint import (
    JWKS,
    OAUTH_METADATA,
    OPENAPI,
    OPENID_CONFIGURATION,
    metadata,
)
from idp.oidc.provider import endpoints
from idp.oidc.vocabulary import GRANT_TYPES, RESPONSE_MODES, RESPONSE_TYPES
from idp.web.http import Request, Response
from tests.oidc.world import ISSUER, World, body


def get(world: World, path: str, **headers: str) -> Response:
    return world.call(path, Request("GET", path, headers=headers))


@pytest.fixture
def found(world: World) -> dict[str, Any]:
    return body(get(world, OPENID_CONFIGURATION))


@pytest.mark.parametrize("reader", [OpenIDProviderMetadata, AuthorizationServerMetadata])
def test_oidcc_discovery_endpoint_verification(found: dict[str, Any], reader: Any) -> None:
    reader(found).validate()
    assert found["issuer"] == ISSUER
    assert found["response_types_supported"] == list(RESPONSE_TYPES)
    assert found["response_modes_supported"] == [*RESPONSE_MODES, "jwt"]
    assert found["authorization_signing_alg_values_supported"] == ["ES256", "RS256"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert found["acr_values_supported"] == ["urn:vn:eid:level:1", "urn:vn:eid:level:2"]


def test_both_documents_are_one(world: World) -> None:
    assert get(world, OPENID_CONFIGURATION).body == get(world, OAUTH_METADATA).body


@pytest.mark.attack("I09")
def test_I09_only_what_is_there(world: World, found: dict[str, Any]) -> None:
    served = {ISSUER + each.path for each in endpoints(world.services)}
    named = {value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))}
    assert named <= served
    assert {f"{ISSUER}/token", f"{ISSUER}/authorize", f"{ISSUER}/jwks"} <= named
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert set(found["grant_types_supported"]) == set(GRANT_TYPES)
    for name in ("request_parameter", "request_uri_parameter"):
        assert found[f"{name}_supported"] is True
    assert found["require_request_uri_registration"] is True
    algorithms = {
        name: set(value) for name, value in found.items() if name.endswith("_values_supported")
    }
    unsigned = {name for name, each in algorithms.items() if "none" in each}
    assert unsigned == {"request_object_signing_alg_values_supported", "prompt_values_supported"}
    assert not {"HS256", "RSA1_5", "dir"} & set().union(*algorithms.values())


def test_the_pages_for_developers_are_named_where_there_are_some(world: World) -> None:
    pages = ("service_documentation", "op_policy_uri", "op_tos_uri")
    plain = world.services.settings
    assert not set(pages) & metadata(plain, ()).keys()
    site = "https://id.example.vn"
    configured = replace(
        plain,
        documentation_url=f"{site}/docs",
        policy_url=f"{site}/privacy",
        terms_url=f"{site}/terms",
    )
    found = metadata(configured, ())
    assert [found[each].removeprefix(site) for each in pages] == ["/docs", "/privacy", "/terms"]


@pytest.mark.attack("I01")
def test_I01_keys_are_public_strong_and_named(world: World) -> None:
    keys = body(get(world, JWKS))["keys"]
    assert {(each["use"], each.get("alg")) for each in keys} == {
        ("sig", "ES256"),
        ("sig", "RS256"),
        ("enc", "RSA-OAEP-256"),
        ("enc", None),  # for ECDH-ES, with and without key wrapping
    }
    assert len({each["kid"] for each in keys}) == len(keys) >= 2
    for each in keys:
        assert each["kty"] in {"EC", "RSA"}
        assert not {"d", "p", "q", "k"} & set(each)
        assert each["kty"] == "EC" or len(each["n"]) >= 512  # 3072 bits in base64url


@pytest.mark.attack("I08")
@pytest.mark.parametrize("path", [OPENID_CONFIGURATION, OAUTH_METADATA, JWKS])
def test_I08_documents_may_be_kept_and_are_not_sent_twice(world: World, path: str) -> None:
    first = get(world, path)
    assert first.headers["Cache-Control"].startswith("public, max-age=")
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    etag = first.headers["ETag"]
    for value in (etag, f"W/{etag}", f'"x", {etag}'):
        again = get(world, path, **{"if-none-match": value})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == etag
    assert get(world, path, **{"if-none-match": '"x"'}).status == 200


def test_the_documents_are_answered_while_others_wait_for_stores(world: World) -> None:
    light = {each.path for each in endpoints(world.services) if each.route.light}
    assert light == {OPENID_CONFIGURATION, OAUTH_METADATA, JWKS, OPENAPI}

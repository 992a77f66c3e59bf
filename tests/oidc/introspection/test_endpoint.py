"""Introspection: a client's own tokens, a resource server's own, and nothing else."""

import pytest

from tests.oidc.world import ISSUER, RESOURCE, World, refused


def test_an_access_token(world: World) -> None:
    tokens = world.tokens(scope=("openid", "records:read"))
    assert world.introspect(tokens["access_token"]) == {
        "active": True,
        "iss": ISSUER,
        "sub": world.id_token(tokens["id_token"])["sub"],
        "client_id": "portal",
        "scope": "openid records:read",
        "acr": "urn:vn:eid:level:2",
        "auth_time": world.clock(),
        "token_type": "Bearer",
        "aud": ISSUER,
        "iat": world.clock(),
        "exp": world.clock() + 600,
    }


def test_a_refresh_token(world: World) -> None:
    seen = world.introspect(world.tokens()["refresh_token"])
    assert seen["active"] is True
    assert seen["exp"] == world.clock() + 12 * 3600
    assert "token_type" not in seen


@pytest.mark.parametrize("access_token_format", ["reference", "jwt"])
def test_a_resource_server_learns_of_its_own_tokens(world: World, access_token_format: str) -> None:
    client = world.add_client("api", resource=RESOURCE, access_token_format=access_token_format)
    service = world.add_resource_server()
    tokens = world.tokens(client)
    assert world.introspect(tokens["access_token"], service)["aud"] == RESOURCE
    assert world.introspect(tokens["refresh_token"], service) == {"active": False}
    assert world.introspect(world.tokens()["access_token"], service) == {"active": False}


@pytest.mark.attack("F13")
def test_F13_others_learn_nothing(world: World) -> None:
    tokens = world.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "x"):
        assert world.introspect(token, world.other) == {"active": False}
    assert world.introspect(tokens["id_token"]) == {"active": False}


def test_a_public_client_may_not_ask(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    answer = world.post("/introspect", app, token="x")
    assert refused(answer) == (401, "invalid_client")


def test_a_token_is_needed(world: World) -> None:
    assert refused(world.post("/introspect", world.client)) == (400, "invalid_request")

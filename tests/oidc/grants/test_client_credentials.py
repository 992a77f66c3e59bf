"""The client_credentials grant: a client acts for itself."""

import pytest

from tests.oidc.world import RESOURCE, World, body, refused


def test_a_client_gets_a_token_for_itself(world: World) -> None:
    tokens = body(world.post("/token", world.client, grant_type="client_credentials"))
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}
    assert tokens["scope"] == "records:read records:write"
    assert world.userinfo(tokens["access_token"]).status == 403
    seen = world.introspect(tokens["access_token"])
    assert seen["active"] is True
    assert seen["sub"] == "portal"
    assert "acr" not in seen


def test_without_any_scope_none_is_named(world: World) -> None:
    """RFC 6749 §3.3: it has one value at least."""
    client = world.add_client("bare", grant_types=["client_credentials"], scope="")
    answer = world.post("/token", client, grant_type="client_credentials")
    assert answer.headers["Pragma"] == "no-cache"  # §5.1
    assert "scope" not in body(answer)


@pytest.mark.parametrize("details", ["[]", '[{"type":"transaction_approval"}]', "x"])
def test_no_transaction_is_approved_by_a_token_request(world: World, details: str) -> None:
    """RFC 9396 §6: nothing is passed over in silence."""
    for form in ({"grant_type": "client_credentials"}, {"grant_type": "refresh_token"}):
        answer = world.post("/token", world.client, authorization_details=details, **form)
        assert refused(answer) == (400, "invalid_authorization_details")


def test_narrower(world: World) -> None:
    answer = world.post(
        "/token", world.client, grant_type="client_credentials", scope="records:read"
    )
    assert body(answer)["scope"] == "records:read"


@pytest.mark.attack("S08")
@pytest.mark.parametrize("scope", ["openid", "profile", "offline_access", "unknown", '"'])
def test_S08_nothing_about_citizens_and_nothing_unregistered(world: World, scope: str) -> None:
    answer = world.post("/token", world.client, grant_type="client_credentials", scope=scope)
    assert refused(answer) == (400, "invalid_scope")


def test_it_ends_with_the_client(world: World) -> None:
    client = world.change_client(world.client, resource=RESOURCE)
    service = world.add_resource_server()
    token = body(world.post("/token", client, grant_type="client_credentials"))["access_token"]
    assert world.introspect(token, service)["client_id"] == "portal"
    world.disable(client)
    assert world.introspect(token, service) == {"active": False}


@pytest.mark.attack("T01")
def test_T01_only_if_registered(world: World) -> None:
    client = world.add_client("web", grant_types=["authorization_code"])
    answer = world.post("/token", client, grant_type="client_credentials")
    assert refused(answer) == (400, "unauthorized_client")

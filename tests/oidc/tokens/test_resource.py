"""Resource indicators: registered, narrowed, never widened (RFC 8707)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from idp.oidc.clients.model import Client
from idp.web.http import FORM, Params, Request, Response
from tests.oidc.world import SECRET, VERIFIER, World, basic, body, refused

TAX, HEALTH = "https://tax.example.vn", "https://health.example.vn"
BOTH = f"{TAX} {HEALTH}"
INVALID_TARGET = (400, "invalid_target")


@pytest.fixture
def client(world: World) -> Client:
    return world.add_client("bank", access_token_format="jwt", resource=BOTH)


def ask(world: World, client: Client, form: Mapping[str, str], *resources: str) -> Response:
    """A token request that names resources."""
    pairs = [*form.items(), *(("resource", each) for each in resources)]
    headers = {"content-type": FORM, "authorization": basic(client.client_id, SECRET)}
    encoded = urlencode(pairs).encode()
    return world.call(
        "/token", Request("POST", "/token", form=Params(pairs), headers=headers, body=encoded)
    )


def redeem(world: World, client: Client, *resources: str, granted: str = BOTH) -> Response:
    form = {
        "grant_type": "authorization_code",
        "code": world.code(world.authorization(client, resource=granted)),
        "redirect_uri": client.redirect_uris[0],
        "code_verifier": VERIFIER,
    }
    return ask(world, client, form, *resources)


def audience(answer: Response) -> Any:
    """Whom an access token is for, besides UserInfo."""
    text = body(answer)["access_token"]
    return jwt.decode(text, options={"verify_signature": False})["aud"][:-1]


def test_a_token_is_for_what_was_asked(world: World, client: Client) -> None:
    assert audience(redeem(world, client)) == [TAX, HEALTH]
    assert audience(redeem(world, client, HEALTH)) == [HEALTH]
    assert audience(redeem(world, client, HEALTH, TAX, TAX)) == [HEALTH, TAX]


@pytest.mark.parametrize(
    "resource",
    ["https://evil.example", f"{TAX}/", "tax", f"{TAX}#x", BOTH, "HTTPS://TAX.EXAMPLE.VN"],
)
def test_and_for_nothing_else(world: World, client: Client, resource: str) -> None:
    assert refused(redeem(world, client, resource)) == INVALID_TARGET
    assert refused(redeem(world, client, TAX, resource)) == INVALID_TARGET


def test_what_the_authorization_request_left_out_stays_out(world: World, client: Client) -> None:
    assert audience(redeem(world, client, granted=TAX)) == [TAX]
    assert refused(redeem(world, client, HEALTH, granted=TAX)) == INVALID_TARGET


def test_a_refresh_token_is_for_all_that_was_granted(world: World, client: Client) -> None:
    token = body(redeem(world, client, TAX))["refresh_token"]
    for resources in ((HEALTH,), (TAX,), (), (TAX, HEALTH)):
        form = {"grant_type": "refresh_token", "refresh_token": token}
        assert refused(ask(world, client, form, "https://evil.example")) == INVALID_TARGET
        answer = ask(world, client, form, *resources)
        assert audience(answer) == list(resources or (TAX, HEALTH))
        token = body(answer)["refresh_token"]


def test_a_client_for_itself(world: World, client: Client) -> None:
    form = {"grant_type": "client_credentials"}
    answer = ask(world, client, form, TAX)
    claims = jwt.decode(body(answer)["access_token"], options={"verify_signature": False})
    assert claims["aud"] == TAX
    assert refused(ask(world, client, form, "https://evil.example")) == INVALID_TARGET


def test_each_resource_server_sees_the_tokens_for_it(world: World, client: Client) -> None:
    servers = {
        each: world.add_client(each, redirect_uris=[], grant_types=["client_credentials"], scope="")
        for each in (TAX, HEALTH)
    }
    for_both = body(redeem(world, client))["access_token"]
    for_tax = body(redeem(world, client, TAX))["access_token"]
    assert world.introspect(for_both, servers[HEALTH])["aud"] == [TAX, HEALTH]
    assert world.introspect(for_tax, servers[TAX])["aud"] == TAX
    assert world.introspect(for_tax, servers[HEALTH]) == {"active": False}

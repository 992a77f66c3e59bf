"""What endpoints answer is what /openapi.json says of them, member by member."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest

from idp.oidc.authorization.request import MAX_LENGTHS
from idp.oidc.ciba.request import HINTS
from idp.oidc.grants.endpoint import GRANTS
from idp.oidc.vocabulary import CIBA, DEVICE_CODE
from idp.web.http import FORM, Params, Request, Response
from tests.oidc.world import SECRET, World, basic, body


@pytest.fixture
def described(world: World) -> dict[str, Any]:
    return body(world.call("/openapi.json", Request("GET", "/openapi.json")))


def check(described: dict[str, Any], response: Response, path: str, method: str = "post") -> None:
    """The answer has a status, a content type and members that are described, and no others."""
    told = described["paths"][path][method]["responses"][str(response.status)]
    assert set(told.get("headers", {})) >= set(response.headers) & {"DPoP-Nonce", "ETag"}
    media = response.headers["Content-Type"]
    schema = told["content"][media]["schema"]
    value = json.loads(response.body) if media == "application/json" else response.body.decode()
    jsonschema_rs.Draft202012Validator(schema).validate(value)
    if isinstance(value, Mapping):
        assert set(value) <= set(schema["properties"])


def members(described: dict[str, Any], path: str) -> set[str]:
    content = described["paths"][path]["post"]["requestBody"]["content"]
    return set(content[FORM]["schema"]["properties"])


def test_tokens_and_what_they_are(world: World, described: dict[str, Any]) -> None:
    client = world.add_client("shop", scope="openid profile offline_access")
    redeemed = world.redeem(world.code(world.authorization(client)), client)
    check(described, redeemed, "/token")
    tokens = body(redeemed)
    assert {"id_token", "refresh_token"} <= set(tokens)
    for token in (tokens["access_token"], tokens["refresh_token"], "none"):
        check(described, world.post("/introspect", client, token=token), "/introspect")
    check(described, world.userinfo(tokens["access_token"]), "/userinfo", "get")


def test_answers_in_a_jwt(world: World, described: dict[str, Any]) -> None:
    client = world.add_client("signed", userinfo_signed_response_alg="ES256")
    token = world.tokens(client)["access_token"]
    check(described, world.userinfo(token), "/userinfo", "get")
    headers = {
        "authorization": basic("signed", SECRET),
        "content-type": FORM,
        "accept": "application/token-introspection+jwt",
    }
    asked = Request("POST", "/introspect", form=Params({"token": token}.items()), headers=headers)
    check(described, world.call("/introspect", asked), "/introspect")


def test_requests_that_wait(world: World, described: dict[str, Any]) -> None:
    grants = {"grant_types": [DEVICE_CODE, CIBA], "backchannel_token_delivery_mode": "poll"}
    client = world.add_client("tv", redirect_uris=[], **grants)
    started = world.post("/device_authorization", client, scope="openid")
    check(described, started, "/device_authorization")
    asked = {"scope": "openid", "login_hint": world.account.number.digits}
    check(described, world.post("/bc-authorize", client, **asked), "/bc-authorize")
    pushed = {
        "response_type": "code",
        "redirect_uri": world.client.redirect_uris[0],
        "scope": "openid",
    }
    check(described, world.post("/par", world.client, **pushed), "/par")


def test_documents(world: World, described: dict[str, Any]) -> None:
    for path, item in described["paths"].items():
        if path.startswith("/.well-known/") or path in ("/jwks", "/openapi.json"):
            answer = world.call(path, Request("GET", path))
            assert answer.status == 200
            assert set(item["get"]["responses"]["200"]["headers"]) <= set(answer.headers)


def test_all_that_is_read_of_a_form_is_described(described: dict[str, Any]) -> None:
    credentials = {"client_id", "client_secret", "client_assertion", "client_assertion_type"}
    beside = {"redirect_uri", "scope", "state", "resource", "request"}
    assert members(described, "/par") == credentials | set(MAX_LENGTHS) | beside
    assert members(described, "/bc-authorize") >= credentials | set(HINTS) - {"login_hint_token"}
    redeemed = {"code", "refresh_token", "device_code", "auth_req_id", "resource"}
    assert members(described, "/token") >= credentials | redeemed
    for path in ("/revoke", "/introspect"):
        assert members(described, path) == credentials | {"token", "token_type_hint"}
    schema = described["paths"]["/token"]["post"]["requestBody"]["content"][FORM]["schema"]
    assert schema["properties"]["grant_type"]["enum"] == list(GRANTS)


def test_a_resource_may_stand_in_a_form_several_times(described: dict[str, Any]) -> None:
    for path in ("/token", "/par", "/device_authorization", "/bc-authorize"):
        media = described["paths"][path]["post"]["requestBody"]["content"][FORM]
        assert media["schema"]["properties"]["resource"]["type"] == "array"
        assert media["encoding"] == {"resource": {"style": "form", "explode": True}}


@pytest.mark.parametrize("path", ["/token", "/par", "/userinfo"])
def test_proofs_are_described_where_they_are_read(described: dict[str, Any], path: str) -> None:
    operation = described["paths"][path]["post"]
    assert "DPoP" in [each["name"] for each in operation["parameters"]]
    for status in {"200", "201", "4XX"} & operation["responses"].keys():
        assert "DPoP-Nonce" in operation["responses"][status]["headers"]

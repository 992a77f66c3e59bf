"""The token endpoint around its grants."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.jose.jwk import Jwk
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from idp.oidc.provider import endpoints
from idp.oidc.vocabulary import ASSERTION_TYPE, CIBA, DEVICE_CODE
from idp.web.http import FORM, Params, Request
from tests.oidc.world import ISSUER, World, body, form_post, refused


@pytest.mark.attack("T01")
@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "AUTHORIZATION_CODE",
        "x" * 10_000,
    ],
)
def test_T01_other_grant_types(world: World, grant_type: str) -> None:
    answer = world.post("/token", world.client, grant_type=grant_type)
    assert refused(answer) == (400, "unsupported_grant_type")


@pytest.mark.attack("T01")
@pytest.mark.parametrize("grant_type", [DEVICE_CODE, CIBA])
def test_T01_grant_types_of_others(world: World, grant_type: str) -> None:
    answer = world.post("/token", world.client, grant_type=grant_type)
    assert refused(answer) == (400, "unauthorized_client")


@pytest.mark.attack("T01")
def test_T01_no_grant_type_or_two(world: World) -> None:
    assert refused(world.post("/token", world.client)) == (400, "invalid_request")
    empty = world.post("/token", world.client, grant_type="")
    assert refused(empty) == (400, "invalid_request")
    twice = Params((("grant_type", "refresh_token"), ("grant_type", "password")))
    request = Request("POST", "/token", form=twice, headers={"content-type": FORM})
    assert refused(world.call("/token", request)) == (400, "invalid_request")


@pytest.mark.attack("E01")
@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
def test_E01_every_endpoint_for_clients_authenticates_them(world: World, path: str) -> None:
    form = {"client_id": "portal", "token": "x", "grant_type": "client_credentials"}
    assert refused(world.post(path, None, **form)) == (401, "invalid_client")


@pytest.mark.attack("D12")
def test_D12_get_is_not_a_method_of_it(world: World) -> None:
    methods = {each.path: each.route.methods for each in endpoints(world.services)}
    assert "GET" not in methods["/token"]
    assert methods["/introspect"] == ("POST",)
    assert "GET" not in methods["/revoke"]


def test_a_profile_that_wants_bound_tokens_gets_no_bearer_tokens(world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    world.add_client(
        "bank",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [Jwk("k", key.public_key()).export()]},
        profile="fapi2-security",
    )
    now = world.clock()
    claims = {"iss": "bank", "sub": "bank", "aud": ISSUER, "exp": now + 60, "jti": "1"}
    assertion = sign_jwt(LocalSigner("k", "ES256", key), claims)
    form = {
        "grant_type": "client_credentials",
        "client_assertion": assertion,
        "client_assertion_type": ASSERTION_TYPE,
    }
    assert refused(world.post("/token", None, **form)) == (400, "invalid_request")


def test_a_browser_client_may_call_from_its_own_origin_only(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    form = {"grant_type": "authorization_code", "client_id": "app", "code": "x"}
    ours = {"origin": "https://app.example.vn"}
    answer = world.call("/token", form_post("/token", form, ours))
    assert answer.status == 400
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.vn"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for origin in ("https://evil.example", "null", "https://portal.example.vn"):
        answer = world.call("/token", form_post("/token", form, {"origin": origin}))
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
    world.disable(app)
    answer = world.call("/token", form_post("/token", form, ours))
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.attack("T03")
def test_T03_a_disabled_client_can_do_nothing(world: World) -> None:
    tokens = world.tokens()
    world.disable(world.client)
    for path in ("/token", "/introspect", "/revoke"):
        form = {"token": tokens["access_token"], "grant_type": "client_credentials"}
        assert refused(world.post(path, world.client, **form)) == (401, "invalid_client")
    assert world.userinfo(tokens["access_token"]).status == 401


def test_nothing_secret_is_in_the_audit_log(world: World) -> None:
    code = world.code()
    tokens = body(world.redeem(code))
    world.redeem(code)
    text = str(world.audited(50))
    for secret in (code, *tokens.values(), world.account.id, "000199000001", "Ánh"):
        if isinstance(secret, str) and len(secret) > 8:
            assert secret not in text

"""Access tokens in both forms: what they say, and what is refused as one."""

import json
from dataclasses import replace

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.core.handles import Handle, b64url, b64url_decode
from idp.jose.jwt import sign_jwt
from idp.oidc.tokens.access_token import record_key
from tests.oidc.world import ISSUER, RESOURCE, World


def jwt_client(world: World, **changes: str):  # type: ignore[no-untyped-def]
    return world.add_client("api", access_token_format="jwt", **changes)


def test_a_reference_token_says_nothing(world: World) -> None:
    token = world.tokens()["access_token"]
    assert Handle.parse(token) is not None
    assert world.account.id not in token


def test_a_jwt_says_what_rfc_9068_wants(world: World) -> None:
    client = jwt_client(world, resource=RESOURCE)
    token = world.tokens(client, scope=("openid", "records:read"))["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    key = jwt.PyJWKSet.from_dict(world.services.keys.jwks())[header["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=RESOURCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    sub = world.services.subjects.sub(client, world.account.id)
    assert claims == {
        "iss": ISSUER,
        "sub": sub,
        "aud": [RESOURCE, ISSUER],
        "exp": world.clock() + 600,
        "iat": world.clock(),
        "jti": claims["jti"],
        "client_id": "api",
        "scope": "openid records:read",
        "auth_time": world.clock(),
        "acr": "urn:vn:eid:level:2",
        "amr": ["mfa", "otp", "pin", "sms"],
    }


def test_a_jwt_of_a_client_for_itself(world: World) -> None:
    client = jwt_client(world, resource=RESOURCE)
    answer = world.post("/token", client, grant_type="client_credentials")
    token = json.loads(answer.body)["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == claims["client_id"] == "api"
    assert claims["aud"] == RESOURCE
    assert "acr" not in claims


def test_a_jwt_works_here_and_can_be_revoked(world: World) -> None:
    client = jwt_client(world)
    tokens = world.tokens(client)
    assert world.userinfo(tokens["access_token"]).status == 200
    assert world.post("/revoke", client, token=tokens["access_token"]).status == 200
    assert world.userinfo(tokens["access_token"]).status == 401


@pytest.mark.attack("D07")
def test_D07_a_jti_is_no_token(world: World) -> None:
    token = world.tokens(jwt_client(world))["access_token"]
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    assert world.userinfo(jti).status == 401


@pytest.mark.attack("H04")
def test_H04_expired_by_a_second_or_of_others(world: World) -> None:
    client = jwt_client(world)
    for each in (world.client, client):
        token = world.tokens(each)["access_token"]
        world.clock.advance(599)
        assert world.userinfo(token).status == 200
        world.clock.advance(1)
        assert world.userinfo(token).status == 401
    good = jwt.decode(world.tokens(client)["access_token"], options={"verify_signature": False})
    signer = world.services.keys.signer("ES256")
    for changes in (
        {"iss": "https://evil.example"},
        {"exp": world.clock()},
        {"iat": world.clock() + 60},
        {"nbf": world.clock() + 60},
        {"jti": "x"},
        {"jti": None},
    ):
        assert world.userinfo(sign_jwt(signer, {**good, **changes}, typ="at+jwt")).status == 401
    assert world.userinfo(sign_jwt(signer, good)).status == 401  # an ID token's typ
    assert world.userinfo(sign_jwt(signer, good, typ="at+jwt")).status == 200


@pytest.mark.attack("E15")
def test_E15_an_id_token_is_no_access_token(world: World) -> None:
    assert world.userinfo(world.tokens()["id_token"]).status == 401


@pytest.mark.attack("H12")
def test_H12_every_flipped_bit_is_noticed(world: World) -> None:
    token = world.tokens(jwt_client(world))["access_token"]
    parts = token.split(".")
    for position in range(0, 200):
        part = position % 3
        raw = bytearray(b64url_decode(parts[part]))
        raw[position % len(raw)] ^= 1 << (position % 8)
        changed = [*parts[:part], b64url(bytes(raw)), *parts[part + 1 :]]
        assert world.userinfo(".".join(changed)).status == 401
    for mangled in (token + " ", token + "=", " " + token[:-1], token + "A", token[:-1]):
        assert (
            record_key(
                mangled, world.services.keys.verification(), issuer=ISSUER, now=world.clock()
            )
            is None
        )
    assert world.userinfo(token).status == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=120) | st.from_regex(r"[A-Za-z0-9_.\-]{0,200}", fullmatch=True))
def test_anything_may_be_presented(world: World, text: str) -> None:
    assert record_key(
        text, world.services.keys.verification(), issuer=ISSUER, now=world.clock()
    ) is None or Handle.parse(text)


def test_a_token_never_outlives_the_session(world: World) -> None:
    session = world.session()
    authorization = world.authorization(session=session)
    world.clock.advance(12 * 3600 - 30)
    answer = world.redeem(world.code(replace(authorization)))
    assert json.loads(answer.body)["expires_in"] == 30

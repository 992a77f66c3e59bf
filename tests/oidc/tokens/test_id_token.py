"""ID tokens: exactly the claims of the contract, and no personal data unasked."""

from typing import Any

import jwt
import pytest
from authlib.oidc.core import CodeIDToken

from idp.oidc.tokens.id_token import half_hash
from tests.oidc.world import ISSUER, World, body

ALWAYS = {
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "at_hash",
}


def independently(world: World, token: str, audience: str, alg: str) -> dict[str, Any]:
    """The claims as PyJWT sees them with our published keys."""
    published = jwt.PyJWKSet.from_dict(world.services.keys.jwks())
    key = published[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=[alg], audience=audience, issuer=ISSUER, options=options
    )
    return claims


@pytest.mark.attack("H17")
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_H17_claims(world: World, alg: str) -> None:
    client = world.add_client("other", id_token_signed_response_alg=alg)
    session = world.session()
    scope = ("openid", "profile", "pid", "phone")
    authorization = world.authorization(client, session, scope=scope, claims=("name", "pid"))
    world.clock.advance(7)
    tokens = body(world.redeem(world.code(authorization), client))
    claims = independently(world, tokens["id_token"], "other", alg)
    assert set(claims) == ALWAYS | {"nonce"}
    assert claims["aud"] == "other"
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["auth_time"] == session.started_at
    assert claims["iat"] == world.clock()
    assert claims["exp"] == world.clock() + 300
    assert claims["acr"] == "urn:vn:eid:level:2"
    assert claims["amr"] == ["mfa", "otp", "pin", "sms"]
    assert claims["at_hash"] == half_hash(tokens["access_token"], alg)
    reader = CodeIDToken(
        claims,
        {},
        {"iss": {"value": ISSUER}, "nonce": {"value": "n-0S6_WzA2Mj"}},
        {"client_id": "other", "access_token": tokens["access_token"], "nonce": claims["nonce"]},
    )
    reader.header = {"alg": alg}
    reader.validate(now=world.clock())


def test_no_nonce_where_the_request_had_none(world: World) -> None:
    tokens = world.tokens(nonce=None)
    assert set(world.id_token(tokens["id_token"])) == ALWAYS


def test_personal_claims_only_as_asked_for_here(world: World) -> None:
    tokens = world.tokens(
        scope=("openid", "profile", "pid"), claims=("pid",), id_token_claims=("name",)
    )
    claims = world.id_token(tokens["id_token"])
    assert set(claims) == ALWAYS | {"nonce", "name"}
    assert claims["name"] == "Nguyễn Thị Ánh"


@pytest.mark.attack("H16")
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "acr", "amr", "sid", "exp", "auth_time"])
def test_H16_no_attribute_displaces_the_providers_own(world: World, name: str) -> None:
    plain = world.id_token(world.tokens()["id_token"])
    asked = world.id_token(world.tokens(id_token_claims=(name,), claims=(name,))["id_token"])
    assert set(asked) == set(plain)
    assert asked["sub"] == plain["sub"]
    assert asked["aud"] == "portal"


@pytest.mark.attack("Q05")
def test_Q05_nothing_beyond_the_registration_even_if_consented_to(world: World) -> None:
    client = world.add_client("small", scope="openid age")
    tokens = world.tokens(client, id_token_claims=("pid", "name", "age_over_18"))
    assert set(world.id_token(tokens["id_token"])) == ALWAYS | {"nonce", "age_over_18"}


@pytest.mark.attack("Q04")
def test_Q04_two_clients_share_no_value(world: World) -> None:
    session = world.session()
    seen = []
    for client in (world.client, world.other):
        tokens = world.tokens(client, session_id=session.id, account_id=session.account_id)
        claims = world.id_token(tokens["id_token"])
        seen.append({tokens["access_token"][:11], tokens["refresh_token"][:11]})
        seen[-1] |= {claims[name] for name in ("sub", "sid", "at_hash")}
    assert seen[0].isdisjoint(seen[1])
    again = world.id_token(world.tokens()["id_token"])
    assert again["sub"] in seen[0]


@pytest.mark.attack("Q03")
def test_Q03_a_number_given_again_is_somebody_else(world: World) -> None:
    client, first = world.client, world.account
    again = world.add_citizen("000199000077")
    subjects = world.services.subjects
    assert subjects.sub(client, first.id) != subjects.sub(client, again.id)
    assert first.number.digits not in first.id

"""Every kind of answer, encrypted to the key of the client that registered so."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.core.errors import Unavailable
from idp.core.handles import b64url_decode
from idp.jose import jwe
from idp.jose.jwe import DecryptionKey, decrypt
from idp.jose.jwk import Jwk, JwkSet
from idp.jose.jwt import verify_jwt
from idp.oidc.clients.encryption import encrypts
from idp.oidc.clients.model import Client
from idp.oidc.clients.rules import InvalidMetadata, register
from idp.oidc.vocabulary import ENCRYPTION_ALGS, ENCRYPTION_ENCS
from idp.web.http import Response
from tests.oidc.world import ISSUER, SECRET, World, basic, body, form_post

RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
OURS = (DecryptionKey("rsa", RSA), DecryptionKey("ec", EC))
JWKS = JwkSet((Jwk("rsa", RSA.public_key(), None, "enc"), Jwk("ec", EC.public_key()))).export()
ACCEPT = "application/token-introspection+jwt"
PAIRS = [(alg, enc) for alg in ENCRYPTION_ALGS for enc in (*ENCRYPTION_ENCS, None)]


def header(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b64url_decode(token.partition(".")[0]))
    return found


def opened(token: str, alg: str, enc: str | None) -> str:
    """What was encrypted to us, as registered."""
    assert (header(token)["alg"], header(token)["enc"]) == (alg, enc or "A128CBC-HS256")
    return decrypt(token, OURS)


def verified(world: World, token: str, client: Client, typ: str = "") -> Mapping[str, Any]:
    keys = world.services.keys.verification()
    return verify_jwt(
        token,
        keys,
        algorithms=("ES256", "RS256"),
        issuer=ISSUER,
        audience=client.client_id,
        typ=(typ,),
        now=world.clock(),
    )


def registered(world: World, name: str, alg: str, enc: str | None, **more: Any) -> Client:
    members = {f"{name}_encrypted_response_alg": alg, "jwks": JWKS, **more}
    if enc:
        members[f"{name}_encrypted_response_enc"] = enc
    return world.add_client("sealed", **members)


def introspection(
    world: World, client: Client, token: str, accept: str = f"text/html;q=0.1, {ACCEPT};q=1"
) -> Response:
    headers = {"authorization": basic(client.client_id, SECRET), "accept": accept}
    return world.call("/introspect", form_post("/introspect", {"token": token}, headers))


def test_what_may_be_registered_is_what_is_spoken() -> None:
    assert (ENCRYPTION_ALGS, ENCRYPTION_ENCS) == (jwe.ALGS, jwe.ENCS)


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_id_tokens(world: World, alg: str, enc: str | None) -> None:
    client = registered(world, "id_token", alg, enc)
    token = world.tokens(client)["id_token"]
    assert header(token)["cty"] == "JWT"
    claims = verified(world, opened(token, alg, enc), client)
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert "at_hash" in claims


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_userinfo_signed_and_encrypted(world: World, alg: str, enc: str | None) -> None:
    client = registered(world, "userinfo", alg, enc, userinfo_signed_response_alg="RS256")
    response = world.userinfo(world.tokens(client)["access_token"])
    assert response.headers["Content-Type"] == "application/jwt"
    assert response.headers["Cache-Control"] == "no-store"
    token = response.body.decode("ascii")
    assert header(token)["cty"] == "JWT"
    assert verified(world, opened(token, alg, enc), client)["sub"]


def test_userinfo_only_encrypted(world: World) -> None:
    client = registered(world, "userinfo", "ECDH-ES", None)
    tokens = world.tokens(client, scope=("openid", "profile"), claims=("name",))
    token = world.userinfo(tokens["access_token"]).body.decode("ascii")
    assert "cty" not in header(token)
    claims = json.loads(opened(token, "ECDH-ES", None))
    assert claims["name"] == "Nguyễn Thị Ánh"
    assert claims["sub"] == world.id_token(tokens["id_token"])["sub"]
    assert "iss" not in claims  # OIDC Core §5.3.2: those are of a signed one


@pytest.mark.parametrize("alg", ["ES256", "RS256", None])
def test_introspection_signed(world: World, alg: str | None) -> None:
    """RFC 9701 §5: the answer in a JWT of its own kind, for its caller."""
    more = {"introspection_signed_response_alg": alg} if alg else {}
    client = world.add_client("keeper", **more)
    access = world.tokens(client)["access_token"]
    response = introspection(world, client, access)
    assert response.headers["Content-Type"] == ACCEPT
    assert response.headers["Cache-Control"] == "no-store"
    token = response.body.decode("ascii")
    assert (header(token)["alg"], header(token)["typ"]) == (alg or "RS256", ACCEPT[12:])
    claims = verified(world, token, client, "token-introspection+jwt")
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["iat"] == world.clock()
    assert claims["token_introspection"] == world.introspect(access, client)
    dead = introspection(world, client, "x").body.decode("ascii")
    told = verified(world, dead, client, "token-introspection+jwt")["token_introspection"]
    assert told == {"active": False}
    for accept in ("", "*/*", "application/json", "application/jwt"):
        assert body(introspection(world, client, access, accept))["active"] is True


def test_introspection_of_another_ones_token_is_signed_without_a_word(world: World) -> None:
    access = world.tokens()["access_token"]
    token = introspection(world, world.other, access).body.decode("ascii")
    claims = verified(world, token, world.other, "token-introspection+jwt")
    assert claims["token_introspection"] == {"active": False}


@pytest.mark.attack("E15")
def test_E15_signed_introspection_is_no_token_of_another_kind(world: World) -> None:
    client = world.add_client("keeper", introspection_signed_response_alg="ES256")
    access = world.tokens(client)["access_token"]
    token = introspection(world, client, access).body.decode("ascii")
    assert world.userinfo(token).status == 401
    assert world.introspect(token, client) == {"active": False}


@pytest.mark.parametrize(("alg", "enc"), PAIRS)
def test_introspection_encrypted(world: World, alg: str, enc: str | None) -> None:
    client = registered(world, "introspection", alg, enc, introspection_signed_response_alg="ES256")
    access = world.tokens(client)["access_token"]
    token = introspection(world, client, access).body.decode("ascii")
    inside = opened(token, alg, enc)
    claims = verified(world, inside, client, "token-introspection+jwt")
    assert claims["token_introspection"]["active"] is True


def test_nothing_leaves_unencrypted_for_want_of_a_key(world: World) -> None:
    client = registered(world, "id_token", "ECDH-ES", None)
    only_rsa = JwkSet((Jwk("rsa", RSA.public_key()),)).export()
    client = world.change_client(client, jwks=only_rsa)
    with pytest.raises(Unavailable, match="client keys"):
        world.tokens(client)


def test_what_cannot_be_encrypted_now_uses_no_code_up(world: World) -> None:
    client = registered(world, "id_token", "ECDH-ES", None)
    only_rsa = JwkSet((Jwk("rsa", RSA.public_key()),)).export()
    client = world.change_client(client, jwks=only_rsa)
    code = world.code(world.authorization(client))
    with pytest.raises(Unavailable, match="client keys"):
        world.redeem(code, client)
    client = world.change_client(client, jwks=JWKS)
    assert "id_token" in body(world.redeem(code, client))


@pytest.mark.parametrize("answer", ["id_token", "userinfo", "introspection", "authorization"])
@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RSA-OAEP-256", Jwk("ec", EC.public_key())),
        ("ECDH-ES", Jwk("rsa", RSA.public_key())),
        ("ECDH-ES", Jwk("ec", EC.public_key(), None, "sig")),
    ],
)
def test_keys_that_do_not_fit_are_not_registered(answer: str, alg: str, key: Jwk) -> None:
    name = f"{answer}_encrypted_response_alg"
    raw = {"redirect_uris": ["https://rp.example/cb"], name: alg, "jwks": JwkSet((key,)).export()}
    with pytest.raises(InvalidMetadata) as caught:
        register(raw, client_id="rp")
    assert f"jwks: has no key for {name} {alg}" in caught.value.problems


def test_who_registers_nothing_gets_nothing_encrypted(world: World) -> None:
    kinds = ("id_token", "userinfo", "introspection", "authorization")
    assert not any(encrypts(world.client, each) for each in kinds)

"""The doctor calls what a client registered: real servers over TLS, good ones and bad ones."""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idp.core.clock import system_clock
from idp.jose.jwt import parse_jwt, verify_jwt
from idp.oidc.clients.model import Client, ClientStatus
from idp.oidc.doctor.examination import Examination
from idp.oidc.doctor.model import Finding, Verdict
from idp.outbound.client import OutboundClient, OutboundSettings
from tests.oidc.doctor.conftest import HOST, Authority, Serve
from tests.oidc.world import ISSUER, World
from tests.outbound.hostile import Hostile, ok, request

KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
OK, WARNING, PROBLEM, NOT_CHECKED = Verdict
JSON = b"Content-Type: application/json"


@pytest.fixture
def examine(world: World, outbound: OutboundClient) -> Callable[..., list[Finding]]:
    """The findings of the portal, changed as a test wants it, on one member."""

    def run(check: str, by: OutboundClient = outbound, **members: Any) -> list[Finding]:
        quiet: dict[str, Any] = {"redirect_uris": ("http://localhost/cb",)}
        client = world.change_client(world.client, **(quiet | members))
        return [
            each for each in examination(world, by, client).run(_nothing) if each.check == check
        ]

    return run


Examine = Callable[..., list[Finding]]


def _nothing(done: int) -> None:
    pass


def examination(world: World, outbound: OutboundClient, client: Client) -> Examination:
    return Examination(client, outbound, world.services.keys, world.database, system_clock, ISSUER)


def url(server: Hostile, path: str = "/x", host: str = HOST) -> str:
    return server.url(path, host=host)


def jwk(key: Any = KEY, kid: str | None = "k1", *, private: bool = False, **members: Any) -> Any:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    shown = algorithm.to_jwk(key if private else key.public_key(), as_dict=True)
    shown.pop("key_ops", None)
    return shown | ({"kid": kid} if kid else {}) | members


def published(*keys: Any) -> bytes:
    return ok(json.dumps({"keys": list(keys)}).encode(), JSON)


# Redirect URIs: the server's certificate


def test_a_good_certificate_of_a_redirect_uri_is_ok_and_no_request_is_sent(
    examine: Examine, serve: Serve
) -> None:
    server = serve()
    (finding,) = examine("redirect_uris", redirect_uris=(url(server), url(server, "/other")))
    assert finding.verdict is OK, finding
    assert server.connections == 1
    assert server.heard() == [b""]


@pytest.mark.parametrize(
    ("host", "days", "verdict", "sentence"),
    [
        (HOST, 5, WARNING, "expires in 5 days: renew it"),
        (HOST, -5, PROBLEM, "has expired: renew it"),
        ("other.example.vn", 200, PROBLEM, "for another host"),
    ],
)
def test_a_bad_certificate_of_a_redirect_uri_is_told(
    examine: Examine,
    serve: Serve,
    authority: Authority,
    host: str,
    days: int,
    verdict: Verdict,
    sentence: str,
) -> None:
    server = serve(tls=authority.server(host, days=days))
    (finding,) = examine("redirect_uris", redirect_uris=(url(server),))
    assert finding.verdict is verdict
    assert sentence in finding.sentence


def test_a_certificate_of_an_unknown_authority_is_told(
    examine: Examine, serve: Serve, tmp_path: Path
) -> None:
    server = serve(tls=Authority(tmp_path, "Unknown CA").server())
    (finding,) = examine("redirect_uris", redirect_uris=(url(server),))
    assert finding.verdict is PROBLEM
    assert "no known authority issued" in finding.sentence


def test_a_server_that_ends_the_handshake_is_told(examine: Examine, serve: Serve) -> None:
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate no handshake ends well
    (finding,) = examine("redirect_uris", redirect_uris=(url(serve(tls=plain)),))
    assert finding.verdict is PROBLEM
    assert "fails the TLS handshake" in finding.sentence


@pytest.mark.parametrize(
    "uri", ["http://localhost:3000/cb", "http://127.0.0.1/cb", "vn.gov.app:/cb"]
)
def test_addresses_on_the_users_machine_are_said_to_be_not_checked(
    examine: Examine, uri: str
) -> None:
    (finding,) = examine("redirect_uris", redirect_uris=(uri,))
    assert finding.verdict is NOT_CHECKED


def test_a_host_that_does_not_resolve_is_told(examine: Examine) -> None:
    (finding,) = examine("redirect_uris", redirect_uris=("https://nowhere.example.vn/cb",))
    assert "does not resolve" in finding.sentence


def test_a_private_address_is_told(examine: Examine, authority: Authority) -> None:
    guarded = OutboundClient(
        OutboundSettings(ca_file=authority.file, floor=0.0), lambda host: ("10.0.0.1",)
    )
    (finding,) = examine("redirect_uris", guarded, redirect_uris=(f"https://{HOST}/cb",))
    assert "private or reserved address" in finding.sentence


# Keys


@pytest.mark.parametrize(
    ("listed", "verdict", "sentence"),
    [
        ([jwk()], OK, "1 usable keys"),
        ([jwk(private=True)], PROBLEM, "publishes the private key k1 (members d)"),
        ([{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}], PROBLEM, "private key s (members k)"),
        ([jwk(), jwk(kid="k1")], PROBLEM, "2 keys with the kid k1"),
        ([jwk(kid=None)], WARNING, "without a kid"),
        ([jwk(), jwk(ec.generate_private_key(ec.SECP256R1()), "k2")], WARNING, "2 keys for ES256"),
        ([jwk(RSA_KEY)], PROBLEM, "publish a signing key for ES256"),
        ([jwk(use="enc")], PROBLEM, "publish a signing key for ES256"),
        ([jwk() | {"x": "AAAA"}], PROBLEM, "makes the whole set invalid"),
        ([jwk(), {"kty": "EC", "crv": "P-521", "kid": "z"}], WARNING, "which is ignored"),
        ([jwk(kid=["no", "text"])], PROBLEM, "makes the whole set invalid"),
        (["no object"], PROBLEM, "makes the whole set invalid"),
        ([], PROBLEM, "publish a signing key for ES256"),
    ],
)
def test_what_is_wrong_with_published_keys_is_told(
    examine: Examine, serve: Serve, listed: list[Any], verdict: Verdict, sentence: str
) -> None:
    found = examine(
        "jwks_uri",
        jwks_uri=url(serve(published(*listed))),
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
    )
    assert any(each.verdict is verdict and sentence in each.sentence for each in found), found


def test_a_key_for_encrypted_answers_is_looked_for(examine: Examine, serve: Serve) -> None:
    (finding,) = examine(
        "jwks_uri",
        jwks_uri=url(serve(published(jwk()))),
        id_token_encrypted_response_alg="RSA-OAEP-256",
    )
    assert "publish an encryption key for RSA-OAEP-256" in finding.sentence


def test_a_client_without_the_keys_that_its_method_needs_is_told(examine: Examine) -> None:
    (finding,) = examine("jwks", token_endpoint_auth_method="private_key_jwt")
    assert "register a jwks_uri" in finding.sentence


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (ok(b"<html>", JSON), "is not one JSON object"),
        (ok(b'{"keys": 1}', JSON), "no array named keys"),
        (ok(b"", status=b"404 Not Found"), "does not answer with the status 200"),
        (ok(b"", b"Location: /y", status=b"302 Found"), "redirect, which is not followed"),
        (ok(b"x" * 400_000), "at most 256 kB"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not answer in HTTP/1.1"),
    ],
)
def test_what_is_wrong_with_a_jwks_uri_is_told(
    examine: Examine, serve: Serve, answer: bytes, sentence: str
) -> None:
    (finding,) = examine("jwks_uri", jwks_uri=url(serve(answer)))
    assert finding.verdict is PROBLEM
    assert sentence in finding.sentence


def test_a_hanging_endpoint_is_told_and_holds_up_no_other_check(
    world: World, outbound: OutboundClient, serve: Serve
) -> None:
    hanging = serve()
    hanging.stream(b"", b"", pause=0.2)
    members = ("jwks_uri", "backchannel_logout_uri", "logo_uri", "client_uri", "policy_uri")
    client = world.change_client(
        world.client, **{name: url(hanging) for name in members}, tos_uri=url(serve(ok(b"x")))
    )
    began = time.monotonic()
    found = {each.check: each for each in examination(world, outbound, client).run(_nothing)}
    assert time.monotonic() - began < 2.5 * 3.0  # five calls of 3 s each, together
    for name in members:
        assert "did not answer in time" in found[name].sentence
    assert found["tos_uri"].verdict is OK


# Logout


def logout_server(serve: Serve, world: World, *statuses: int) -> tuple[Hostile, list[str]]:
    """A logout endpoint that answers ``statuses`` in turn; and the tokens that it got."""
    server, tokens, left = serve(), list[str](), list(statuses)

    def behave(connection: Any) -> None:
        form = request(connection).partition(b"\r\n\r\n")[2].decode()
        tokens.extend(parse_qs(form)["logout_token"])
        connection.sendall(ok(b"", status=f"{left.pop(0)} Told".encode()))

    server.behave = behave
    return server, tokens


def test_a_logout_endpoint_gets_a_good_token_about_nobody_and_a_forged_one(
    world: World, examine: Examine, serve: Serve
) -> None:
    server, tokens = logout_server(serve, world, 200, 400)
    found = examine("backchannel_logout_uri", backchannel_logout_uri=url(server))
    assert [each.verdict for each in found] == [OK, OK]
    good, forged = tokens
    expected = {
        "keys": world.services.keys.verification(),
        "algorithms": ("ES256", "RS256"),
        "issuer": ISSUER,
        "audience": "portal",
        "typ": ("logout+jwt",),
        "now": system_clock(),
        "required": ("iat", "exp", "jti", "sub", "sid"),
    }
    claims = verify_jwt(good, **expected)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["sub"].startswith("test-")
    assert "nonce" not in claims
    assert parse_jwt(forged).claims["jti"] != claims["jti"]
    with pytest.raises(Exception, match="signature"):
        verify_jwt(forged, **expected)


@pytest.mark.parametrize(
    ("statuses", "verdict", "sentence"),
    [
        ((200, 204), PROBLEM, "anybody can log your users out"),
        ((204, 500), WARNING, "answer 400"),
        ((400,), WARNING, "refuses a valid token"),
        ((404,), PROBLEM, "register the address"),
        ((405,), PROBLEM, "does not accept POST"),
        ((403,), PROBLEM, "CSRF protection"),
        ((500,), PROBLEM, "answers 500"),
        ((302,), PROBLEM, "redirect, which is not followed"),
    ],
)
def test_what_is_wrong_with_a_logout_endpoint_is_told(
    world: World,
    examine: Examine,
    serve: Serve,
    statuses: tuple[int, ...],
    verdict: Verdict,
    sentence: str,
) -> None:
    server, _ = logout_server(serve, world, *statuses)
    found = examine("backchannel_logout_uri", backchannel_logout_uri=url(server))
    assert found[-1].verdict is verdict
    assert sentence in found[-1].sentence


@pytest.mark.parametrize(
    ("answer", "verdict", "sentence"),
    [
        (ok(b"bye"), OK, "answers 200"),
        (ok(b"bye", b"X-Frame-Options: DENY"), PROBLEM, "forbids frames (DENY)"),
        (
            ok(b"bye", b"Content-Security-Policy: default-src 'self'; frame-ancestors 'none'"),
            PROBLEM,
            "forbids frames",
        ),
        (ok(b"", status=b"404 Not Found"), PROBLEM, "answers 404"),
    ],
)
def test_a_front_channel_logout_address_must_load_in_a_frame(
    examine: Examine, serve: Serve, answer: bytes, verdict: Verdict, sentence: str
) -> None:
    uri = url(serve(answer))
    (finding,) = examine("frontchannel_logout_uri", frontchannel_logout_uri=uri)
    assert finding.verdict is verdict
    assert sentence in finding.sentence


# The rest of the registration


def test_a_sector_document_that_does_not_list_a_redirect_uri_is_told(
    examine: Examine, serve: Serve
) -> None:
    listed = serve(ok(b'["http://localhost/cb"]', JSON))
    (good,) = examine("sector_identifier_uri", sector_identifier_uri=url(listed))
    assert good.verdict is OK
    (bad,) = examine(
        "sector_identifier_uri",
        sector_identifier_uri=url(listed),
        redirect_uris=("http://localhost/cb", "http://localhost/new"),
    )
    assert "does not list http://localhost/new" in bad.sentence


@pytest.mark.parametrize(
    ("answer", "verdict", "sentence"),
    [
        (ok(b"PNG", b"Content-Type: image/png"), OK, "image of 3 bytes"),
        (ok(b"<html>", b"Content-Type: text/html"), PROBLEM, "Content-Type text/html"),
        (ok(b"x" * 150_000, b"Content-Type: image/png"), WARNING, "150000 bytes"),
        (ok(b"", b"Location: /y", status=b"301 Moved"), PROBLEM, "answers 301"),
    ],
)
def test_a_logo_is_a_small_picture(
    examine: Examine, serve: Serve, answer: bytes, verdict: Verdict, sentence: str
) -> None:
    (finding,) = examine("logo_uri", logo_uri=url(serve(answer)))
    assert finding.verdict is verdict
    assert sentence in finding.sentence


def test_a_request_object_is_a_jwt(examine: Examine, serve: Serve) -> None:
    uris = url(serve(ok(b"a.b.c"))), url(serve(ok(b"<html>")))
    good, bad = examine("request_uris", request_uris=uris)
    assert good.verdict is OK
    assert "is not a JWT" in bad.sentence


def test_pages_that_have_moved_or_are_gone_are_told(examine: Examine, serve: Serve) -> None:
    moved = serve(ok(b"", b"Location: /y", status=b"301 Moved Permanently"))
    (policy,) = examine("policy_uri", policy_uri=url(moved))
    assert policy.verdict is WARNING
    (terms,) = examine("tos_uri", tos_uri=url(serve(ok(b"", status=b"410 Gone"))))
    assert terms.verdict is PROBLEM


def test_a_disabled_client_is_told(world: World, outbound: OutboundClient) -> None:
    client = replace(world.client, status=ClientStatus.DISABLED, redirect_uris=())
    first, *_ = examination(world, outbound, client).run(_nothing)
    assert first.verdict is PROBLEM
    assert "idp client enable" in first.sentence

"""Addresses that clients name, over HTTP: nobody makes the provider call often, or wait long."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.core.clock import system_clock
from idp.jose.jwk import Jwk
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from idp.oidc.clients.repository import Clients
from idp.oidc.clients.rules import Rules, register
from idp.oidc.vocabulary import ASSERTION_TYPE
from tests.attacks.live import WORKERS, Live, at_once
from tests.attacks.oracles import alive, tok, without_reference
from tests.outbound.hostile import Hostile, hostile, ok

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
JWKS = {"keys": [Jwk("k1", KEY.public_key()).export()]}


@pytest.fixture
def server() -> Iterator[Hostile]:
    with hostile(None) as running:
        running.answer(ok(json.dumps(JWKS).encode()))
        yield running


def add_client(live: Live, server: Hostile) -> str:
    """A client whose keys are at the server."""
    client_id = f"keys-{secrets.token_hex(4)}"
    raw = {
        "client_name": client_id,
        "grant_types": ["client_credentials"],
        "scope": "records:read",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": server.url("/jwks", scheme="http"),
    }
    found = register(raw, client_id=client_id, rules=Rules(loopback=True))
    Clients(live.database, system_clock).create(found)
    return client_id


def ask(
    live: Live, http: httpx.Client, client_id: str, kid: str = "k1", key: object = KEY
) -> httpx.Response:
    """A request for a token under a fresh assertion."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": live.issuer,
        "exp": system_clock() + 60,
        "jti": secrets.token_hex(8),
    }
    assertion = sign_jwt(LocalSigner(kid, "ES256", key), claims)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return http.post("/token", data=form)


@pytest.mark.attack("E10")
def test_E10_random_key_names_do_not_make_us_call(live: Live, server: Hostile) -> None:
    client_id = add_client(live, server)

    def guess(http: httpx.Client, number: int) -> list[httpx.Response]:
        return [ask(live, http, client_id, secrets.token_hex(4), OTHER_KEY) for _ in range(50)]

    answers = [each for some in at_once(live, guess, callers=20) for each in some]
    assert {each.status_code for each in answers} <= {401, 429}
    assert 1 <= server.connections <= WORKERS
    with live.http("127.0.0.9") as elsewhere:  # whoever guessed is slowed down, the client is not
        assert ask(live, elsewhere, client_id).status_code == 200
    assert server.connections <= WORKERS
    alive(live)


@pytest.mark.attack("N04")
def test_N04_a_client_whose_server_hangs_hinders_nobody(live: Live, server: Hostile) -> None:
    def hang(connection: socket.socket) -> None:
        time.sleep(2.5)

    stuck: list[int] = []

    def wait() -> None:
        with live.http("127.0.0.8") as http:
            stuck.append(ask(live, http, hanging).status_code)

    with hostile(None) as another:
        another.behave = hang
        hanging, good = add_client(live, another), add_client(live, server)
        threads = [threading.Thread(target=wait) for _ in range(40)]
        for each in threads:
            each.start()
        time.sleep(0.3)
        began = time.monotonic()
        for _ in range(8):  # whichever process answers
            with live.http() as http:
                assert ask(live, http, good).status_code == 200
        assert time.monotonic() - began < 5
        for each in threads:
            each.join(20)
        assert 1 <= another.connections <= WORKERS
    assert len(stuck) == 40
    assert set(stuck) <= {401, 503}
    alive(live)


@pytest.mark.attack("N05")
def test_N05_the_answer_does_not_tell_what_was_found(live: Live, server: Hostile) -> None:
    server.answer(ok(b"", status=b"500 Internal Server Error"))
    with hostile(None) as closed:
        pass
    answers = []
    for each in (server, closed):
        client_id = add_client(live, each)
        with live.http() as http:
            answers.append(ask(live, http, client_id))
    for each in answers:
        tok(each, 401, "invalid_client")
    assert without_reference(answers[0]) == without_reference(answers[1])

"""Clients' keys: fetched when they have to be, and never as often as a stranger would like."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.jose.jwk import Jwk
from idp.oidc.clients import keys as module
from idp.oidc.clients.keys import COOL_DOWN, MAX_AGE, MAX_FETCHES, MAX_STALE, ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.rules import Rules, register
from tests.oidc.outside import outbound
from tests.outbound.hostile import Hostile, hostile, ok

DEADLINE = 20.0
"""Seconds that a fetch may take: a busy machine must not end one before the test does."""
PUBLIC = ec.generate_private_key(ec.SECP256R1()).public_key()


def jwks(*kids: str) -> dict[str, Any]:
    return {"keys": [Jwk(kid, PUBLIC).export() for kid in kids]}


@pytest.fixture
def server() -> Iterator[Hostile]:
    """Where the client's keys are: one of the name k1."""
    with hostile(None) as running:
        publish(running, jwks("k1"))
        yield running


@pytest.fixture
def client(server: Hostile) -> Client:
    return of_uri(server.url("/jwks", scheme="http"))


@pytest.fixture
def keys(clock: FixedClock) -> ClientKeys:
    return ClientKeys(outbound(DEADLINE), clock)


def of_uri(uri: str) -> Client:
    raw = {
        "client_name": "Ngân hàng",
        "redirect_uris": ["https://bank.example.vn/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": uri,
    }
    return register(raw, client_id="bank", rules=Rules(loopback=True))


def publish(server: Hostile, value: Any) -> None:
    server.answer(ok(json.dumps(value).encode()))


def names(keys: ClientKeys, client: Client, kid: str | None = None) -> list[str]:
    return [each.kid for each in keys.find(client, kid).keys]


def break_down(server: Hostile) -> None:
    server.answer(ok(b"", status=b"503 Service Unavailable"))


@contextmanager
def hanging(server: Hostile, *threads: threading.Thread) -> Iterator[None]:
    """Start threads that each call; the server answers as before, after the block has ended."""
    before, released = server.behave, threading.Event()

    def late(connection: socket.socket) -> None:
        released.wait(DEADLINE)
        before(connection)

    server.behave, already = late, server.connections
    for each in threads:
        each.start()
    deadline = time.monotonic() + DEADLINE
    while server.connections < already + len(threads):
        assert time.monotonic() < deadline, "they did not call"
        time.sleep(0.01)
    try:
        yield
    finally:
        released.set()
        for each in threads:
            each.join(DEADLINE)


def test_keys_by_value_need_no_call(keys: ClientKeys, server: Hostile, client: Client) -> None:
    by_value = replace(client, jwks_uri="", jwks=jwks("own"))
    assert names(keys, by_value, "other") == ["own"]
    assert names(keys, replace(by_value, jwks={})) == []
    assert server.connections == 0


def test_keys_are_fetched_once_and_kept(keys: ClientKeys, server: Hostile, client: Client) -> None:
    for _ in range(3):
        assert names(keys, client) == names(keys, client, "k1") == ["k1"]
    assert [each.kid for each in keys.of(client).keys] == ["k1"]
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /jwks HTTP/1.1\r\n")


def test_old_keys_are_asked_for_again(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    assert names(keys, client) == ["k1"]
    publish(server, jwks("k2"))
    clock.advance(MAX_AGE - 1)
    assert names(keys, client) == ["k1"]
    clock.advance(1)
    assert names(keys, client) == ["k2"]
    assert server.connections == 2


def test_a_new_key_is_found_when_it_is_named(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    assert names(keys, client, "k1") == ["k1"]
    publish(server, jwks("k1", "k2"))
    assert names(keys, client, "k2") == ["k1"]  # too soon
    clock.advance(COOL_DOWN)
    assert names(keys, client, "k1") == ["k1"]
    assert names(keys, client, "k2") == ["k1", "k2"]
    assert server.connections == 2


def test_keys_at_another_uri_are_others(keys: ClientKeys, server: Hostile, client: Client) -> None:
    assert names(keys, client) == ["k1"]
    publish(server, jwks("k2"))
    moved = replace(client, jwks_uri=client.jwks_uri + "2")
    assert names(keys, moved) == ["k2"]
    assert names(keys, client) == ["k1"]


@pytest.mark.attack("E10")
def test_E10_a_thousand_invented_names_make_one_call(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    for number in range(1_000):
        assert names(keys, client, f"invented-{number}") == ["k1"]
    assert server.connections == 1
    clock.advance(COOL_DOWN)
    for number in range(1_000):
        names(keys, client, f"invented-{number}")
    assert server.connections == 2


@pytest.mark.attack("E10")
def test_E10_failures_cool_down_too(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    break_down(server)
    for number in range(100):
        assert names(keys, client, f"invented-{number}") == []
    assert server.connections == 1
    publish(server, jwks("k1"))
    clock.advance(COOL_DOWN - 1)
    assert names(keys, client, "k1") == []
    clock.advance(1)
    assert names(keys, client, "k1") == ["k1"]


def test_keys_outlive_a_failure_for_a_day(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    assert names(keys, client) == ["k1"]
    break_down(server)
    clock.advance(MAX_STALE - 1)
    assert names(keys, client) == names(keys, client, "k1") == ["k1"]
    clock.advance(1)
    assert names(keys, client, "k1") == []
    publish(server, jwks("k1"))
    clock.advance(COOL_DOWN)
    assert names(keys, client, "k1") == ["k1"]


@pytest.mark.attack("N04")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"keys": 1}',
        b"\xff{}",
        b"[" * 200_000,
        b'{"keys": [], "keys": []}',
        json.dumps(jwks("k1", "k1")).encode(),
        json.dumps(jwks(*map(str, range(101)))).encode(),
        json.dumps(jwks(*map(str, range(10_000)))).encode(),
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}).encode(),
        json.dumps({"keys": [jwks("k1")["keys"][0] | {"d": "AQ"}]}).encode(),
    ],
)
def test_N04_what_is_no_set_of_public_keys_gives_none(
    keys: ClientKeys, server: Hostile, client: Client, body: bytes
) -> None:
    server.answer(ok(body))
    assert names(keys, client, "k1") == []


def test_a_hundred_keys_are_read(keys: ClientKeys, server: Hostile, client: Client) -> None:
    publish(server, jwks(*map(str, range(100))))
    assert len(names(keys, client)) == 100


def test_many_at_once_fetch_once(
    keys: ClientKeys, server: Hostile, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", DEADLINE)
    before = server.behave

    def late(connection: socket.socket) -> None:
        time.sleep(0.2)
        before(connection)

    server.behave = late
    found = at_once(keys, client, "k1", callers=30)
    assert found == [["k1"]] * 30
    assert server.connections == 1


@pytest.mark.attack("N04")
def test_N04_a_server_that_hangs_holds_one_thread(
    keys: ClientKeys, server: Hostile, client: Client
) -> None:
    with hanging(server, threading.Thread(target=keys.of, args=(client,))):
        refused_soon(keys, client)
        by_value = replace(client, client_id="clinic", jwks_uri="", jwks=jwks("own"))
        assert names(keys, by_value) == ["own"]
        with hostile(None) as another:
            publish(another, jwks("k2"))
            assert names(keys, of_uri(another.url("/jwks", scheme="http"))) == ["k2"]
    assert names(keys, client, "k1") == ["k1"]
    assert server.connections == 1


@pytest.mark.attack("N04")
def test_N04_many_that_hang_hold_a_few_threads(
    keys: ClientKeys, server: Hostile, client: Client
) -> None:
    clients = [replace(client, client_id=str(number)) for number in range(MAX_FETCHES)]
    threads = [threading.Thread(target=keys.of, args=(each,)) for each in clients]
    with hanging(server, *threads):
        refused_soon(keys, client)
    assert server.connections == MAX_FETCHES


def refused_soon(keys: ClientKeys, client: Client) -> None:
    """503, and no thread held: come back in a second."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        keys.find(client, "k1")
    assert refused.value.retry_after == 1
    assert time.monotonic() - began < DEADLINE / 2


def test_who_has_the_key_does_not_wait_for_newer_ones(
    keys: ClientKeys, server: Hostile, client: Client, clock: FixedClock
) -> None:
    assert names(keys, client) == ["k1"]
    clock.advance(MAX_AGE)
    fetching = threading.Thread(target=keys.of, args=(client,))
    with hanging(server, fetching):
        assert names(keys, client, "k1") == ["k1"]
        assert fetching.is_alive()


def test_the_memory_is_bounded(
    keys: ClientKeys, server: Hostile, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CLIENTS", 3)
    for number in (1, 2, 3, 4, 4, 3, 2):
        names(keys, replace(client, client_id=str(number)))
    assert server.connections == 4
    names(keys, replace(client, client_id="1"))
    assert server.connections == 5
    assert len(keys) == 3


def at_once(keys: ClientKeys, client: Client, kid: str, *, callers: int) -> list[list[str]]:
    start, found = threading.Barrier(callers), list[list[str]]()

    def call() -> None:
        start.wait(5)
        found.append(names(keys, client, kid))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    return found

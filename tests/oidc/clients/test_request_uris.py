"""Request objects that clients' servers keep back: the others are served all the same."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.oidc.clients.model import Client, Text
from idp.oidc.clients.request_uris import MAX_WAITING, NoRequestObject, RequestUris, registered
from idp.storage.memory import MemoryStore
from tests.oidc.outside import outbound
from tests.outbound.hostile import hostile


def client(*uris: str) -> Client:
    return Client("portal", Text("Cổng"), "portal.example.vn", request_uris=uris)


@pytest.mark.attack("N04")
def test_N04_servers_that_hang_hold_few_threads(transient: MemoryStore) -> None:
    stop = threading.Event()

    def hang(_: socket.socket) -> None:
        stop.wait(8)

    with hostile(None) as server, ThreadPoolExecutor(MAX_WAITING + 3) as pool:
        server.behave = hang
        uri = server.url("/r", scheme="http", host="127.0.0.1")
        uris = RequestUris(outbound(), transient)

        def reason() -> tuple[str, float]:
            started = time.monotonic()
            with pytest.raises(NoRequestObject) as caught:
                uris.get(client(uri), uri)
            return caught.value.reason, time.monotonic() - started

        found = [each.result() for each in [pool.submit(reason) for _ in range(MAX_WAITING + 3)]]
        stop.set()
    sent_away = [took for why, took in found if why == "too_many_waiting"]
    assert len(sent_away) == 3
    assert max(sent_away) < 4  # the others wait for 8
    assert server.connections == MAX_WAITING


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("https://a.example/r", True),
        ("https://a.example/r#x", True),
        ("https://a.example/s#1", True),
        ("https://a.example/s#2", False),
        ("https://a.example/s", False),
        ("https://a.example/R", False),
        ("https://a.example/r?x", False),
        ("https://a.example/", False),
        ("", False),
    ],
)
def test_addresses_are_compared_letter_by_letter(asked: str, known: bool) -> None:
    assert registered(asked, client("https://a.example/r", "https://a.example/s#1")) is known

"""CIBA by ping: the client's notification endpoint, CIBA Core §10.2."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from idp.outbound.client import OutboundClient, OutboundSettings
from tests.oidc.ciba.bank import BANK, add, allow, ask, begin, error, phone, poll, requests
from tests.oidc.front import Front


@dataclass
class Notified:
    """A client's notification endpoint: what came, and what it answers."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def endpoint() -> Iterator[Notified]:
    notified = Notified()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            notified.came.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(notified.status)
            for name, value in notified.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            notified.arrived.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        notified.url = f"http://127.0.0.1:{server.server_port}/ciba"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield notified
        server.shutdown()
        thread.join()


def pinged(front: Front, endpoint: str) -> None:
    ping = replace(
        BANK,
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint=endpoint,
    )
    add(front, ping)


def test_the_client_is_told_that_there_is_an_answer(front: Front, endpoint: Notified) -> None:
    pinged(front, endpoint.url)
    begun = begin(front, client_notification_token="t" * 43)
    browser, page = phone(front)
    assert endpoint.came == []
    allow(browser, browser.get(requests(page)[0]), begun["match_number"])
    assert endpoint.arrived.wait(5)
    assert endpoint.came == [(f"Bearer {'t' * 43}", {"auth_req_id": begun["auth_req_id"]})]
    assert poll(front, begun).status_code == 200


def test_the_client_is_told_of_a_no(front: Front, endpoint: Notified) -> None:
    pinged(front, endpoint.url)
    begun = begin(front, client_notification_token="t" * 43)
    browser, page = phone(front)
    browser.submit(browser.get(requests(page)[0]), decision="deny")
    assert endpoint.arrived.wait(5)
    assert error(poll(front, begun)) == "access_denied"


@pytest.mark.parametrize("token", ["", "a b", "é", "x" * 1025])
def test_ping_needs_a_token_to_call_with(front: Front, token: str) -> None:
    pinged(front, "https://bank.example.vn/ciba")
    assert error(ask(front, client_notification_token=token)) == "invalid_request"


@pytest.mark.attack("S07")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"]
)
def test_S07_an_address_inside_is_never_called(front: Front, endpoint: Notified, host: str) -> None:
    guarded = OutboundClient(OutboundSettings(timeout=2.0, floor=0.0))
    inside = front.reaching(guarded)
    pinged(inside, endpoint.url.replace("127.0.0.1", host).replace("http:", "https:"))
    begun = begin(inside, client_notification_token="t" * 43)
    browser, page = phone(inside)
    allow(browser, browser.get(requests(page)[0]), begun["match_number"])
    recorded = told(inside)
    assert recorded["client_id"] == "bank"
    assert not recorded["outcome"].isdigit()
    assert endpoint.came == []
    assert poll(inside, begun).status_code == 200
    guarded.close()


def told(front: Front) -> dict[str, Any]:
    """What the audit log says of the notification, which comes behind the citizen's back."""
    for _ in range(500):
        found = [each for each in front.events() if each["event"] == "ClientNotified"]
        if found:
            return found[0]
        time.sleep(0.01)
    raise AssertionError("nothing was recorded")

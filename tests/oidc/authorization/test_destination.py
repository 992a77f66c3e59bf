"""Attack rows A: where an authorization response may go."""

import time
from dataclasses import replace

import pytest

from idp.oidc.authorization.destination import MAX_STATE, NoDestination, find
from idp.oidc.clients.model import Client, ClientStatus, Text
from idp.web.http import Params

CALLBACK = "https://portal.example.vn/cb"
OTHER = "https://portal.example.vn/other?tenant=1"
A = Client(
    client_id="a",
    client_name=Text("A"),
    sector="portal.example.vn",
    redirect_uris=(CALLBACK, OTHER),
)
B = Client(
    client_id="b",
    client_name=Text("B"),
    sector="b.example.vn",
    redirect_uris=("https://b.example.vn/cb",),
)
NATIVE = Client(
    client_id="n",
    client_name=Text("N"),
    sector="n",
    application_type="native",
    redirect_uris=("http://127.0.0.1/cb", "http://[::1]:8000/cb", "vn.example.app:/cb"),
)
CLIENTS = {each.client_id: each for each in (A, B, NATIVE)}


def refused(*pairs: tuple[str, str]) -> NoDestination:
    with pytest.raises(NoDestination) as caught:
        find(Params(pairs), CLIENTS.get)
    return caught.value


def test_a_registered_redirect_uri_is_a_destination_with_its_state() -> None:
    found = find(Params([("client_id", "a"), ("redirect_uri", OTHER), ("state", "x")]), CLIENTS.get)
    assert (found.client, found.redirect_uri, found.state) == (A, OTHER, "x")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        pytest.param(uri, marks=pytest.mark.attack(row), id=f"{row}-{number}")
        for number, (row, uri) in enumerate(
            [
                ("A05", CALLBACK + "/"),
                ("A06", "https://PORTAL.example.vn/cb"),
                ("A06", "HTTPS://portal.example.vn/cb"),
                ("A06", "https://portal.example.vn:443/cb"),
                ("A07", CALLBACK + "/more"),
                ("A07", "https://portal.example.vn/x/../cb"),
                ("A07", "https://portal.example.vn/cb/..;/evil"),
                ("A07", "https://portal.example.vn/%2e%2e/cb"),
                ("A07", "https://portal.example.vn//cb"),
                ("A07", "https://portal.example.vn/./cb"),
                ("A08", CALLBACK + "?x=1"),
                ("A08", OTHER + "&x=1"),
                ("A08", CALLBACK + "#frag"),
                ("A08", CALLBACK + "%23"),
                ("A08", CALLBACK + "?"),
                ("A10", "https://evil.example\\@portal.example.vn/cb"),
                ("A10", "https://portal.example.vn/cb\r\nSet-Cookie: a=b"),
                ("A10", " " + CALLBACK),
                ("A10", CALLBACK + "\t"),
                ("A11", "https://portal.example.vn.evil.example/cb"),
                ("A11", "https://evilportal.example.vn/cb"),
                ("A11", "https://portal.example.vn:1@evil.example/cb"),
                ("A12", "https://pоrtal.example.vn/cb"),  # a Cyrillic o
                ("A12", "https://portal\uff0eexample.vn/cb"),
                ("A14", "https%3A%2F%2Fportal.example.vn%2Fcb"),
                ("A15", "javascript:alert(1)"),
                ("A15", "JaVaScRiPt:alert(1)"),
                ("A15", "data:text/html,x"),
                ("A15", "vbscript:x"),
                ("A15", "file:///etc/passwd"),
                ("A15", "blob:https://portal.example.vn/1"),
                ("A16", "http://portal.example.vn/cb"),
                ("A17", "https://b.example.vn/cb"),
                ("A18", ""),
            ]
        )
    ],
)
def test_A_redirect_uri_must_be_the_registered_one(redirect_uri: str) -> None:
    error = refused(("client_id", "a"), ("redirect_uri", redirect_uri))
    assert error.error == "invalid_redirect_uri"


@pytest.mark.attack("A13")
@pytest.mark.parametrize("pair", [(CALLBACK, "https://evil.example/"), (CALLBACK, CALLBACK)])
def test_A13_a_repeated_redirect_uri_is_a_page(pair: tuple[str, str]) -> None:
    for first, second in (pair, pair[::-1]):
        error = refused(("client_id", "a"), ("redirect_uri", first), ("redirect_uri", second))
        assert error.error == "invalid_request"


@pytest.mark.attack("A14")
def test_A14_an_array_is_not_a_redirect_uri() -> None:
    error = refused(("client_id", "a"), ("redirect_uri[]", CALLBACK))
    assert error.error == "invalid_redirect_uri"


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    "redirect_uri",
    ["http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", "http://[::1]/cb", "http://[::1]:9/cb"],
)
def test_A19_a_native_application_chooses_its_loopback_port(redirect_uri: str) -> None:
    found = find(Params([("client_id", "n"), ("redirect_uri", redirect_uri)]), CLIENTS.get)
    assert found.redirect_uri == redirect_uri


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?x=1",
        "http://127.0.0.1:51004/cb\n",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:٨٠/cb",
        "http://localhost:51004/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1@evil.example/cb",
        "https://127.0.0.1:51004/cb",
    ],
)
def test_A19_nothing_but_the_port_is_free(redirect_uri: str) -> None:
    refused(("client_id", "n"), ("redirect_uri", redirect_uri))


@pytest.mark.attack("A19")
def test_A19_a_web_client_has_no_free_port() -> None:
    web = replace(NATIVE, application_type="web")
    with pytest.raises(NoDestination):
        find(
            Params([("client_id", "n"), ("redirect_uri", "http://127.0.0.1:51004/cb")]),
            {"n": web}.get,
        )


@pytest.mark.attack("A21")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://" + "a" * (1 << 20),
        "http://127.0.0.1:" + "1" * 65536,
        "http://[::",
        "http://" * 9000,
    ],
)
def test_A21_long_and_malformed_ones_are_refused_at_once(redirect_uri: str) -> None:
    before = time.thread_time()
    refused(("client_id", "n"), ("redirect_uri", redirect_uri))
    assert time.thread_time() - before < 0.2


@pytest.mark.attack("B01")
def test_B01_unknown_and_disabled_clients_are_told_alike() -> None:
    disabled = {"a": replace(A, status=ClientStatus.DISABLED)}
    told = []
    for clients, client_id in ((CLIENTS, "nobody"), (disabled, "a"), (CLIENTS, "x" * 100_000)):
        with pytest.raises(NoDestination) as caught:
            find(Params([("client_id", client_id), ("redirect_uri", CALLBACK)]), clients.get)
        told.append((caught.value.members(), caught.value.status, str(caught.value)))
    assert len({str(each) for each in told}) == 1


@pytest.mark.attack("B05")
@pytest.mark.parametrize("name", ["client_id", "state"])
def test_B05_what_says_where_to_answer_may_not_be_repeated(name: str) -> None:
    once = [("client_id", "a"), ("redirect_uri", CALLBACK), ("state", "s")]
    assert refused(*once, (name, "again")).error == "invalid_request"


@pytest.mark.attack("B07")
def test_B07_a_state_of_4_kib_is_kept_and_a_longer_one_refused() -> None:
    request = [("client_id", "a"), ("redirect_uri", CALLBACK)]
    longest = "🌾" * MAX_STATE
    assert find(Params([*request, ("state", longest)]), CLIENTS.get).state == longest
    refused(*request, ("state", longest + "x"))

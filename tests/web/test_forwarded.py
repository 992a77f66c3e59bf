"""Who the client is behind proxies: every form of both headers, and no invention of a client."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from idp.web import forwarded
from idp.web.forwarded import Hop, Trust, client, node, x_forwarded_for

PROXIES = Trust((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:aaaa::/48")))
PROXY = "10.0.0.1"


def seen(**headers: str) -> str:
    """The client's address when our proxy sends these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client(named, PROXY, False, PROXIES)[0]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:47011", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:47011", "2001:db8::1"),
        ("[fe80::1%eth0]:47011", "fe80::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
        ("203.0.113.9:_port", "203.0.113.9"),
        *((each, "") for each in ("", "unknown", "_hidden", "x", "1.2.3", "1.2.3.4:", "[1.2.3.4")),
        *((each, "") for each in ("203.0.113.09", "1.2.3.4:123456", "[::1]x", ":", "1.2.3.4 5")),
    ],
)
def test_an_address_is_read_with_port_brackets_and_zone(text: str, address: str) -> None:
    assert node(text) == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("203.0.113.9:47011", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9:47011, 10.0.0.2:80", "203.0.113.9"),
        ('"[2001:db8::1]:47011"', "2001:db8::1"),
        ("2001:db8::1 , 2001:db8:aaaa::5", "2001:db8::1"),
        ("198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.1, unknown", PROXY),
        ("198.51.100.1,", PROXY),
    ],
)
def test_x_forwarded_for_as_gateways_write_it_is_read(value: str, address: str) -> None:
    assert seen(x_forwarded_for=value) == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=203.0.113.9", "203.0.113.9"),
        ("For=203.0.113.9;Proto=https;By=10.0.0.1", "203.0.113.9"),
        ('for="203.0.113.9:47011"', "203.0.113.9"),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ('for="\\2\\0\\3.0.113.9"', "203.0.113.9"),
        ('for=198.51.100.1, for=203.0.113.9;host="a, b;c", for=10.0.0.2', "203.0.113.9"),
        ("for=198.51.100.1,for=203.0.113.9 , ,\tproto=http;for=10.0.0.2;", "203.0.113.9"),
        ("for=198.51.100.1, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=198.51.100.1, for=unknown", PROXY),
        ("for=198.51.100.1, proto=https", PROXY),
        ('for=203.0.113.9, for="[::1', PROXY),
        ("for=203.0.113.9 for=203.0.113.9", PROXY),
        ("for=203.0.113.9;for=198.51.100.1", PROXY),
        ("for = 203.0.113.9", PROXY),
        ("203.0.113.9", PROXY),
        (";", PROXY),
    ],
)
def test_forwarded_is_read_in_every_form(value: str, address: str) -> None:
    assert seen(forwarded=value) == address


def test_the_protocol_is_that_of_the_clients_own_connection() -> None:
    def secure(**headers: str) -> bool:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client(named, PROXY, False, PROXIES)[1]

    assert secure(forwarded="for=203.0.113.9;proto=HTTPS, for=10.0.0.2;proto=http")
    assert not secure(forwarded="for=1.1.1.1;proto=https, for=203.0.113.9;proto=http")
    assert secure(forwarded="for=203.0.113.9", x_forwarded_proto="https")
    assert secure(x_forwarded_proto="https")


@pytest.mark.parametrize(
    "headers",
    [
        {"forwarded": "for=203.0.113.9", "x_forwarded_for": "198.51.100.7"},
        {"forwarded": "for=unknown", "x_forwarded_for": "198.51.100.7"},
    ],
)
def test_where_the_two_headers_disagree_neither_is_believed(headers: dict[str, str]) -> None:
    assert seen(**headers) == PROXY


def test_where_the_two_headers_agree_they_are_believed() -> None:
    assert seen(forwarded='for="203.0.113.9:1"', x_forwarded_for="203.0.113.9:2") == "203.0.113.9"


@pytest.mark.parametrize("quote", ["", '"', '\\"', ', for="', 'for="', 'x="', "\\", '"\\'])
@pytest.mark.parametrize("proxy", ["for=203.0.113.9", 'for="[2001:db8::1]:47011";by="[::2]:1"'])
def test_a_client_cannot_swallow_what_our_proxy_appends(quote: str, proxy: str) -> None:
    found = seen(forwarded=f"for=9.9.9.9{quote}, {proxy}")
    assert found in ("203.0.113.9", "2001:db8::1", PROXY)


@pytest.mark.parametrize("length", range(1000, 1100))
def test_a_long_invention_does_not_push_out_what_our_proxy_appends(length: int) -> None:
    invented = ("9.9.9.9, " * 200)[:length]
    assert seen(x_forwarded_for=f"{invented}, 203.0.113.9") == "203.0.113.9"


def test_what_names_no_client_is_counted_for_the_operator() -> None:
    def counted() -> float:
        labels = {"header": "x-forwarded-for"}
        return REGISTRY.get_sample_value("idp_forwarding_unread_total", labels) or 0.0

    before = counted()
    seen(x_forwarded_for="unknown")
    assert counted() == before + 1


pieces = st.sampled_from(
    ["for=", "FOR=", "proto=", ";", ",", '"', "\\", " ", "unknown", "_x", "9.9.9.9", "[::9]", ":1"]
)
values = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=12).map("".join))


@given(values, values)
def test_any_header_leads_to_an_address_or_the_proxy(first: str, second: str) -> None:
    address = seen(forwarded=first, x_forwarded_for=second)
    ipaddress.ip_address(address)


@given(values)
def test_what_a_client_sends_never_replaces_what_our_proxy_appends(invented: str) -> None:
    assert seen(x_forwarded_for=f"{invented},203.0.113.9") == "203.0.113.9"
    assert seen(forwarded=f"{invented},for=203.0.113.9") in ("203.0.113.9", PROXY)


@given(st.lists(st.ip_addresses(), min_size=1, max_size=8))
def test_addresses_come_back_as_they_were_written(addresses: list[ipaddress.IPv4Address]) -> None:
    wanted = tuple(Hop(node(str(each))) for each in addresses)
    assert x_forwarded_for(", ".join(map(str, addresses))) == wanted
    assert forwarded.forwarded(", ".join(f'for="[{each}]"' for each in addresses)) == wanted

"""Every form that proxies write a client's address in, each read in time.

Beside ``tests/web/test_forwarded.py``; the same questions asked for both headers.
"""

import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.web import forwarded
from idp.web.forwarded import Trust, client
from idp.web.http import from_environ

PROXIES = Trust(tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "2001:db8:aaaa::/48"))))
PROXY = "10.0.0.1"
CLIENT, CLIENT_6 = "203.0.113.9", "2001:db8::9"


def seen(name: str, value: str) -> str:
    return client({name: value}, PROXY, False, PROXIES)[0]


WRITTEN = [
    (CLIENT, CLIENT),
    (f"{CLIENT}:47011", CLIENT),
    (f"{CLIENT}:_secret", CLIENT),
    (CLIENT_6, CLIENT_6),
    (CLIENT_6.upper(), CLIENT_6),
    ("2001:0db8:0000:0000:0000:0000:0000:0009", CLIENT_6),
    (f"[{CLIENT_6}]", CLIENT_6),
    (f"[{CLIENT_6}]:47011", CLIENT_6),
    (f"[{CLIENT_6}%eth0]:47011", CLIENT_6),
    (f"::ffff:{CLIENT}", CLIENT),
    (f"[::FFFF:{CLIENT}]:47011", CLIENT),
    ("_obfuscated", PROXY),
    ("_ob-fus.cated_1", PROXY),
    ("unknown", PROXY),
    ("UnKnown", PROXY),
    ("unknown:47011", PROXY),
    ("localhost", PROXY),
    ("unix:", PROXY),
    ("999.0.113.9", PROXY),
    (f"{CLIENT}:port", PROXY),
    (f"[{CLIENT_6}", PROXY),
    (f"{CLIENT} {CLIENT}", PROXY),
]


@pytest.mark.parametrize(("written", "address"), WRITTEN)
@pytest.mark.parametrize("invented", ["", "198.51.100.1, ", '"[2001:db8::bad]:1", '])
@pytest.mark.parametrize("behind", ["", ", 10.0.0.2", " ,\t10.0.0.3:80 ,10.0.0.2"])
@pytest.mark.parametrize("quotes", ["{}", '"{}"', ' "{}" ', "\t{} "])
def test_each_form_of_an_address_in_x_forwarded_for(
    written: str, address: str, invented: str, behind: str, quotes: str
) -> None:
    found = seen("x-forwarded-for", invented + quotes.format(written) + behind)
    if address == PROXY and behind:  # the last of our proxies that names one
        address = "10.0.0.2" if behind == ", 10.0.0.2" else "10.0.0.3"
    assert found == address


@pytest.mark.parametrize(("written", "address"), WRITTEN)
@pytest.mark.parametrize("invented", ["", "for=198.51.100.1, ", 'by=x;for="[2001:db8::bad]:1",'])
@pytest.mark.parametrize("behind", ["", ", for=10.0.0.2", ' ,,\tFor="10.0.0.2:80";BY=_b ,'])
@pytest.mark.parametrize(
    "element",
    ['for="{}"', 'FOR="{}"', 'proto=https;For="{}";host="a,b;for=1.1.1.1\\""', ' by=x ; fOR="{}" '],
)
def test_each_form_of_an_address_in_forwarded(
    written: str, address: str, invented: str, behind: str, element: str
) -> None:
    found = seen("forwarded", invented + element.format(written) + behind)
    assert found == ("10.0.0.2" if address == PROXY and behind else address)


@pytest.mark.parametrize("written", [CLIENT, f"{CLIENT}:47011", CLIENT_6, f"[{CLIENT_6}]:47011"])
def test_an_address_that_should_stand_in_quotes_is_read_without(written: str) -> None:
    address = CLIENT if written.startswith(CLIENT) else CLIENT_6
    assert seen("forwarded", f"for=1.1.1.1, for={written};proto=http, for=10.0.0.2") == address


@pytest.mark.parametrize(
    ("name", "value", "address"),
    [
        ("x-forwarded-for", ",", PROXY),
        ("x-forwarded-for", f"{CLIENT},,10.0.0.2", "10.0.0.2"),  # somebody named nobody
        ("x-forwarded-for", f",,,{CLIENT}", CLIENT),
        ("x-forwarded-for", f"{CLIENT}, 10.0.0.2,", PROXY),
        ("forwarded", ",", PROXY),
        ("forwarded", f",,for={CLIENT},, ,for=10.0.0.2,", CLIENT),
        ("forwarded", f"for={CLIENT},for=", PROXY),
        ("forwarded", f'for={CLIENT},for=""', PROXY),
        ("forwarded", f"for={CLIENT};;for=10.0.0.2", PROXY),
        ("forwarded", f'for={CLIENT},for="10.0.0.2', PROXY),
    ],
)
def test_empty_elements_name_nobody(name: str, value: str, address: str) -> None:
    assert seen(name, value) == address


def test_a_header_on_several_lines_is_one_list() -> None:
    def peer(**headers: str) -> str:
        environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": PROXY, **headers}
        return from_environ(environ, PROXIES).peer

    # Servers join the lines of a header by commas, with a blank or without.
    for between in (",", ", "):
        lines = between.join(["198.51.100.1", f"{CLIENT}:1", "10.0.0.2"])
        assert peer(HTTP_X_FORWARDED_FOR=lines) == CLIENT
        lines = between.join(["for=198.51.100.1", f'for="{CLIENT}:1"', "for=10.0.0.2"])
        assert peer(HTTP_FORWARDED=lines) == CLIENT


def test_more_hops_than_are_looked_at_end_at_one_of_our_proxies() -> None:
    ours = ", ".join(["10.0.0.7"] * (forwarded.MAX_HOPS + 5))
    assert seen("x-forwarded-for", f"{CLIENT}, {ours}") == "10.0.0.7"
    assert seen("forwarded", ", ".join(f"for={each}" for each in (CLIENT, *ours.split(", ")))) == (
        "10.0.0.7"
    )


def test_only_a_believed_peer_is_asked() -> None:
    headers = {"HTTP_X_FORWARDED_FOR": CLIENT, "HTTP_FORWARDED": f"for={CLIENT}"}
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "198.51.100.77", **headers}
    assert from_environ(environ, PROXIES).peer == "198.51.100.77"


invented = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                *(
                    "for=",
                    "FOR=",
                    "by=",
                    "proto=https",
                    ";",
                    ",",
                    '"',
                    "\\",
                    " ",
                    "\t",
                    "=",
                    "[",
                    "]",
                ),
                *("unknown", "_x", "9.9.9.9", "[2001:db8::bad]", ":1", "10.0.0.9", "2001:db8::bad"),
            ]
        ),
        max_size=16,
    ).map("".join),
)
ours = st.lists(st.sampled_from(["10.0.0.2", "10.0.0.3", "2001:db8:aaaa::5"]), max_size=5)
whom = st.ip_addresses().filter(lambda each: not PROXIES.believes(str(each)))


@given(invented, whom, ours)
def test_what_a_client_invents_never_wins_over_what_the_proxies_append(
    left: str, address: ipaddress.IPv4Address, proxies: list[str]
) -> None:
    wanted = forwarded.node(str(address))
    appended = [str(address), *proxies]
    assert seen("x-forwarded-for", ", ".join([left, *appended])) == wanted
    elements = (f'for="[{each}]:1"' if ":" in each else f"for={each}" for each in appended)
    # What a client leaves open breaks the header: then it is as if it were not there.
    assert seen("forwarded", ", ".join([left, *elements])) in (wanted, PROXY)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_header_raises(first: str, second: str) -> None:
    found, _ = client({"forwarded": first, "x-forwarded-for": second}, PROXY, False, PROXIES)
    ipaddress.ip_address(found)
    for name in ("forwarded", "x-forwarded-for"):
        ipaddress.ip_address(seen(name, first))


LONG = 60_000


@pytest.mark.parametrize(
    "value",
    [
        "," + " " * LONG + f",for={CLIENT}",
        f"for={CLIENT}," + "\t " * (LONG // 2) + "x",
        " " * LONG + "=",
        "," * LONG,
        "a" * LONG,
        'for="' + "\\a" * (LONG // 2),
        "a=b;" * (LONG // 4),
        "a=b," * (LONG // 4),
        "1:" * (LONG // 2),
        "1." * (LONG // 2) + ":",
        "[" * LONG,
    ],
)
def test_a_long_header_takes_no_more_time_than_its_length(value: str) -> None:
    began = time.thread_time()  # other threads of a busy machine do not count
    seen("forwarded", value)
    seen("x-forwarded-for", value)
    assert time.thread_time() - began < 2  # the square of its length would take minutes

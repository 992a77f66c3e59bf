"""Group A over HTTP: where an authorization response may go, asked by GET and by POST."""

from functools import partial

import httpx
import pytest

from tests.attacks.live import EVIL, Live, encoded, quickest, raw
from tests.attacks.oracles import alive, errpage

HOST = "portal.example.vn"
GOOD = f"https://{HOST}/cb"


def ask(
    live: Live, http: httpx.Client, method: str, pairs: list[tuple[str, str]]
) -> httpx.Response:
    """One authorization request of exactly these parameters."""
    if method == "GET":
        return http.get("/authorize?" + encoded(pairs))
    form = {"content-type": "application/x-www-form-urlencoded"}
    return http.post("/authorize", content=encoded(pairs), headers=form)


def with_redirect(live: Live, *uris: str) -> list[tuple[str, str]]:
    pairs = list(live.request(redirect_uri="").items())
    return [*pairs, *(("redirect_uri", each) for each in uris)]


def refused(live: Live, *uris: str) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        for each in uris:
            for method in ("GET", "POST"):
                answer = ask(live, http, method, with_redirect(live, *([each] if each else [])))
                errpage(live, answer, each)


@pytest.mark.attack("A05")
def test_A05_a_trailing_slash_is_another_address(live: Live) -> None:
    refused(live, GOOD + "/", GOOD[:-3], GOOD[:-2])


@pytest.mark.attack("A06")
def test_A06_addresses_are_compared_letter_by_letter(live: Live) -> None:
    refused(live, f"https://{HOST.upper()}/cb", f"HTTPS://{HOST}/cb", f"https://{HOST}:443/cb")


@pytest.mark.attack("A07")
@pytest.mark.parametrize(
    "path",
    ["/x", "/../evil", "/..;/evil", "/%2e%2e/evil", "//", "/./", "%2f..%2fevil", "/..\\evil"],
)
def test_A07_another_path_is_another_address(live: Live, path: str) -> None:
    refused(live, GOOD + path, f"https://{HOST}{path}/cb")


@pytest.mark.attack("A08")
def test_A08_another_query_or_a_fragment_is_another_address(live: Live) -> None:
    refused(live, *(GOOD + each for each in ("?x=1", "&x=1", "#frag", "%23", "?", "#")))


@pytest.mark.attack("A10")
def test_A10_characters_that_parsers_disagree_on(live: Live) -> None:
    refused(
        live,
        f"https://{EVIL}\\@{HOST}/cb",
        f"https://{HOST}\\.{EVIL}/cb",
        GOOD + "\t",
        " " + GOOD,
        GOOD + "\r\nSet-Cookie: session=evil",
        f"https://{HOST}/cb\r\nLocation: https://{EVIL}/",
    )


@pytest.mark.attack("A10")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_A10_a_nul_is_refused_before_anything_is_compared(live: Live, method: str) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        pairs = with_redirect(live, f"https://{HOST}\0.{EVIL}/cb")
        errpage(live, ask(live, http, method, pairs))


@pytest.mark.attack("A11")
def test_A11_a_host_that_only_looks_alike(live: Live) -> None:
    refused(
        live,
        f"https://{HOST}.{EVIL}/cb",
        f"https://evil{HOST}/cb",
        f"https://{HOST}:1@{EVIL}/cb",
        f"https://{HOST}%00.{EVIL}/cb",
        f"https://{EVIL}/{GOOD}",
    )


@pytest.mark.attack("A12")
def test_A12_a_host_in_other_letters(live: Live) -> None:
    refused(
        live,
        "https://pоrtal.example.vn/cb",  # a Cyrillic o
        "https://xn--prtal-uqa.example.vn/cb",
        "https://portal\uff0eexample\u3002vn/cb",
    )


@pytest.mark.attack("A13")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_A13_two_addresses_are_none(live: Live, method: str) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        for pair in ((GOOD, f"https://{EVIL}/"), (f"https://{EVIL}/", GOOD), (GOOD, GOOD)):
            errpage(live, ask(live, http, method, with_redirect(live, *pair)), EVIL)


@pytest.mark.attack("A13")
def test_A13_one_in_the_query_and_one_in_the_body_are_two(live: Live) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        for query, body in ((GOOD, f"https://{EVIL}/"), (f"https://{EVIL}/", GOOD)):
            url = "/authorize?" + encoded([("redirect_uri", query)])
            answer = http.post(url, data=dict(with_redirect(live, body)))
            errpage(live, answer, EVIL)


@pytest.mark.attack("A14")
def test_A14_encoded_twice_or_as_an_array_it_is_not_registered(live: Live) -> None:
    refused(live, "https%3A%2F%2Fportal.example.vn%2Fcb", f'["{GOOD}"]')
    with live.http(headers={"accept": "text/html"}) as http:
        for name in ("redirect_uri[]", "redirect_uri[0]", "redirect_uri.x"):
            pairs = [*live.request(redirect_uri="").items(), (name, GOOD)]
            errpage(live, ask(live, http, "GET", pairs))


@pytest.mark.attack("A15")
def test_A15_no_scheme_that_runs_or_reads(live: Live) -> None:
    refused(
        live,
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        f"data:text/html,<script>location='https://{EVIL}'</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        f"blob:{GOOD}",
    )


@pytest.mark.attack("A16")
@pytest.mark.attack("A17")
@pytest.mark.attack("A18")
def test_A16_A17_A18_not_by_http_not_anothers_not_left_out(live: Live) -> None:
    refused(live, GOOD.replace("https:", "http:"), live.redirect_uri("clinic"), "")


@pytest.mark.attack("A21")
def test_A21_long_and_broken_addresses_cost_nothing(live: Live) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        for uri in (
            GOOD + "a" * 8192,
            GOOD + "/" + "a" * 20_000,
            "http://[::",
            "https://" + "a." * 4000,
        ):
            pairs = with_redirect(live, uri)
            answer, seconds = quickest(partial(ask, live, http, "GET", pairs))
            assert seconds < 0.2
            errpage(live, answer)
        for size in (64 << 10, 1 << 20):
            answer = ask(live, http, "POST", with_redirect(live, GOOD + "a" * size))
            assert answer.status_code == 413
    longest = encoded(with_redirect(live, GOOD + "a" * (1 << 20))).encode()
    answer = raw(live, b"GET /authorize?" + longest + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"414", b"431")
    alive(live)

"""What may be registered as a URI."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.clients.uris import (
    APP_PATTERN,
    MAX_URI,
    WEB_PATTERN,
    check_page_uri,
    check_redirect_uri,
    loopback,
    origin,
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example.vn/cb",
        "https://portal.example.vn",
        "https://portal.example.vn:8443/cb?tenant=1&x=%20",
        "http://localhost:8080/callback",
        "http://127.0.0.1/cb",
        "http://[::1]:5000/cb",
    ],
)
def test_web_uris_are_accepted(uri: str) -> None:
    assert check_redirect_uri(uri, native=False) == uri
    assert re.fullmatch(WEB_PATTERN, uri)


@given(st.from_regex(WEB_PATTERN, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_what_is_described_as_a_web_uri_is_one(uri: str) -> None:
    assert len(uri) > MAX_URI or check_page_uri(uri) == uri


@given(st.from_regex(APP_PATTERN, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_what_is_described_as_a_uri_of_an_app_is_one(uri: str) -> None:
    assert len(uri) > MAX_URI or check_redirect_uri(uri, native=True) == uri


def test_an_app_may_have_a_scheme_of_its_own_domain() -> None:
    uri = "vn.example.app:/oauth/cb"
    assert check_redirect_uri(uri, native=True) == uri
    assert re.fullmatch(APP_PATTERN, uri)
    with pytest.raises(ValueError, match="https"):
        check_redirect_uri(uri, native=False)
    with pytest.raises(ValueError, match="https"):
        check_redirect_uri("myapp:/cb", native=True)


@pytest.mark.attack("A15")
@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://portal.example.vn/1",
    ],
)
def test_A15_schemes_that_run_or_read_are_not_registered(uri: str, native: bool) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_redirect_uri(uri, native=native)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "https://",
        "https:///cb",
        "https://user@portal.example.vn/cb",
        "https://user:pw@portal.example.vn/cb",
        "https://portal.example.vn/cb#f",
        "https://portal.example.vn/a/../cb",
        "https://portal.example.vn/a/%2e%2e/cb",
        "https://portal.example.vn/a/..;/cb",
        "https://portal.example.vn/./cb",
        "https://*.example.vn/cb",
        "https://portal.example.vn/*",
        "https://PORTAL.example.vn/cb",
        "HTTPS://portal.example.vn/cb",
        "https://portal.example.vn:/cb",
        "https://portal.example.vn:0443/cb",
        "https://portal.example.vn:99999/cb",
        "https://portal..example.vn/cb",
        "https://portal.example.vn\\@evil.example/cb",
        "https://portal.example.vn/c b",
        " https://portal.example.vn/cb",
        "https://portal.example.vn/cb\r\nX: 1",
        "https://portal.example.vn/cb\x00",
        "https://portal.example.vn/%zz",
        "https://pòrtal.example.vn/cb",
        "http://portal.example.vn/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://[::",
        "https://portal.example.vn/" + "a" * 2_000,
    ],
)
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_redirect_uri(uri, native=False)


@given(st.text(max_size=60))
def test_only_value_error_escapes(text: str) -> None:
    for uri in (text, f"https://{text}", f"https://host.example/{text}"):
        try:
            accepted = check_page_uri(uri)
        except ValueError:
            continue
        assert accepted == uri
        assert accepted.isascii()
        assert origin(accepted).startswith(("https://", "http://"))


def test_origin_and_loopback() -> None:
    assert origin("https://portal.example.vn:8443/cb?x=1") == "https://portal.example.vn:8443"
    assert origin("vn.example.app:/cb") == ""
    assert loopback("http://[::1]:5000/cb")
    assert not loopback("https://portal.example.vn/cb")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("https://portal.example.vn/cb#top", "fragment"),
        ("https://*.example.vn/cb", "wildcard"),
        ("https://cổng.example.vn/cb", "outside ASCII"),
        ("https://portal.example.vn/a b", "not percent-encoded"),
        ("https://portal.example.vn/%zz", "not percent-encoded"),
        ("", "is empty"),
        (f"https://portal.example.vn/{'a' * MAX_URI}", "longer than 2000"),
    ],
)
def test_a_refused_uri_is_told_what_is_wrong_with_it(uri: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_redirect_uri(uri, native=False)

"""The header set of pages and of data, on answers of every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.web.http import Request, Response, json_response
from idp.web.security import HSTS, form_target, page_policy, protect
from idp.web.templates import Pages
from tests.web.samples import SAMPLES

EXPECTED = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}


@pytest.mark.attack("J14")
@pytest.mark.attack("J15")
@pytest.mark.attack("J19")
@pytest.mark.parametrize("name", SAMPLES)
def test_J14_J15_J19_every_page_has_exactly_these_headers(name: str, pages: Pages) -> None:
    sample = SAMPLES[name]
    answer = pages.render(Request("GET", "/x"), sample.template, **sample.context)
    assert dict(protect(answer, secure=True).headers) == EXPECTED


@pytest.mark.attack("J15")
@pytest.mark.parametrize("name", SAMPLES)
def test_J15_no_page_holds_inline_script_style_or_foreign_source(name: str, pages: Pages) -> None:
    sample = SAMPLES[name]
    page = pages.render(Request("GET", "/x"), sample.template, **sample.context).body.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "javascript:" not in page
    assert not [tag for tag in page.split("<script")[1:] if not tag.startswith(' src="/static/')]
    assert not [tag for tag in page.split("<") if " on" in tag.split(">")[0].replace(" one-", "")]


@pytest.mark.attack("J20")
def test_J20_hsts_is_sent_for_https_and_never_for_http() -> None:
    assert protect(Response(), secure=True).headers["Strict-Transport-Security"] == HSTS
    assert int(HSTS.partition("=")[2].partition(";")[0]) >= 365 * 86400
    assert "Strict-Transport-Security" not in protect(Response(), secure=False).headers


def test_data_is_protected_and_keeps_what_it_set() -> None:
    answer = protect(json_response({}, headers={"Cache-Control": "max-age=60"}), secure=True)
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://rp.example.vn/cb?x=1", "https://rp.example.vn"),
        ("HTTPS://RP.example.vn:8443/cb", "https://rp.example.vn:8443"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/cb", "http:"),
        ("vn.example.app:/cb", "vn.example.app:"),
        ("https://user@rp.example.vn/", "https:"),
    ],
)
def test_form_target_is_the_origin_that_a_policy_can_name(uri: str, source: str) -> None:
    assert form_target(uri) == source
    assert f"form-action 'self' {source};" in page_policy((source,))


@pytest.mark.parametrize(
    "source", ["*", "https://a; script-src *", "https://a\r\nX: y", "'unsafe-inline'", "", "//a"]
)
def test_policy_takes_nothing_but_a_source(source: str) -> None:
    with pytest.raises(ValueError, match="CSP source"):
        page_policy((source,))


@given(st.text(max_size=60))
def test_no_redirect_uri_can_write_into_the_policy(text: str) -> None:
    try:
        policy = page_policy((form_target("https://" + text),))
    except ValueError:
        return
    assert policy.count(";") == page_policy().count(";")
    assert policy.isascii()
    assert policy.isprintable()

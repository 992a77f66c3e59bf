"""A form is taken from our own page in the same browser only."""

import pytest

from idp.web.csrf import CsrfFailed, check, csrf_token
from idp.web.http import Params, Request

KEY = b"k" * 32
ORIGIN = "https://id.example.vn"
GOOD = csrf_token(KEY, "browser-1", "/login/t1")


def post(token: str | None, **headers: str) -> Request:
    form = Params([("csrf_token", token)] if token is not None else [])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/login/t1", form=form, headers=named)


def checked(request: Request, *, browser: str = "browser-1", form: str = "/login/t1") -> None:
    check(request, key=KEY, browser=browser, form=form, origin=ORIGIN)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"sec_fetch_site": "same-origin", "origin": ORIGIN},
        {"sec_fetch_site": "none"},
    ],
)
def test_our_own_form_is_taken(headers: dict[str, str]) -> None:
    checked(post(GOOD, **headers))


@pytest.mark.attack("J04")
@pytest.mark.parametrize("token", [None, "", "A" * 43, GOOD[:-1], GOOD + "A", "é" * 43])
def test_J04_missing_or_wrong_token_is_refused(token: str | None) -> None:
    with pytest.raises(CsrfFailed):
        checked(post(token))


@pytest.mark.attack("J04")
def test_J04_token_of_another_browser_or_login_is_refused() -> None:
    for browser, form in (
        ("browser-2", "/login/t1"),
        ("browser-1", "/login/t2"),
        ("", "/login/t1"),
    ):
        with pytest.raises(CsrfFailed):
            checked(post(GOOD), browser=browser, form=form)


def test_token_made_without_a_cookie_is_worth_nothing() -> None:
    with pytest.raises(CsrfFailed):
        checked(post(csrf_token(KEY, "", "/login/t1")), browser="")


@pytest.mark.attack("J21")
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": ORIGIN},
        {"origin": "https://evil.example"},
        {"origin": "https://id.example.vn.evil.example"},
        {"origin": "http://id.example.vn"},
    ],
)
def test_J21_another_site_is_refused_even_with_the_token(headers: dict[str, str]) -> None:
    with pytest.raises(CsrfFailed):
        checked(post(GOOD, **headers))

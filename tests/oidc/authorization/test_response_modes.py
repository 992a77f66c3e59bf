"""Answers in the query of a redirect."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.oidc.authorization.response_modes import query


@pytest.mark.attack("D17")
def test_D17_the_answer_is_a_303_that_tells_no_referrer() -> None:
    response = query("https://portal.example.vn/cb", {"code": "c", "iss": "https://idp"}, ("a=b",))
    assert response.status == 303
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.body == b""
    assert response.cookies == ("a=b",)


def test_a_registered_query_stays_as_it_is() -> None:
    response = query("https://portal.example.vn/cb?tenant=%41", {"code": "c"})
    assert response.headers["Location"] == "https://portal.example.vn/cb?tenant=%41&code=c"


@pytest.mark.attack("B07")
@pytest.mark.parametrize("state", ['"><script>', "a\r\nSet-Cookie: x=y", "x" * 4096, "🌾 +&=#%00"])
def test_B07_state_comes_back_byte_for_byte_and_encoded(state: str) -> None:
    location = query("https://portal.example.vn/cb", {"state": state}).headers["Location"]
    assert location.isascii()
    assert location.isprintable()
    assert dict(parse_qsl(urlsplit(location).query)) == {"state": state}

"""Logs: what never reaches them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.web.log import REDACTED, redact

JWT = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
)


def redacted(**event: object) -> dict[str, object]:
    return dict(redact(None, "info", dict(event)))


SECRET_NAMES = """
    Authorization cookie Set-Cookie client_secret access_token otp passcode code code_verifier
    state nonce login_hint id_number csrf_token
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_a_member_with_a_secret_name_is_redacted(name: str) -> None:
    assert redacted(**{name: "x"}) == {name: REDACTED}
    assert redacted(headers={name: "x"}) == {"headers": {name: REDACTED}}


@pytest.mark.parametrize(
    "secret",
    [
        "000199000001",
        "+84912345678",
        "0912345678",
        JWT,
        "Bearer abc.def-123",
        "Basic cG9ydGFsOnNlY3JldA==",
        "A" * 54,
    ],
)
def test_a_value_that_looks_like_a_secret_is_redacted(secret: str) -> None:
    assert secret not in str(redacted(event=f"at {secret} it failed", where=[secret]))


def test_what_operators_need_is_kept() -> None:
    line = {
        "event": "request",
        "endpoint": "/login/<t>/otp",
        "status": 400,
        "ms": 12.5,
        "reference": "YyYx722by8Fa",
        "timestamp": "2026-11-23T21:45:08.123456Z",
    }
    assert redacted(**line) == line


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.text(max_size=20), st.text(max_size=20))
def test_no_personal_number_survives(number: str, before: str, after: str) -> None:
    framed = f"{before}/{number}/{after}"
    assert f"/{number}/" not in str(redacted(event=framed)["event"])

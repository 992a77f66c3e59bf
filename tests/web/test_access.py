"""The access line: endpoints by their URL rule."""

import pytest

from idp.web.access import AccessLog

RULES = ("/", "/token", "/login/<t>", "/login/<t>/otp", "/static/<digest>/<path:name>")


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/", "/"),
        ("/token", "/token"),
        ("/login/ticket", "/login/<t>"),
        ("/login/ticket/otp", "/login/<t>/otp"),
        ("/static/d1gest/font/be-vietnam.woff2", "/static/<digest>/<path:name>"),
        ("/login/ticket/card", "other"),
        ("/login/", "other"),
        ("/token/", "other"),
        ("//token", "other"),
        ("", "other"),
        ("/<script>", "other"),
    ],
)
def test_a_path_is_known_by_its_rule(path: str, rule: str) -> None:
    assert AccessLog(lambda environ, start: [], RULES).rule(path) == rule

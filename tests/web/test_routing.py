"""A path finds its route, which names it in logs and metrics."""

import pytest

from idp.web.edge import Route
from idp.web.http import Response
from idp.web.routing import Router

ROUTER = Router(
    dict.fromkeys(
        ("/", "/token", "/login/<t>", "/login/<t>/otp", "/static/<digest>/<path:name>"),
        Route(lambda request: Response()),
    )
)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/", "/"),
        ("/token", "/token"),
        ("/login/ticket", "/login/<t>"),
        ("/login/ticket/otp", "/login/<t>/otp"),
        ("/static/d1gest/font/be-vietnam.woff2", "/static/<digest>/<path:name>"),
        ("/login/ticket/card", None),
        ("/login/", None),
        ("/token/", None),
        ("//token", None),
        ("", None),
        ("/<script>", None),
    ],
)
def test_a_path_is_known_by_its_rule(path: str, rule: str | None) -> None:
    found = ROUTER.find(path)
    assert (found.rule if found else None) == rule


def test_the_variable_parts_are_utf8() -> None:
    found = ROUTER.find("/static/d/\xc4\x91/x.css")
    assert found is not None
    assert found.variables == {"digest": "d", "name": "đ/x.css"}

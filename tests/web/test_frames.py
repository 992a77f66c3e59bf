"""Pages that are rendered once and filled in often."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from idp.oidc.consent.views import Line
from idp.oidc.vocabulary import PERSONAL_CLAIMS
from idp.web.frames import MAX_FRAMES, Context, fill
from idp.web.http import Request
from idp.web.settings import Site
from idp.web.templates import Pages

CLIENTS = (
    {"client_name": "Cổng dịch vụ công", "client_domain": "portal.example.vn", "client_logo": ""},
    {
        "client_name": 'slot-<b>"Phòng khám" & \u202econ',
        "client_domain": "clinic.example.vn",
        "client_logo": "https://clinic.example.vn/logo?a=1&b=2",
    },
)
CLAIMS = sorted(PERSONAL_CLAIMS)
TOKENS = {"csrf_token": "c-_9", "action": "/login/t"}
WAYS = {"other_url": "/login/t"}
PAGES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "login/identify.html": (
        {
            "methods": ("otp", "card"),
            "further": (),
            "level": 2,
            "step_up": False,
            "id_number": "",
            "errors": (),
            "client_policy": "https://portal.example.vn/policy?a&b",
            "client_terms": "",
        },
        TOKENS,
    ),
    "login/otp.html": ({"minutes": 5, "errors": ()}, TOKENS | WAYS),
    "consent/ask.html": (
        {
            "client_host": "portal.example.vn",
            "policy_url": "",
            "tos_url": "https://portal.example.vn/terms?a&b",
            "purpose": "Làm hộ chiếu",
            "items": tuple(Line(each, each == "pid", each == "name") for each in CLAIMS),
            "transactions": (),
        },
        TOKENS
        | {"person_name": "Trần Thị Mậu"}
        | {f"value_{each}": f"value of {each}" for each in CLAIMS},
    ),
    "login/passcode.html": ({"errors": (), "other_url": ""}, TOKENS),
    "login/card.html": (
        {},
        TOKENS
        | WAYS
        | {
            "status_url": "/login/t/card/status",
            "continue_url": "/login/t/continue",
            "reload_url": "/login/t/card?fresh=1",
            "match_code": "07",
            "seconds": "120",
            "agent_url": "http://127.0.0.1:24730/start?launch_token=x",
            "qr": "data:image/svg+xml;base64,PHN2Zz4=",
        },
    ),
}


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("client", CLIENTS, ids=["plain", "hostile"])
@pytest.mark.parametrize("template", PAGES)
def test_a_page_that_is_filled_in_is_the_page_that_is_rendered(
    template: str, client: dict[str, str], lang: str
) -> None:
    context, slots = PAGES[template]
    pages = Pages(Site("https://id.example.vn", sandbox=True, hotline="1900 1234"))
    asked = Request("GET", "/login/t", headers={"accept-language": lang})
    for each in (slots, {name: f"{value}0" for name, value in slots.items()}):
        plain = pages.render(asked, template, **client, **context, **each)
        filled = pages.render(asked, template, slots=each, **client, **context)
        assert filled == plain


class Renders:
    """A renderer that writes its context, escaped, and counts how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, template: str, context: Context) -> str:
        self.count += 1
        return f"{template}|{'|'.join(f'{n}={escape(v)}' for n, v in sorted(context))}|"


@given(st.dictionaries(st.sampled_from(["a", "b", "c_d"]), st.text(max_size=20)))
def test_whatever_the_slots_hold_the_page_is_right(slots: dict[str, str]) -> None:
    expected = Renders()("t", tuple({"x": 1, **slots}.items()))
    assert fill(Renders(), "t", {"x": 1}, slots) == expected


def test_the_frame_is_rendered_once_for_each_context_and_each_set_of_slots() -> None:
    render = Renders()
    for value in ("1", "2", "3"):
        assert f"a={value}|" in fill(render, "t", {"x": 1}, {"a": value})
    assert render.count == 1
    fill(render, "t", {"x": 2}, {"a": "1"})
    fill(render, "u", {"x": 1}, {"a": "1"})
    fill(render, "t", {"x": 1}, {"a": ""})  # a template may ask whether it is empty
    assert render.count == 4


def test_what_has_to_be_escaped_is_rendered_each_time() -> None:
    render = Renders()
    for _ in range(2):
        assert "a=&lt;i&gt;|" in fill(render, "t", {}, {"a": "<i>"})
    assert render.count == 2


def test_the_number_of_frames_is_bounded() -> None:
    render = Renders()
    for number in range(MAX_FRAMES + 1):
        fill(render, "t", {"x": number}, {"a": "1"})
    fill(render, "t", {"x": 0}, {"a": "1"})
    assert render.count == MAX_FRAMES + 2

"""What clients wrote stands apart on every page, whatever an old client's name holds."""

import re
from typing import Any

import pytest

from idp.agent.page import question
from idp.core.shown_text import hidden
from idp.web.http import Params, Request
from idp.web.i18n import LOCALES
from idp.web.templates import Pages
from tests.web.samples import SAMPLES

NAME = "Ngân hàng"
EVIL = f"\u202e{NAME}\u2069\u200b\x1b"
WRITTEN = {"client_name", "client", "service", "purpose", "message", "elsewhere", "notifications"}
"""Members of pages' contexts that hold what a client wrote."""
APART = re.compile("<bdi>[^<]*</bdi>|<title>\u2068[^<\u2069]*\u2069|\u2068[^<\u2069]*\u2069")


def evil(value: Any, *, written: bool = False) -> Any:
    """A context in which every client is called :data:`EVIL`."""
    match value:
        case str():
            return EVIL if written and value else value
        case dict():
            return {
                name: each if name == "state" else evil(each, written=written or name in WRITTEN)
                for name, each in value.items()
                if name != "lines"
            } | ({"lines": ((label, EVIL),)} if (label := _label(value)) else {})
        case tuple():
            return tuple(evil(each, written=written) for each in value)
    return value


def _label(context: dict[str, Any]) -> str:
    """Our label of a transaction's first line, ``""`` where there is none."""
    return str(context["lines"][0][0]) if "lines" in context else ""


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("locale", LOCALES)
def test_a_client_called_with_a_direction_override_is_isolated_on_every_page(
    pages: Pages, name: str, locale: str
) -> None:
    sample = SAMPLES[name]
    request = Request("GET", "/x", query=Params([("lang", locale)]))
    changed = evil(dict(sample.context))
    html = pages.render(request, sample.template, **changed).body.decode()
    assert (NAME in html) is (EVIL in repr_of(changed))
    assert NAME not in APART.sub("", html)
    assert not {each for each in html if hidden(each)} - {"\n", "\u2068", "\u2069", "\u00a0"}


def repr_of(value: Any) -> str:
    """Every text in a context, one after the other."""
    match value:
        case str():
            return value
        case dict():
            return "".join(repr_of(each) for each in value.values())
        case tuple() | list():
            return "".join(repr_of(each) for each in value)
    return ""


def test_the_card_readers_page_isolates_it_too() -> None:
    html = question(
        secret="s", client_name=EVIL, origin="https://id.example.vn", level="2", cards=("card",)
    )
    assert NAME in html
    assert NAME not in APART.sub("", html)
    assert "\u202e" not in html

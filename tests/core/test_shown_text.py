"""Text that others wrote: what is refused, and how the rest is shown."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.shown_text import check_shown, escaped, hidden, isolated, visible

HIDDEN = [
    *("\u202e", "\u202a", "\u2066", "\u2069", "\u200e", "\u061c"),  # bidi controls
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad"),  # zero-width
    *("\x00", "\x1b", "\x7f", "\x9b", "\n", "\t"),  # controls
    *("\u2028", "\u2029", "\u00a0", "\ud800", "\ue000", "\U000e0041", "\u0378"),
    *("\u034f", "\ufe0f", "\u3164", "\u2800"),  # blank letters and marks
]


@pytest.mark.parametrize("character", HIDDEN)
def test_a_hidden_character_is_refused_by_its_code_point(character: str) -> None:
    with pytest.raises(ValueError, match=rf"U\+{ord(character):04X} "):
        check_shown(f"Cổng{character} dịch vụ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Cổng dịch vụ công",
        unicodedata.normalize("NFD", "Đà Nẵng"),
        "A & B “2027” – №1",
        "بوابة",
    ],
)
def test_what_people_write_is_taken_as_it_is(text: str) -> None:
    assert check_shown(text) == text
    assert visible(text) == escaped(text) == text


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    assert not any(hidden(each) for each in visible(text))
    assert not any(hidden(each) for each in escaped(text))
    assert isolated(text) == f"\u2068{visible(text)}\u2069"


@given(st.text())
def test_json_is_escaped_as_json(text: str) -> None:
    written = json.dumps({"name": text}, ensure_ascii=False, indent=2)
    assert json.loads(escaped(written, kept="\n")) == {"name": text}

"""Words: both catalogues say the same things, and exactly those that are used."""

import re
import tracemalloc
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.person import BirthDate
from idp.oidc.consent.details import TYPES
from idp.oidc.vocabulary import LOGIN_CLAIMS, PERSONAL_CLAIMS
from idp.web.i18n import LOCALES, Translator, catalogue, negotiate

ROOT = Path(__file__).resolve().parents[2]
SAID = re.compile(r"""\bt\(\s*((?:["'][^"']+["'](?:\s+if\s+\w+\s+else\s+)?)+)\s*[,)]""")
BUILT = re.compile(r"""t\(\s*"([a-z_.]+)"\s*~\s*\w+(?:\s*~\s*"([a-z_.]+)")?""")
LITERAL = re.compile(r"""["']([a-z][a-z0-9_.]*)["']""")
FAILED = re.compile(r"""(?:AuthenticationFailed\(|FormError\("\w+",)\s*"([a-z][a-z0-9_.]+)\"""")
NOTICED = re.compile(r"""\b(?:Notice\(|dead_end\(visit,)\s*"(\w+)\"""")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def templates() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))


def code() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "idp").rglob("*.py"))


def test_both_languages_have_the_same_messages_and_parameters() -> None:
    vi, en = (catalogue(locale) for locale in LOCALES)
    assert vi.keys() == en.keys()
    assert {key: placeholders(text) for key, text in vi.items()} == {
        key: placeholders(text) for key, text in en.items()
    }


@pytest.mark.parametrize("locale", LOCALES)
def test_no_message_is_empty_or_markup(locale: str) -> None:
    for key, text in catalogue(locale).items():  # type: ignore[arg-type]
        assert text.strip() == text != "", key
        assert not re.search(r"[<>&]", text), key


def test_every_message_the_templates_say_exists() -> None:
    said = {each for group in SAID.findall(templates()) for each in LITERAL.findall(group)}
    assert len(said) > 80
    assert said <= catalogue("vi").keys()


def test_every_message_an_error_names_exists() -> None:
    words = catalogue("vi").keys()
    assert set(FAILED.findall(code())) <= words
    kinds = NOTICED.findall(code())
    assert {f"notice.{each}.{part}" for each in kinds for part in ("title", "text")} <= words


def test_every_claim_has_a_name() -> None:
    names = {key.split(".")[1] for key in catalogue("vi") if key.startswith("claim.")}
    assert names == PERSONAL_CLAIMS | set(LOGIN_CLAIMS)


def test_every_transaction_and_each_of_its_members_has_a_name() -> None:
    wanted = {f"details.{name}" for name in TYPES} | {
        f"details.{name}.{each.name}" for name, members in TYPES.items() for each in members
    }
    page = {f"details.{each}" for each in ("title", "requested_by", "warning", "allow")}
    assert {each for each in catalogue("vi") if each.startswith("details.")} == wanted | page


def test_no_message_is_unused() -> None:
    """Said in a template, or built there from a prefix, or named in code (an error's message)."""
    text = templates()
    families = tuple(head for head, _ in BUILT.findall(text))
    named = set(LITERAL.findall(text + code()))
    unused = {
        key
        for key in catalogue("vi")
        if key not in named and not key.startswith((*families, "claim.", "details."))
    }
    assert unused == set()


@pytest.mark.parametrize(
    ("chosen", "ui_locales", "accept", "expected"),
    [
        ("", "", "", "vi"),
        ("", "", "en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("", "", "fr, vi;q=0.2, en;q=0.1", "vi"),
        ("", "", "en;q=0, vi", "vi"),
        ("", "", "en;q=zero, vi", "vi"),
        ("", "vi en", "en", "vi"),
        ("", "fr-FR EN-us", "vi", "en"),
        ("vi", "en", "en", "vi"),
        ("xx", "en", "vi", "en"),
    ],
)
def test_language_is_negotiated(chosen: str, ui_locales: str, accept: str, expected: str) -> None:
    found = negotiate(chosen=chosen, ui_locales=ui_locales, accept_language=accept)
    assert found == expected


@given(st.text(), st.text(), st.text())
def test_any_text_negotiates_one_of_ours(chosen: str, ui_locales: str, accept: str) -> None:
    found = negotiate(chosen=chosen, ui_locales=ui_locales, accept_language=accept)
    assert found in LOCALES


@pytest.mark.attack("B15")
def test_B15_ten_thousand_locales_leave_no_trace() -> None:
    tracemalloc.start()
    try:
        negotiate(ui_locales="warm-up")
        before = tracemalloc.get_traced_memory()[0]
        for number in range(10_000):
            negotiate(ui_locales=f"x{number}-YY " * 50, accept_language=f"z{number}," * 50)
        assert tracemalloc.get_traced_memory()[0] - before < 64 * 1024
    finally:
        tracemalloc.stop()


def test_dates_are_those_of_viet_nam() -> None:
    t = Translator("vi")
    evening_in_utc = 1_763_938_800  # 2025-11-23 23:00 UTC
    assert t.date(evening_in_utc) == "24/11/2025"
    assert t.time(evening_in_utc) == "06:00, 24/11/2025"
    assert t.birth_date(BirthDate.parse("1945")) == "1945"
    assert t.birth_date(BirthDate.parse("1945-09")) == "09/1945"
    assert t.birth_date(BirthDate.parse("1945-09-02")) == "02/09/1945"


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        Translator("en")("no.such.message")
    with pytest.raises(KeyError):
        Translator("en")("login_to")

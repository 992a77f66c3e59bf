"""What people type or paste loses what nobody sees, at every door by one function."""

import sys
import unicodedata
from collections.abc import Callable
from functools import cache

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts import passcode
from idp.accounts.settings import PasscodeSettings
from idp.authn.otp import challenge
from idp.cli.account import account
from idp.cli.card import card
from idp.cli.demo import demo
from idp.cli.number import NUMBER, NumberType
from idp.cli.registry import registry
from idp.cli.session import session
from idp.core import personal_number
from idp.core.person import BirthDate, Name
from idp.core.typed import plain
from idp.oidc.device.user_code import UserCode
from idp.registry import phone
from idp.registry.record import parse_record

PERSON = {"number": "000090010002", "name": "An", "birth_date": "1990", "sex": "male"}
MARKS = {
    "zero-width space": "\u200b",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "left-to-right embedding": "\u202a",
    "first-strong isolate": "\u2068",
    "right-to-left mark": "\u200f",
    "variation selector": "\ufe0f",
    "supplementary variation selector": "\U000e0101",
    "tag": "\U000e0030",
}
SPACING = {
    "no-break space": "\u00a0",
    "narrow no-break space": "\u202f",
    "figure space": "\u2007",
    "ideographic space": "\u3000",
    "line separator": "\u2028",
}
DASHES = {
    "minus sign": "\u2212",
    "non-breaking hyphen": "\u2011",
    "figure dash": "\u2012",
    "en dash": "\u2013",
    "em dash": "\u2014",
    "small hyphen-minus": "\ufe63",
    "full-width hyphen": "\uff0d",
}


QUICK = PasscodeSettings(memory=1_024, passes=1)


def record(**more: object) -> str:
    person = parse_record(PERSON | more, strict=True).person
    return "|".join(
        (
            str(person.number),
            person.name.full,
            person.phone or "",
            person.email or "",
            " ".join(each.digits for each in person.former_numbers),
        )
    )


def _chosen(typed: str) -> str:
    return passcode.choose(typed, BirthDate(1990))


@cache
def _hash() -> str:
    return passcode.hash_passcode("135792", b"k" * 32, QUICK)


def _verified(typed: str) -> bool:
    return passcode.verify(_hash(), typed, b"k" * 32, QUICK)


CODES: dict[str, tuple[Callable[[str], object], str]] = {
    "the ID number on the login page, and CIBA's login_hint": (
        personal_number.parse,
        "000090010002",
    ),
    "a former number on the login page": (personal_number.parse, "000000005"),
    "a number on the command line": (lambda typed: NUMBER(typed), "000090010002"),
    "a one-time code": (challenge.normalise, "123456"),
    "a passcode that is chosen": (_chosen, "135792"),
    "a passcode that is verified": (_verified, "135792"),
    "a device's user code": (UserCode.parse, "BCDFGHJK"),
    "a telephone number": (phone.parse, "0912345678"),
    "a number in an import file": (lambda typed: record(number=typed), "000090010002"),
    "a telephone number in an import file": (lambda typed: record(phone=typed), "0912345678"),
    "a former number in an import file": (
        lambda typed: record(former_numbers=[typed]),
        "000000005",
    ),
}


@pytest.mark.parametrize("door", CODES)
@pytest.mark.parametrize("kind", MARKS | SPACING | DASHES)
def test_numbers_and_codes_lose_invisible_marks_spaces_and_dashes_at_every_door(
    door: str, kind: str
) -> None:
    read, value = CODES[door]
    mark = (MARKS | SPACING | DASHES)[kind]
    assert read(f"{value[:3]}{mark}{value[3:]}{mark}") == read(value) not in (None, False)


@pytest.mark.parametrize("door", CODES)
def test_full_width_digits_are_digits_and_those_of_other_scripts_are_not(door: str) -> None:
    read, value = CODES[door]
    wide = "".join(chr(ord(each) + 0xFEE0) for each in value)
    assert read(wide) == read(value)
    if value.isdigit():
        arabic = "".join(chr(ord("\u0660") + int(each)) for each in value)
        try:
            found = read(arabic)
        except (ValueError, click.UsageError):
            return
        assert found in (None, False) or found == record()  # a phone that is left out


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize(
    "read", [lambda typed: Name(typed).full, lambda typed: record(name=typed)], ids=["page", "file"]
)
def test_names_lose_invisible_marks(read: Callable[[str], str], kind: str) -> None:
    mark = MARKS[kind]
    assert read(f"{mark}Nguyễn{mark} Văn An{mark}") == read("Nguyễn Văn An")


@pytest.mark.parametrize("kind", SPACING | DASHES)
def test_names_keep_a_space_for_any_space_and_a_hyphen_for_any_dash(kind: str) -> None:
    mark = (SPACING | DASHES)[kind]
    wanted = "Trần Nữ" if kind in SPACING else "Trần-Nữ"
    assert Name(f"Trần{mark}Nữ").full == wanted


COMMANDS = [
    *((account, name) for name in account.commands),
    (registry, "show"),
    (registry, "set-status"),
    (card, "issue"),
    (session, "list"),
    (session, "revoke"),
    (demo, "login"),
]


@pytest.mark.parametrize(("group", "name"), COMMANDS, ids=lambda each: getattr(each, "name", each))
def test_every_command_that_takes_a_number_reads_it_like_the_login_page(
    group: click.Group, name: str
) -> None:
    taken = [each for each in group.commands[name].params if each.name == "number"]
    assert [type(each.type) for each in taken] == [NumberType]


def test_no_command_takes_a_number_in_another_way() -> None:
    known = {(group.name, name) for group, name in COMMANDS}
    for group in (account, registry, card, session, demo):
        for name, command in group.commands.items():
            if any(each.name == "number" for each in command.params):
                assert (group.name, name) in known


def test_the_lists_of_marks_dashes_and_spaces_are_those_of_unicode() -> None:
    for at in range(sys.maxunicode + 1):
        character = chr(at)
        match unicodedata.category(character):
            case "Cf":
                assert plain(character) == "", hex(at)
            case "Pd":
                assert plain(character) == "-", hex(at)
            case "Zs":
                assert plain(character) == " ", hex(at)


@given(st.text(max_size=30))
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)

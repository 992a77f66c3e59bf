"""Passcodes: which may be chosen, and checking one costs the same for nobody."""

import time
from statistics import median

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.passcode import WeakPasscode, choose, hash_passcode, verify
from idp.accounts.settings import DEFAULT, PasscodeSettings
from idp.core.person import BirthDate

CHEAP = PasscodeSettings(memory=64, passes=1)
PEPPER = b"a pepper kept apart"
BORN = BirthDate(1999, 5, 17)


def test_a_passcode_is_verified_by_its_hash():
    found = hash_passcode("739105", PEPPER, CHEAP)
    assert found.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert "739105" not in found
    assert verify(found, "739105", PEPPER, CHEAP)
    assert verify(found, " ７３９１０５ ", PEPPER, CHEAP)
    assert not verify(found, "739106", PEPPER, CHEAP)


def test_without_the_pepper_every_passcode_may_be_tried_and_none_fits():
    found = hash_passcode("739105", PEPPER, CHEAP)
    assert not verify(found, "739105", b"another pepper", CHEAP)
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(found, "739105")


def test_the_usual_costs_fit_the_column():
    found = hash_passcode("739105", PEPPER)
    assert f"m={DEFAULT.memory},t={DEFAULT.passes}" in found
    assert len(found) <= 128
    assert verify(found, "739105", PEPPER)


@pytest.mark.parametrize("typed", ["", "739105", "nobody's", "x" * 100_000])
def test_nobodys_passcode_is_never_right(typed):
    assert not verify(None, typed, PEPPER, CHEAP)


def test_what_is_stored_wrongly_is_an_error_and_no_refusal():
    with pytest.raises(ValueError, match="not an Argon2 hash"):
        verify("plaintext", "739105", PEPPER, CHEAP)


@pytest.mark.attack("L10")
def test_L10_a_check_takes_as_long_where_there_is_no_passcode():
    found = hash_passcode("739105", PEPPER)
    verify(None, "000000", PEPPER)  # nobody's hash is made once

    def took(stored: str | None) -> float:
        began = time.thread_time()
        verify(stored, "000000", PEPPER)
        return time.thread_time() - began

    some, none = zip(*((took(found), took(None)) for _ in range(15)), strict=True)
    assert 0.6 < median(some) / median(none) < 1.7


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("12345", "format"), ("1234567", "format"), ("12345a", "format"), ("", "format"),
        ("٧٣٩١٠٥", "format"), ("111111", "repeated"), ("121212", "repeated"),
        ("123123", "repeated"), ("123456", "sequence"), ("567890", "sequence"),
        ("654321", "sequence"), ("098765", "sequence"), ("170599", "birth_date"),
        ("051799", "birth_date"), ("990517", "birth_date"), ("051999", "birth_date"),
        ("199905", "birth_date"),
    ],
)  # fmt: skip
def test_what_anybody_would_try_first_cannot_be_chosen(typed, reason):
    with pytest.raises(WeakPasscode) as refused:
        choose(typed, BORN)
    assert refused.value.reason == reason


@pytest.mark.parametrize("born", [BORN, BirthDate(1945), BirthDate(1945, 3)])
def test_another_can(born):
    assert choose(" 739 105".replace(" ", ""), born) == "739105"


@given(st.text(max_size=12), st.integers(1, 12), st.integers(1, 28))
def test_every_text_is_six_digits_or_weak(typed, month, day):
    try:
        chosen = choose(typed, BirthDate(1980, month, day))
    except WeakPasscode:
        return
    assert len(chosen) == 6
    assert chosen.isascii()
    assert chosen.isdigit()

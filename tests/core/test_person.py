"""Names, partial birth dates and addresses."""

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.person import Address, BirthDate, Name


@pytest.mark.parametrize(
    "full",
    [
        "Trần Thị Mai",
        "H\u2019Hĕn Niê",
        "Y Wang Êban",
        "K’Brôi",
        "Thạch Sa Rinh",
        "Êñuôl",
        "Nga",
        "Ơ̆ng",
    ],
)
def test_names_of_every_group_are_names(full):
    assert Name(full).full == unicodedata.normalize("NFC", full)


@pytest.mark.parametrize("sign", "'`\u00b4\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07")
def test_every_sign_that_stands_for_an_apostrophe_is_kept_as_u2019(sign):
    assert Name(f"H{sign}Hen Niê").full == "H\u2019Hen Niê"


@pytest.mark.parametrize("sign", "\u00b7\u2022\u2027\u2219\u22c5\u30fb\t\n")
def test_a_middle_dot_and_a_tab_are_kept_as_a_space(sign):
    assert Name(f"Trần{sign}Vũ").full == "Trần Vũ"


def test_a_name_is_kept_composed_and_single_spaced():
    decomposed = unicodedata.normalize("NFD", "  Trần   Thị\u00a0Mai ")
    assert Name(decomposed, middle=" Thị ") == Name("Trần Thị Mai", middle="Thị")


@pytest.mark.parametrize(
    "full", ["", "   ", "x" * 101, "Mai2", "Mai<script>", "Mai\x00", "Mai\ud800", "💥"]
)
def test_what_no_name_has_is_refused(full):
    with pytest.raises(ValueError, match="name"):
        Name(full)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1999-05-17", (1999, 5, 17)),
        ("1945", (1945, None, None)),
        ("1945-03", (1945, 3, None)),
        ("1945-00-00", (1945, None, None)),
        ("2000-02-29", (2000, 2, 29)),
    ],
)
def test_birth_dates_may_be_partial(text, parts):
    found = BirthDate.parse(text)
    assert (found.year, found.month, found.day) == parts
    assert BirthDate.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", "99", "1999-5-17", "1999-13", "1999-02-29", "1900-02-29", "1999-00-17", "1999-04-31",
     "1849", "1999-05-17T00", "١٩٩٩", "1999-05-17\n"],
)  # fmt: skip
def test_other_dates_are_refused(text):
    with pytest.raises(ValueError, match=r"birth|month|day"):
        BirthDate.parse(text)


@given(st.dates(date(1850, 1, 1), date(2200, 12, 31)))
def test_every_date_of_the_calendar_is_a_birth_date(day):
    assert str(BirthDate.parse(day.isoformat())) == day.isoformat()


@given(st.text("0123456789-", max_size=12))
def test_every_text_is_a_date_or_a_value_error(text):
    try:
        found = BirthDate.parse(text)
    except ValueError:
        return
    assert text.startswith(f"{found.year:04}")


@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)), st.integers(1, 90))
def test_an_age_is_reached_on_the_birthday_and_not_before(born, years):
    if (born.month, born.day) == (2, 29):
        born += timedelta(days=1)
    birthday = born.replace(year=born.year + years)
    eve = birthday - timedelta(days=1)
    found = BirthDate(born.year, born.month, born.day)
    assert found.age_at_least(years, on=(birthday.year, birthday.month, birthday.day))
    assert not found.age_at_least(years, on=(eve.year, eve.month, eve.day))


def test_a_doubt_never_makes_older():
    assert not BirthDate(2008).age_at_least(18, on=(2026, 12, 30))
    assert BirthDate(2008).age_at_least(18, on=(2026, 12, 31))
    assert not BirthDate(2008, 2).age_at_least(18, on=(2026, 2, 28))


def test_an_address_is_written_from_the_street_up_or_as_it_was():
    assert (
        str(Address("001", "Hà Nội", "", "Phường Ba Đình", "Số 8"))
        == "Số 8, Phường Ba Đình, Hà Nội"
    )
    assert str(Address(province="Hà Nội", text="Xóm 3, huyện cũ")) == "Xóm 3, huyện cũ"

"""Personal numbers: parsed from what people type, shown by their end only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.personal_number import FormerNumber, PersonalNumber, parse

digits12 = st.text("0123456789", min_size=12, max_size=12)


@pytest.mark.parametrize(
    "typed",
    [
        "000199000001",
        " 000199000001 ",
        "000 199 000 001",
        "000.199-000–001",
        "０００１９９０００００１",
    ],
)
def test_spaces_dashes_and_full_width_digits_are_fine(typed):
    assert parse(typed) == PersonalNumber("000199000001")


def test_nine_digits_are_a_former_number():
    assert parse("000 000 005") == FormerNumber("000000005")


@pytest.mark.parametrize(
    "typed", ["", "0912345678", "+00199000001", "00019900000a", "1e5", "٠٠٠١٩٩٠٠٠٠٠١", "0" * 13]
)
def test_anything_else_is_refused(typed):
    with pytest.raises(ValueError, match="digits"):
        parse(typed)


@pytest.mark.attack("P09")
def test_P09_an_endless_text_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="too long"):
        parse("0" * 100_000)


@given(digits12, st.lists(st.tuples(st.integers(0, 12), st.sampled_from(" .-\u2011\u00a0"))))
def test_separators_anywhere_change_nothing(digits, separators):
    typed = digits
    for at, separator in separators[:40]:
        typed = typed[:at] + separator + typed[at:]
    assert str(parse(typed)) == digits


@given(st.text(max_size=80))
def test_every_text_is_a_number_or_a_value_error(typed):
    try:
        number = parse(typed)
    except ValueError:
        return
    assert number.digits.isascii()
    assert len(number.digits) in (9, 12)


@given(digits12)
def test_a_number_tells_no_more_than_its_end_when_shown(digits):
    number = PersonalNumber(digits)
    assert repr(number) == f"PersonalNumber(********{digits[-4:]})"
    assert digits[:8] not in repr(number)


@pytest.mark.parametrize(
    ("digits", "sex"),
    [("000199000001", "female"), ("000099000002", "male"), ("000311000004", "female")],
)
def test_the_century_digit_gives_the_sex(digits, sex):
    number = PersonalNumber(digits)
    assert (number.sex, number.province_code) == (sex, "000")

"""Telephone numbers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.registry.phone import masked, national, parse


@pytest.mark.parametrize(
    "typed",
    [
        "0912345678",
        "+84912345678",
        "84 912 345 678",
        "091.234.5678",
        "(091) 234-5678",
        "０９１２３４５６７８",
        "912345678",
        "0084912345678",
        "00 84 912 345 678",
        "+84 (0) 912 345 678",
        "(+84) 912-345-678",
        "\u202a+84 912\u2011345\u2011678\u202c",
    ],
)
def test_every_usual_spelling_is_one_number(typed):
    assert parse(typed) == "+84912345678"


@pytest.mark.parametrize(
    "typed",
    ["", "12345678", "0212345678", "0912345678 (vợ)", "01234567890",
     "+1 212 555 0100", "000199000001", "091234567a",
     "٠٩١٢٣٤٥٦٧٨"],
)  # fmt: skip
def test_other_numbers_are_refused(typed):
    with pytest.raises(ValueError, match="not a mobile"):
        parse(typed)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("024 3825 1234", "a landline number"),
        ("+84 24 3825 1234", "a landline number"),
        ("0912345678;0987654321", "several numbers"),
        ("0912 345 678 / 0987 654 321", "several numbers"),
        ("0912345678, 0987654321", "several numbers"),
    ],
)
def test_landlines_and_several_numbers_are_refused_with_their_own_reason(typed, reason):
    with pytest.raises(ValueError, match=reason):
        parse(typed)


@pytest.mark.attack("P09")
def test_P09_an_endless_number_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="too long"):
        parse("0" + "9" * 100_000)


@given(st.sampled_from("35789"), st.text("0123456789", min_size=8, max_size=8))
def test_what_is_shown_is_read_back(first, rest):
    phone = f"+84{first}{rest}"
    assert parse(national(phone)) == phone
    assert masked(phone) == f"0{first}******{rest[-2:]}"


@given(st.text(max_size=40))
def test_every_text_is_a_number_or_a_value_error(typed):
    try:
        phone = parse(typed)
    except ValueError:
        return
    assert phone.startswith("+84")
    assert len(phone) == 12

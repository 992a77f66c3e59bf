"""DG13: fields by number, both forms of a date, names in NFC."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.person import BirthDate
from idp.mrtd import dg13, tlv
from idp.mrtd.errors import MRTDError
from tests.mrtd.forgery import reason_of, refused

FIELDS = {dg13.NUMBER: "000199000001", dg13.NAME: "Nguyễn Thị Đào", dg13.BIRTH_DATE: "02/03/1999"}


def _row(number: int, *values: bytes) -> bytes:
    return tlv.encode(tlv.SEQUENCE, tlv.encode_integer(number), *values)


def _dg13(*rows: bytes, version: int = 1, encoding: bytes = dg13.ENCODING) -> bytes:
    body = (
        tlv.encode_integer(version),
        tlv.encode(tlv.OID, encoding),
        tlv.encode(tlv.SET, *rows),
    )
    return tlv.encode(0x6D, tlv.encode(tlv.SEQUENCE, *body))


def _text(value: str, tag: int = tlv.UTF8_STRING) -> bytes:
    return tlv.encode(tag, value.encode("utf-8"))


def test_fields_are_found_by_number_not_by_place() -> None:
    rows = [
        _row(13, tlv.encode(tlv.SEQUENCE, _text("Cha"), _text("Mẹ"))),
        _row(2, _text("Nguyễn Thị Đào")),
        _row(16, _text("0123456789abcdef")),
        _row(6),  # a field without a value
        _row(3, _text("02031999", tlv.PRINTABLE_STRING)),
        _row(1, _text("000199000001", tlv.PRINTABLE_STRING)),
    ]
    holder = dg13.parse(_dg13(*rows))
    assert holder.number.digits == "000199000001"
    assert holder.name.full == "Nguyễn Thị Đào"
    assert holder.birth_date == BirthDate(1999, 3, 2)
    assert holder.issued_on is None
    assert holder.former_number is None


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("02/03/1999", BirthDate(1999, 3, 2)),
        ("02031999", BirthDate(1999, 3, 2)),
        ("1999", BirthDate(1999)),
        ("03/1999", BirthDate(1999, 3)),
        ("00/00/1999", BirthDate(1999)),
        ("00031999", BirthDate(1999, 3)),
    ],
)
def test_dates_of_birth(text: str, born: BirthDate) -> None:
    assert dg13.parse(dg13.build(FIELDS | {dg13.BIRTH_DATE: text})).birth_date == born


def test_the_former_number_is_in_15_or_16_if_it_has_nine_digits() -> None:
    for at in (dg13.FORMER_NUMBER, dg13.OTHER):
        assert dg13.parse(dg13.build(FIELDS | {at: "000000005"})).former_number == "000000005"
        assert dg13.parse(dg13.build(FIELDS | {at: "8F3A00000000BEEF"})).former_number is None


def test_the_date_of_issue() -> None:
    assert dg13.parse(dg13.build(FIELDS | {dg13.ISSUED: "01/07/2024"})).issued_on == date(
        2024, 7, 1
    )


def test_names_come_out_in_nfc() -> None:
    name = "Nguyễn Thị Đào"
    spelled = unicodedata.normalize("NFD", name)
    assert spelled != name
    assert dg13.parse(dg13.build(FIELDS | {dg13.NAME: spelled})).name.full == name


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1/2/2022", date(2022, 2, 1)),
        ("01/02/2022", date(2022, 2, 1)),
        ("01.02.2022", date(2022, 2, 1)),
        ("1-2-2022", date(2022, 2, 1)),
        ("01022022", date(2022, 2, 1)),
        ("ngày 1 tháng 2 năm 2022", date(2022, 2, 1)),
        (unicodedata.normalize("NFD", "Ngày 01 tháng 02 năm 2022"), date(2022, 2, 1)),
    ],
)
def test_dates_on_chips_in_short_form_and_in_words_are_read(text: str, day: date) -> None:
    fields = FIELDS | {dg13.ISSUED: text, dg13.BIRTH_DATE: text}
    holder = dg13.parse(dg13.build(fields))
    assert holder.issued_on == day
    assert holder.birth_date == BirthDate(day.year, day.month, day.day)


@pytest.mark.parametrize(
    "fields",
    [
        {dg13.ISSUED: "2024"},
        {dg13.ISSUED: "không rõ"},
        {dg13.ISSUED: "31/02/2024"},
        {dg13.ISSUED: ""},
        {dg13.EXPIRES: "Không thời hạn"},
        {dg13.FORMER_NUMBER: "không"},
    ],
)
def test_an_optional_field_that_cannot_be_read_never_refuses_a_card(
    fields: dict[int, str],
) -> None:
    holder = dg13.parse(dg13.build(FIELDS | fields))
    assert (holder.issued_on, holder.former_number) == (None, None)


def test_an_optional_field_that_is_not_utf_8_never_refuses_a_card() -> None:
    rows = [_row(number, _text(value)) for number, value in FIELDS.items()]
    broken = _row(dg13.ISSUED, tlv.encode(tlv.UTF8_STRING, b"\xff\xfe"))
    assert dg13.parse(_dg13(*rows, broken)).issued_on is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({dg13.NUMBER: "00019900000"}, "dg13-number"),
        ({dg13.NUMBER: "00019900000A"}, "dg13-number"),
        ({dg13.NAME: ""}, "dg13-name"),
        ({dg13.NAME: "<script>"}, "dg13-name"),
        ({dg13.NAME: "A\x00B"}, "dg13-name"),
        ({dg13.BIRTH_DATE: "31/02/1999"}, "dg13-birth-date"),
        ({dg13.BIRTH_DATE: "1999-03-02"}, "dg13-birth-date"),
        ({dg13.BIRTH_DATE: "٠٢/٠٣/١٩٩٩"}, "dg13-birth-date"),
    ],
)
def test_ill_formed_required_fields_are_refused_by_their_name(
    fields: dict[int, str], reason: str
) -> None:
    refused(reason, dg13.parse, dg13.build(FIELDS | fields))


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (dg13.NUMBER, "dg13-number"),
        (dg13.NAME, "dg13-name"),
        (dg13.BIRTH_DATE, "dg13-birth-date"),
    ],
)
def test_missing_required_fields_are_refused_by_their_name(missing: int, reason: str) -> None:
    kept = {number: value for number, value in FIELDS.items() if number != missing}
    refused(reason, dg13.parse, dg13.build(kept))


@pytest.mark.parametrize(
    "data",
    [
        _dg13(_row(1, _text("000199000001")), _row(1, _text("000199000002"))),  # one field twice
        _dg13(version=2),
        _dg13(encoding=b"\x28\xd3\x16\x01\x00\x09"),
        _dg13(b"\x05\x00"),
        dg13.build(FIELDS)[:-1],
        dg13.build(FIELDS) + b"\0",
        tlv.encode(0x6D, b""),
    ],
)
def test_other_structures_are_refused(data: bytes) -> None:
    with pytest.raises(MRTDError) as caught:
        dg13.parse(data)
    assert caught.value.reason in {"dg13-malformed", "dg-malformed"}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for candidate in (data, tlv.encode(0x6D, data), _dg13(data), _dg13(_row(1, data))):
        with pytest.raises(MRTDError):
            dg13.parse(candidate)


@given(
    st.dictionaries(
        st.integers(1, 16), st.text(st.characters(codec="utf-8"), max_size=20), max_size=16
    ),
)
def test_any_fields_are_read_or_refused(fields: dict[int, str]) -> None:
    data = dg13.build(FIELDS | fields)
    assert reason_of(dg13.parse, data) in {
        None,
        "dg13-number",
        "dg13-name",
        "dg13-birth-date",
    }

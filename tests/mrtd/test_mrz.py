"""TD1 zones: the specimen of 9303-5, the BAC inputs of 9303-11, the Vietnamese layout."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.person import Sex
from idp.mrtd import lds, mrz, tlv
from idp.mrtd.errors import MRTDError
from tests.mrtd.forgery import reason_of, refused

SPECIMEN = (
    "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)
VIETNAMESE = mrz.Td1(
    document_code="ID",
    issuing_state="VNM",
    document_number="010123456",
    optional_data="002010123456",
    birth_date="100115",
    sex=Sex.MALE,
    expiry=mrz.NO_EXPIRY,
    nationality="VNM",
    optional_data_2="",
    name="NGUYEN<<VAN<A",
)


def test_the_specimen_of_9303_5() -> None:
    zone = mrz.parse_td1(SPECIMEN)
    assert (zone.document_code, zone.issuing_state, zone.document_number) == (
        "I",
        "UTO",
        "D23145890",
    )
    assert (zone.birth_date, zone.sex, zone.expiry) == ("740812", Sex.FEMALE, "120415")
    assert zone.name.rstrip("<") == "ERIKSSON<<ANNA<MARIA"
    assert zone.expires_on is not None
    assert zone.expires_on.isoformat() == "2012-04-15"


@pytest.mark.parametrize(
    ("field", "digit"), [("L898902C<", "3"), ("690806", "1"), ("940623", "6"), ("D23145890", "7")]
)
def test_check_digits_of_9303(field: str, digit: str) -> None:
    assert mrz.check_digit(field) == digit


@pytest.mark.parametrize(
    ("upper", "birth", "expiry", "number", "information"),
    [
        (
            "I<UTOD23145890<7349<<<<<<<<<<<",
            "340712",
            "950712",
            "D23145890734",
            "D23145890734934071279507122",
        ),
        (
            "I<UTOL898902C<3<<<<<<<<<<<<<<<",
            "690806",
            "940623",
            "L898902C",
            "L898902C<369080619406236",
        ),
    ],
)
def test_bac_information_of_9303_11(
    upper: str, birth: str, expiry: str, number: str, information: str
) -> None:
    middle = f"{birth}{mrz.check_digit(birth)}F{expiry}{mrz.check_digit(expiry)}UTO<<<<<<<<<<<"
    composite = upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29]
    zone = mrz.parse_td1(upper + middle + mrz.check_digit(composite) + "A<<B".ljust(30, "<"))
    assert zone.document_number == number
    assert zone.optional_data == ""
    assert zone.mrz_information == information


def test_the_vietnamese_layout() -> None:
    text = mrz.build_td1(VIETNAMESE)
    assert text[:30] == "IDVNM0101234568002010123456<<" + mrz.check_digit("002010123456")
    zone = mrz.parse_td1(text)
    assert zone.optional_data == "002010123456"
    assert zone.document_number == zone.optional_data[-9:]
    assert zone.expires_on is None


@pytest.mark.attack("K18")
@pytest.mark.parametrize("at", [6, 14, 15, 29, 30, 36, 38, 44, 48, 59])
def test_K18_every_check_digit_counts(at: int) -> None:
    text = mrz.build_td1(VIETNAMESE)
    wrong = "1" if text[at] != "1" else "2"
    refused("mrz-check-digit", mrz.parse_td1, text[:at] + wrong + text[at + 1 :])


@pytest.mark.attack("K18")
@pytest.mark.parametrize("character", [" ", "a", "\n", "\0", "É", "\u0660", "&", "\x7f", "'"])
@pytest.mark.parametrize("at", [0, 5, 17, 31, 60, 89])
def test_K18_only_the_alphabet_of_the_zone(character: str, at: int) -> None:
    text = mrz.build_td1(VIETNAMESE)
    refused("mrz-characters", mrz.parse_td1, text[:at] + character + text[at + 1 :])


@pytest.mark.attack("K18")
@pytest.mark.parametrize("number", ["<<<<<<<<<<<<", "0020101234<<", "00201012345<", "A02010123456"])
def test_K18_a_number_with_fillers_is_no_personal_number(number: str) -> None:
    text = mrz.build_td1(VIETNAMESE)
    upper = text[:15] + number + "<<<"
    middle = text[30:59]
    composite = upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29]
    zone = mrz.parse_td1(upper + middle + mrz.check_digit(composite) + text[60:])
    assert zone.optional_data == number.rstrip("<")


@pytest.mark.parametrize("text", ["", SPECIMEN[:-1], SPECIMEN + "<", SPECIMEN.replace("ER", "<<")])
def test_other_shapes_are_refused(text: str) -> None:
    refused("dg1-malformed", mrz.parse_td1, text)


def test_a_date_of_expiry_that_does_not_exist() -> None:
    zone = mrz.parse_td1(mrz.build_td1(replace(VIETNAMESE, expiry="391331")))
    with pytest.raises(MRTDError, match="mrz-date"):
        _ = zone.expires_on


@given(st.text(max_size=100) | st.text("0123456789ABC<", min_size=90, max_size=90))
def test_any_text_is_read_or_refused(text: str) -> None:
    reasons = {"dg1-malformed", "mrz-characters", "mrz-check-digit", "mrz-date"}
    assert reason_of(mrz.parse_td1, text) in reasons | {None}


@given(st.binary(max_size=120))
def test_any_dg1_is_read_or_refused(data: bytes) -> None:
    for candidate in (data, tlv.encode(0x61, data), tlv.encode(0x61, tlv.encode(0x5F1F, data))):
        assert reason_of(lds.parse_dg1, candidate) != "tlv-malformed"


@given(
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])", fullmatch=True),
    st.from_regex(r"[A-Z]{1,10}<<[A-Z]{1,10}<[A-Z]{1,7}", fullmatch=True),
)
def test_what_is_built_is_read(number: str, born: str, name: str) -> None:
    zone = mrz.Td1(
        "ID", "VNM", number[-9:], number, born, Sex.FEMALE, "390302", "VNM", "", name.ljust(30, "<")
    )
    assert mrz.parse_td1(mrz.build_td1(zone)) == zone

"""Names in the zone: every spelling of 9303-3 §6, every truncation of 9303-4 §4.2.3, no more."""

import unicodedata
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.mrtd import dg13, lds, names
from idp.mrtd.testing.software_card import CardDetails, build_dg1, build_dg13
from tests.mrtd.forgery import reason_of

FIELD_NAME = "Nguyễn Thị Hoàng Anh Thư Mai Châu"
"""Its thirtieth place is the gap before the last word."""


def agree(printed: str, name: str, width: int = 30) -> bool:
    reason = reason_of(names.require_agreement, printed.ljust(width, "<"), Name(name))
    assert reason in (None, "name-mismatch")
    return reason is None


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Nguyễn Thị Đào", "NGUYEN<<THI<DAO"),
        ("H'Bĭa Niê Kđăm", "HBIA<<NIE<KDAM"),
        ("Tôn-Nữ Ỷ Lan", "TON<<NU<Y<LAN"),
        ("Dương", "DUONG"),
        ("Công Tằng Tôn Nữ Phương Nguyên Thảo", "CONG<<TANG<TON<NU<PHUONG<NGUYE"),
        (FIELD_NAME, "NGUYEN<<THI<HOANG<ANH<THU<MA<C"),
        ("A" * 40 + " Mai Lan", "A" * 27 + "<<M"),
        ("A" * 40, "A" * 30),
    ],
)
def test_names_as_the_zone_prints_them(name: str, printed: str) -> None:
    assert names.printed_name(name).rstrip("<") == printed
    assert agree(names.printed_name(name), name)
    assert not agree(names.printed_name(name), "Trần Văn Khác")


def test_a_full_line_is_compared_as_far_as_it_goes_and_a_short_one_whole() -> None:
    assert not agree("NGUYEN<<THI", "Nguyễn Thị Đào")
    assert not agree("NGUYEN<<THI<D", "Nguyễn Thị Đào")
    assert not agree("NGUYEN<<T<D", "Nguyễn Thị Đào")
    assert not agree("NGUYEN<<THI<DAO<MAI", "Nguyễn Thị Đào")


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        ("the last letters cut, which ends at a word gap", "NGUYEN<<THI<HOANG<ANH<THU<MAI"),
        ("a letter in the last place", "NGUYEN<<THI<HOANG<ANH<THU<MA<C"),
        ("later names as initials", "NGUYEN<<THI<HOANG<ANH<THU<M<C"),
        ("one name as an initial", "NGUYEN<<THI<HOANG<A<THU<MAI<CH"),
        ("names cut to a fixed number", "NGUYEN<<THI<HOAN<ANH<THU<MAI<C"),
        ("the primary identifier cut", "NGUY<<THI<HOANG<ANH<THU<MAI<CH"),
        ("the family name of two words", "NGUYEN<THI<<HOANG<ANH<THU<MAI"),
    ],
)
def test_a_name_truncated_by_any_rule_of_9303_4_is_accepted(rule: str, printed: str) -> None:
    assert agree(printed, FIELD_NAME), rule


@pytest.mark.parametrize(
    "printed",
    [
        "NGUYEN<<THI<HOANG<ANH<THU",  # the next word would have had room
        "NGUYEN<<THI",
        "NGUYEN<<T<H<A<T<M<C",
        "NGUYEN<<THI<HOANG<ANH<THU<MAI<D",
        "NGUYEN<<THI<HOANG<ANH<THU<BAI",
        "NGUYEN<<THI<HOANG<THU<ANH<MA<C",
        "TRAN<<THI<HOANG<ANH<THU<MAI<CH",
    ],
)
def test_what_leaves_room_or_has_another_letter_is_not_a_truncated_name(printed: str) -> None:
    assert not agree(printed, FIELD_NAME)


@pytest.mark.parametrize(
    "printed",
    [
        "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K",
        "NILAVADHANANANDA<<CHAYAPA<DEJTHAMR<KRAS",
        "NILAVADHANANANDA<<CHAYAPA<DEJTH<KRASUAN",
    ],
)
def test_a_name_truncated_in_the_thirty_nine_places_of_a_passport(printed: str) -> None:
    name = "Nilavadhanananda Chayapa Dejthamrong Krasuang"
    assert agree(printed, name, width=39)
    assert not agree(printed, name.replace("Chayapa", "Chayapo"), width=39)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Müller", "MUELLER"), ("Müller", "MULLER"), ("Müller", "MUXXLLER"),
        ("Jäger", "JAEGER"), ("Jäger", "JAGER"), ("Löwe", "LOEWE"), ("Löwe", "LOWE"),
        ("Åse", "AASE"), ("Åse", "ASE"), ("Núñez", "NUNEZ"), ("Núñez", "NUNXXEZ"),
        ("Þór", "THOR"), ("Groß", "GROSS"), ("Søren", "SOEREN"), ("Łukasz", "LUKASZ"),
        ("Æble", "AEBLE"), ("Œuvre", "OEUVRE"), ("Çelik", "CELIK"), ("Šťastný", "STASTNY"),
        ("Işık", "ISIK"), ("D'Artagnan", "DARTAGNAN"), ("Anna-Maria", "ANNA<MARIA"),
        ("Щукин", "SHCHUKIN"), ("Юлия", "IULIIA"), ("Хрущёв", "KHRUSHCHEV"), ("Жанна", "ZHANNA"),
        ("Съева", "SIEEVA"), ("Ольга", "OLGA"), ("Їжак", "IZHAK"),
        ("\u0645\u062d\u0645\u062f", "MXHMD"), ("\u062e\u0627\u0644\u062f", "XKHALD"),
        ("\u0645\u062d\u0645\u0651\u062f", "MXHMMD"), ("\u0645\u062d\u0645\u0651\u062f", "MXHMD"),
        ("\u067e\u0631\u0648\u06cc\u0646", "PRWXYAN"), ("\u06af\u0644", "XGGL"),
        ("\u0686\u0627\u06a9", "XCAXKK"),
    ],
)  # fmt: skip
def test_every_transliteration_of_9303_3_is_accepted(name: str, printed: str) -> None:
    assert agree(printed, name)
    assert not agree(printed + "A", name)


@pytest.mark.parametrize(
    ("typed", "registered"),
    [
        ("\u00d0ào", "\u0110ào"),
        ("\u0189ào", "\u0110ào"),
        ("\u00f0ào", "\u0110ào"),
        ("\u0421h\u00e2u", "Châu"),  # a Cyrillic capital
        ("M\u0430i", "Mai"),
        ("\u039dga", "Nga"),  # a Greek capital
        (unicodedata.normalize("NFD", "Nguyễn"), "Nguyễn"),
        ("Nguy\u00ea\u0303n", "Nguyễn"),  # as texts from Windows-1258 are composed
    ],
)
def test_letters_that_look_alike_and_come_from_other_keyboards_are_one(
    typed: str, registered: str
) -> None:
    assert names.transliterate(typed) == names.transliterate(registered)
    assert agree(names.printed_name(registered), typed)
    assert names.unprintable(typed) == ""


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Nguyễn Thị Ánh", ""), ("Ольга", ""), ("\u0645\u062d\u0645\u0651\u062f", ""), ("Groß", ""),
     ("Đặng Λ", "Λ"), ("Əliyev", "Ə"), ("ສົມສັກ", "ສມສກ")],
)  # fmt: skip
def test_letters_that_no_table_has_are_found(name: str, letters: str) -> None:
    assert names.unprintable(name) == letters


def test_a_name_without_any_letter_of_the_zone_is_refused_by_name() -> None:
    with pytest.raises(names.UnprintableName):
        names.printed_name("ສົມສັກ")


words = st.text("ABCDEGHIKLMNOPQRSTUVXY", min_size=1, max_size=12)
long_names = st.lists(words, min_size=2, max_size=9).filter(
    lambda found: 30 < len("<".join(found)) + 1 <= 100
)


def _cut(found: list[str]) -> str:
    return (found[0] + "<<" + "<".join(found[1:]))[:30]


def _words_left_out(found: list[str]) -> str:
    while len(found) > 1 and len("<".join(found)) + 1 > 30:
        found = found[:-1]
    return "<<".join(filter(None, (found[0], "<".join(found[1:]))))[:30]


def _initials(found: list[str]) -> str:
    for at in range(len(found) - 1, 0, -1):
        if len("<".join(found)) + 1 > 30:
            found = [*found[:at], found[at][0], *found[at + 1 :]]
    return _cut(found)


def _primary_cut(found: list[str]) -> str:
    family, rest = found[0], "<".join(found[1:])
    room = max(1, 28 - len(rest))
    return (family[:room] + "<<" + rest)[:30]


def _secondary_omitted(found: list[str]) -> str:
    return "<".join(found)[:30].rstrip("<")


@pytest.mark.parametrize(
    "rule", [_cut, _words_left_out, _initials, _primary_cut, _secondary_omitted, None]
)
@given(found=long_names)
def test_any_name_truncated_by_any_rule_is_accepted(rule, found: list[str]) -> None:
    name = " ".join(found)
    printed = rule(found) if rule else names.printed_name(name)
    assert agree(printed, name)


@given(found=long_names, at=st.integers(0, 29), letter=st.sampled_from("ABCDEGHIKLMNOPQRSTUVXY"))
def test_another_persons_name_of_the_same_length_is_not_accepted(
    found: list[str], at: int, letter: str
) -> None:
    """One letter that the field shows is another, wherever it stands."""
    printed = names.printed_name(" ".join(found))
    assume(printed[at] not in ("<", letter))
    assert not agree(printed[:at] + letter + printed[at + 1 :], " ".join(found))


@given(found=st.lists(words, min_size=2, max_size=4), cut=st.integers(1, 10))
def test_a_name_that_fits_is_never_accepted_by_its_beginning(found: list[str], cut: int) -> None:
    whole = found[0] + "<<" + "<".join(found[1:])
    assume(len(whole) <= 30)
    shown = whole[:-cut]
    assume(shown.replace("<", "") not in ("", whole.replace("<", "")))
    assert not agree(shown, " ".join(found))


@given(st.text(max_size=40), st.text("ABCXYZ<", min_size=30, max_size=30))
def test_any_name_and_any_field_agree_or_do_not(name: str, printed: str) -> None:
    try:
        held = Name(name)
    except ValueError:
        return
    assert agree(printed, held.full) in (True, False)


def test_a_citizens_own_card_agrees_though_the_zone_cuts_the_name_at_a_word_gap() -> None:
    details = CardDetails(
        number=PersonalNumber("000190020008"),
        name=Name(FIELD_NAME),
        birth_date=BirthDate(1990, 2, 3),
        sex=Sex.FEMALE,
        issued_on=date(2024, 1, 1),
        expires_on=None,
    )
    zone, holder = lds.parse_dg1(build_dg1(details)), dg13.parse(build_dg13(details))
    assert names.require_agreement(zone.name, holder.name).full == FIELD_NAME
    assert names.require_agreement("NGUYEN<<THI<HOANG<ANH<THU<MAI<", holder.name)

"""Records as JSON: read strictly, written as they are read, no data in a reason."""

import json
import string
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.registry.model import Card, CardStatus, Person
from idp.registry.record import RecordError, dump_card, dump_person, parse_card, parse_record

LEAST = {"number": "000199000001", "name": "Trần Thị Mai", "birth_date": "1999", "sex": "female"}
CARD = {"document_number": "199000001", "issued_on": "2022-08-15"}
DIGEST = "0f" * 32

words = st.text(string.ascii_letters + "ĕăơñ", min_size=1, max_size=20)
lines = st.text(string.ascii_letters + string.digits + ",/-ộ", max_size=30)
names = st.builds(Name, words, st.just("") | words, st.just("") | words, st.just("") | words)
addresses = st.builds(
    Address, st.sampled_from(["", "001"]), lines, st.just(""), lines, lines, lines
)
digits = st.text("0123456789", min_size=12, max_size=12)
persons = st.builds(
    Person,
    number=digits.map(PersonalNumber),
    name=names,
    birth_date=st.builds(
        BirthDate, st.integers(1850, 2200), st.integers(1, 12), st.integers(1, 28)
    ),
    sex=st.sampled_from(Sex),
    ethnicity=lines,
    address=addresses,
    status=st.sampled_from(CivilStatus),
    phone=st.none() | st.just("+84912345678"),
    email=st.none() | st.just("a@example.org"),
    updated_at=st.none() | st.integers(0, 1 << 39),
    former_numbers=st.lists(
        st.text("0123456789", min_size=9, max_size=9).map(FormerNumber), max_size=3
    ).map(tuple),
)
cards = st.builds(
    Card,
    document_number=st.text(string.digits, min_size=1, max_size=8),
    issued_on=st.dates(date(2000, 1, 1)),
    expires_on=st.none() | st.dates(date(2000, 1, 1)),
    status=st.sampled_from(CardStatus),
    serial=st.none() | st.just("5F-01"),
    aa_key_digest=st.none() | st.just(DIGEST),
)


@given(persons, st.none() | st.lists(cards, max_size=2, unique_by=lambda it: it.issued_on))
def test_what_is_written_is_read_back(person, found):
    value = dump_person(person)
    if found is not None:
        value["cards"] = [dump_card(each) for each in found]
    record = parse_record(json.loads(json.dumps(value)), strict=True)
    assert record.person == person
    assert record.cards == (None if found is None else tuple(found))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*LEAST, "address", "cards", "phone", "status", "x"]), json_values
    )
)
def test_every_value_is_a_record_or_a_record_error(value):
    for strict in (True, False):
        with suppress(RecordError):
            assert parse_record(LEAST | value, strict=strict).person.name.full


def test_the_least_record_has_the_usual_rest():
    record = parse_record(LEAST, strict=True)
    assert record.cards is None
    assert record.person == Person(
        PersonalNumber("000199000001"), Name("Trần Thị Mai"), BirthDate(1999), Sex.FEMALE
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"number": None}, "number: missing"),
        ({"number": 199000001}, "number: not a text"),
        ({"number": "00019900000"}, "number: a personal number has 12 digits"),
        ({"name": "Mai\ud800"}, "name: a name holds"),
        ({"family_name": "x" * 101}, "family_name: longer than 100"),
        ({"birth_date": "1999-02-30"}, "birth_date: no such day"),
        ({"sex": "nữ"}, "sex: not one of male, female, other"),
        (
            {"status": "secret-value"},
            "status: not one of alive, deceased, missing, number_cancelled",
        ),
        ({"nationality": "vnm"}, "nationality: not three capital"),
        ({"updated_at": True}, "updated_at: not a time"),
        ({"updated_at": 1 << 60}, "updated_at: not a time"),
        ({"former_numbers": ["12345678"]}, "former_numbers: a former number has 9"),
        ({"former_numbers": "123456789"}, "former_numbers: not a list"),
        ({"cards": [CARD, CARD]}, "cards: two with one"),
        ({"cards": [CARD | {"issued_on": "20220815"}]}, "cards: issued_on: not a date"),
        ({"cards": [CARD | {"aa_key_digest": "x"}]}, "cards: aa_key_digest: not a SHA-256"),
        ({"cards": [CARD | {"document_number": "a b"}]}, "cards: document_number: not 1 to 16"),
        ({"adress": {}}, "an unknown field; did you mean address?"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(change, reason):
    with pytest.raises(RecordError) as refused:
        parse_record(LEAST | change, strict=True)
    assert str(refused.value).startswith(reason)
    assert "secret-value" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phone": "113"}, "phone: not a mobile"),
        ({"phone": 912345678}, "phone: not a text"),
        ({"email": "nobody"}, "email: not one e-mail"),
        ({"email": "a b@c.vn"}, "email: not one e-mail"),
        ({"address": "Hà Nội"}, "address: not a JSON object"),
        (
            {"address": {"district": "Ba Đình"}},
            "address: an unknown field; the fields are commune,",
        ),
        ({"address": {"street": "a\x00b"}}, "address: street: not a text that can"),
    ],
)
def test_contact_data_that_cannot_be_read_is_left_out_and_its_value_is_not_told(change, reason):
    record = parse_record(LEAST | change, strict=True)
    assert record.person == parse_record(LEAST, strict=True).person
    (note,) = record.notes
    assert note.startswith(reason)
    assert note.endswith("; left out")
    assert "Ba Đình" not in note


def test_a_service_may_tell_more_than_we_know():
    value = LEAST | {"blood_group": "O", "address": {"district": "x", "street": "y"}}
    assert parse_record(value, strict=False).person.address == Address(street="y")
    assert parse_card(CARD | {"colour": "red"}, strict=False).expires_on is None

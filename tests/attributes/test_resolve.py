"""Claims from what is known: right values, nothing guessed, nothing beyond what was asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.model import Account
from idp.attributes.resolve import claims
from idp.core.person import Address, BirthDate, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.oidc.vocabulary import ACCOUNT_LEVEL, PERSONAL_CLAIMS
from idp.registry.model import Person
from tests.conftest import NOW

NUMBER = PersonalNumber("000199000001")
PERSON = Person(
    number=NUMBER,
    name=Name("Trần Thị Mai", "Trần", "Thị", "Mai"),
    birth_date=BirthDate(1999, 5, 17),
    sex=Sex.FEMALE,
    address=Address("001", "Hà Nội", "", "Phường Ba Đình", "Số 8"),
    phone="+84530000009",
    email="mai@example.org",
    updated_at=1_700_000_000,
    former_numbers=(FormerNumber("000000005"),),
)
ACCOUNT = Account("a" * 22, NUMBER, level=2, created_at=1, activated_at=1, phone="+84530000001")
LEAST = Person(NUMBER, Name("Nga"), BirthDate(1945), Sex.FEMALE)
BARE = replace(ACCOUNT, phone=None)
EVERY = PERSONAL_CLAIMS | {ACCOUNT_LEVEL}


def one(name, person=PERSON, account=ACCOUNT, now=NOW):
    return claims(person, account, frozenset({name}), now).get(name)


def test_everything_known_of_a_citizen():
    assert claims(PERSON, ACCOUNT, EVERY, NOW) == {
        "name": "Trần Thị Mai",
        "family_name": "Trần",
        "middle_name": "Thị",
        "given_name": "Mai",
        "gender": "female",
        "birthdate": "1999-05-17",
        "nationality": "VNM",
        "updated_at": 1_700_000_000,
        "pid": "000199000001",
        "former_ids": ["000000005"],
        "phone_number": "+84530000001",
        "phone_number_verified": True,
        "email": "mai@example.org",
        "email_verified": False,
        "address": {
            "formatted": "Số 8, Phường Ba Đình, Hà Nội",
            "street_address": "Số 8",
            "locality": "Phường Ba Đình",
            "region": "Hà Nội",
        },
        "age_over_14": True,
        "age_over_18": True,
        "age_over_60": False,
        "account_level": 2,
    }


def test_what_is_not_known_is_left_out():
    assert claims(LEAST, BARE, EVERY, NOW) == {
        "name": "Nga",
        "gender": "female",
        "birthdate": "1945",
        "nationality": "VNM",
        "pid": "000199000001",
        "age_over_14": True,
        "age_over_18": True,
        "age_over_60": True,
        "account_level": 2,
    }


@given(st.frozensets(st.sampled_from(sorted(EVERY | {"sub", "picture", "lock"}))))
def test_never_more_than_was_asked(requested):
    assert claims(PERSON, ACCOUNT, requested, NOW).keys() == requested & EVERY


def test_the_registrys_phone_is_told_as_not_verified():
    assert one("phone_number", account=BARE) == "+84530000009"
    assert one("phone_number_verified", account=BARE) is False


@pytest.mark.parametrize(
    ("born", "told"),
    [
        (BirthDate(1945), "1945"),
        (BirthDate(1945, 3), "1945"),
        (BirthDate(1945, 3, 9), "1945-03-09"),
    ],
)
def test_a_birth_date_is_a_whole_date_or_a_year(born, told):
    assert one("birthdate", replace(PERSON, birth_date=born)) == told


def test_an_address_in_its_old_form_is_not_taken_apart():
    old = replace(PERSON, address=Address(text="Xóm 3, huyện cũ, Nghệ An"))
    assert one("address", old) == {"formatted": "Xóm 3, huyện cũ, Nghệ An"}


def test_a_birthday_begins_at_midnight_in_viet_nam():
    midnight = 1_810_486_800  # 2027-05-17 00:00 in Viet Nam, the day before in UTC
    person = replace(PERSON, birth_date=BirthDate(2009, 5, 17))
    assert one("age_over_18", person, now=midnight - 1) is False
    assert one("age_over_18", person, now=midnight) is True

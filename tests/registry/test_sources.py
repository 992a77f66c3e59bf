"""One contract for every source of the registry: our copy (on both databases), a service."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.outbound.breaker import Breaker
from idp.registry.http import HttpRegistry
from idp.registry.model import Card, CardStatus, Person
from idp.registry.record import dump_card, dump_person
from idp.registry.repository import Record, Registry
from idp.registry.source import RegistrySource
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database, metadata, open_database
from tests.counting import statements
from tests.service import Asked, LocalService, serve

NUMBER = PersonalNumber("000085000005")
OTHER = PersonalNumber("000199000001")
NOBODY = PersonalNumber("000099999999")
PERSON = Person(
    number=NUMBER,
    name=Name("Y Brĭt Niê K'đăm", "Niê K'đăm", "", "Y Brĭt"),
    birth_date=BirthDate(1985, 10),
    sex=Sex.MALE,
    ethnicity="Ê Đê",
    address=Address("066", "Đắk Lắk", "", "Phường Buôn Ma Thuột", "Số 5"),
    status=CivilStatus.ALIVE,
    phone="+84530000005",
    email="brit@example.org",
    updated_at=1_700_000_000,
    former_numbers=(FormerNumber("000000005"), FormerNumber("000000007")),
)
OLD = Card("085000005", date(2015, 1, 2), date(2025, 10, 20), CardStatus.SUPERSEDED)
NEW = Card("085000005", date(2023, 11, 5), None, CardStatus.VALID, "5F-01", "0f" * 32)
RECORDS = (
    Record(PERSON, (OLD, NEW)),
    Record(replace(PERSON, number=OTHER, former_numbers=(FormerNumber("000000005"),))),
)


def authority(asked: Asked) -> tuple[int, Any]:
    """The other authority's service, as our description of it says."""
    if "former_number" in asked.value:
        wanted = FormerNumber(asked.value["former_number"])
        holders = [each.person for each in RECORDS if wanted in each.person.former_numbers]
        return 200, {"numbers": [each.number.digits for each in holders]}
    for record in RECORDS:
        if record.person.number.digits == asked.value["number"]:
            cards = [dump_card(each) for each in record.cards or ()]
            return 200, {"person": dump_person(record.person) | {"cards": cards}}
    return 200, {"person": None}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    with serve(tmp_path, authority) as service:
        yield service


@pytest.fixture
def over_http(local: LocalService) -> Iterator[HttpRegistry]:
    source = HttpRegistry(local.settings())
    yield source
    source.close()


@pytest.fixture(params=["sqlite", "postgres", "http"])
def source(request: pytest.FixtureRequest, clock: FixedClock) -> Iterator[RegistrySource]:
    if request.param == "http":
        yield request.getfixturevalue("over_http")
        return
    database = _database(request.getfixturevalue(f"{request.param}_url"))
    Registry(database, clock).write(RECORDS)
    yield SqlRegistry(database)
    database.close()


def _database(url: str) -> Database:
    opened = open_database(url)
    with opened.begin() as connection:
        metadata.create_all(connection)
    return opened


def test_a_person_is_found_with_everything_known_of_them(source: RegistrySource) -> None:
    assert source.person(NUMBER) == PERSON


def test_nobody_is_none(source: RegistrySource) -> None:
    assert source.person(NOBODY) is None
    assert source.cards(NOBODY) == ()
    assert source.by_former_number("999999999") == ()


def test_cards_come_the_last_issued_first(source: RegistrySource) -> None:
    assert source.cards(NUMBER) == (NEW, OLD)
    assert source.cards(OTHER) == ()


def test_a_former_number_of_several_persons_is_theirs_all(source: RegistrySource) -> None:
    assert source.by_former_number("000000007") == (NUMBER,)
    assert source.by_former_number("000000005") == (NUMBER, OTHER)


def test_our_copy_answers_each_question_by_one_statement(
    database: Database, clock: FixedClock
) -> None:
    Registry(database, clock).write(RECORDS)
    source = SqlRegistry(database)
    source.person(NOBODY)  # the connection is there
    with statements() as counted:
        source.person(NUMBER)
        source.cards(NUMBER)
        source.by_former_number("000000005")
    assert len(counted) == 3


def test_a_copy_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Unavailable):
        SqlRegistry(database).person(NUMBER)
    database.close()


def test_no_number_is_in_an_address(over_http: HttpRegistry, local: LocalService) -> None:
    over_http.person(NUMBER)
    over_http.by_former_number("000000005")
    assert [each.path for each in local.asked] == ["/ask", "/ask"]


BAD_PERSON: list[Any] = [
    (200, b"<html>"),
    (200, b"[" * 100_000),
    (200, b"\xff"),
    (200, []),
    (200, {}),
    (200, {"person": {}}),
    (200, {"person": dump_person(PERSON) | {"number": OTHER.digits}}),
    (200, {"person": dump_person(PERSON) | {"status": "resting"}}),
    (404, {"person": None}),
    (401, {"person": None}),
    (500, {"person": None}),
]


@pytest.mark.parametrize("answer", BAD_PERSON, ids=range(len(BAD_PERSON)))
def test_what_is_no_answer_about_a_person_is_unavailable(
    over_http: HttpRegistry, local: LocalService, answer: tuple[int, Any]
) -> None:
    local.answer = lambda asked: answer
    with pytest.raises(Unavailable) as refused:
        over_http.person(NUMBER)
    assert refused.value.dependency == "registry"


@pytest.mark.parametrize("numbers", [None, "000085000005", ["12"], [1], [{}], ["0" * 12] * 33])
def test_what_is_no_list_of_numbers_is_unavailable(
    over_http: HttpRegistry, local: LocalService, numbers: Any
) -> None:
    local.answer = lambda asked: (200, {"numbers": numbers})
    with pytest.raises(Unavailable):
        over_http.by_former_number("000000005")


def test_a_registry_that_is_down_is_not_waited_for(local: LocalService) -> None:
    source = HttpRegistry(local.settings(), Breaker("registry", failures=2))
    local.answer = lambda asked: (503, {})
    for _ in range(4):
        with pytest.raises(Unavailable):
            source.person(NUMBER)
    assert len(local.asked) == 2
    source.close()

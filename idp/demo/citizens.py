"""The citizens of the sandbox, and as many synthetic ones as are wanted.

Every number begins with 000, a province code that nobody has. The phone numbers begin with 053,
which no operator has been given, so that a real gateway would reach nobody either.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from random import Random

from idp.accounts import passcode
from idp.accounts.model import Account, Lock
from idp.accounts.repository import Accounts
from idp.core.handles import b64url
from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.demo import names
from idp.registry.model import Card, CardStatus, Person, Record
from idp.registry.repository import Registry
from idp.registry.source import RegistrySource

PASSCODE = "111111"
OPENED_AT = 1_751_302_800
"""2025-07-01 00:00 in Viet Nam: when the demo's accounts were opened."""
MOST = 1_000_000
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class DemoCitizen:
    """One citizen of the sandbox. ``card`` is as the registry has it, without a chip's key."""

    person: Person
    description: str
    has_passcode: bool = True
    lock: Lock | None = None
    card: Card | None = None

    def account(self, passcode_hash: str) -> Account:
        """The citizen's account."""
        return _account(self.person, passcode_hash if self.has_passcode else None, lock=self.lock)


def _account(person: Person, passcode_hash: str | None, lock: Lock | None = None) -> Account:
    # An id must be random for real people; here two machines shall tell the same story.
    seed = hashlib.sha256(b"demo account\x00" + person.number.digits.encode()).digest()
    return Account(
        id=b64url(seed[:16]),
        number=person.number,
        level=2,
        created_at=OPENED_AT,
        activated_at=OPENED_AT,
        phone=person.phone,
        passcode_hash=passcode_hash,
        lock=lock,
    )


def _card(number: str, issued: str, expires: str | None, status: CardStatus) -> Card:
    return Card(
        document_number=number[-9:],  # as on every card: the number's last nine digits
        issued_on=date.fromisoformat(issued),
        expires_on=date.fromisoformat(expires) if expires else None,
        status=status,
    )


_HA_NOI = Address("001", "Hà Nội", "", "Phường Ba Đình", "Số 8, đường Hoàng Diệu")
_HUE = Address("046", "Huế", "", "Phường Thuận Hóa", "Số 21, đường Lê Lợi")
_DAK_LAK = Address("066", "Đắk Lắk", "", "Phường Buôn Ma Thuột", "Số 5, đường Y Jút")
_CAN_THO = Address("092", "Cần Thơ", "", "Phường Ninh Kiều", "Số 40, đường Hai Bà Trưng")
_OLD_FORM = Address(text="Xóm 3, xã Nghi Phú, thành phố Vinh, tỉnh Nghệ An")

CITIZENS = (
    DemoCitizen(
        Person(
            number=PersonalNumber("000199000001"),
            name=Name("Trần Thị Mai", "Trần", "Thị", "Mai"),
            birth_date=BirthDate(1999, 5, 17),
            sex=Sex.FEMALE,
            ethnicity="Kinh",
            address=_HA_NOI,
            phone="+84530000001",
            email="mai.tran@example.org",
            updated_at=OPENED_AT,
        ),
        "adult woman: phone, passcode, valid chip card",
        card=_card("000199000001", "2022-08-15", "2039-05-17", CardStatus.VALID),
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000099000002"),
            name=Name("Nguyễn Văn Minh", "Nguyễn", "Văn", "Minh"),
            birth_date=BirthDate(1999, 11, 2),
            sex=Sex.MALE,
            ethnicity="Kinh",
            address=_HUE,
            phone="+84530000002",
            updated_at=OPENED_AT,
        ),
        "adult man: phone and passcode, no chip card",
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000158000003"),
            name=Name("Phạm Thị Hồng", "Phạm", "Thị", "Hồng"),
            birth_date=BirthDate(1958, 3, 8),
            sex=Sex.FEMALE,
            ethnicity="Kinh",
            address=_CAN_THO,
            phone="+84530000003",
            updated_at=OPENED_AT,
        ),
        "woman aged 68: phone, card without expiry date, no passcode",
        has_passcode=False,
        card=_card("000158000003", "2024-09-10", None, CardStatus.VALID),
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000311000004"),
            name=Name("Lê Ngọc Bảo Hân", "Lê", "Ngọc Bảo", "Hân"),
            birth_date=BirthDate(2011, 6, 1),
            sex=Sex.FEMALE,
            ethnicity="Kinh",
            address=_HA_NOI,
            updated_at=OPENED_AT,
        ),
        "girl aged 15: passcode, chip card, no phone",
        card=_card("000311000004", "2025-07-15", "2036-06-01", CardStatus.VALID),
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000085000005"),
            name=Name("Y Brĭt Niê K’đăm", "Niê K’đăm", "", "Y Brĭt"),
            birth_date=BirthDate(1985, 10, 20),
            sex=Sex.MALE,
            ethnicity="Ê Đê",
            address=_DAK_LAK,
            phone="+84530000005",
            updated_at=OPENED_AT,
            former_numbers=(FormerNumber("000000005"),),
        ),
        "Ê Đê man: name with apostrophe and breve letters, old number 000000005, phone, card",
        card=_card("000085000005", "2023-11-05", "2045-10-20", CardStatus.VALID),
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000090000006"),
            name=Name("Võ Quốc Khánh", "Võ", "Quốc", "Khánh"),
            birth_date=BirthDate(1990, 9, 2),
            sex=Sex.MALE,
            ethnicity="Kinh",
            address=_CAN_THO,
            phone="+84530000006",
            updated_at=OPENED_AT,
        ),
        "account locked by the holder: phone and passcode",
        lock=Lock.HOLDER,
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000090000007"),
            name=Name("Đỗ Hữu Tín", "Đỗ", "Hữu", "Tín"),
            birth_date=BirthDate(1990, 1, 25),
            sex=Sex.MALE,
            ethnicity="Kinh",
            address=_HUE,
            phone="+84530000007",
            updated_at=OPENED_AT,
        ),
        "card revoked: phone and passcode still work",
        card=_card("000090000007", "2021-06-30", "2030-01-25", CardStatus.REVOKED),
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000040000008"),
            name=Name("Hồ Văn Thọ", "Hồ", "Văn", "Thọ"),
            birth_date=BirthDate(1940),
            sex=Sex.MALE,
            ethnicity="Kinh",
            address=_OLD_FORM,
            status=CivilStatus.DECEASED,
            phone="+84530000008",
            updated_at=OPENED_AT,
        ),
        "deceased; only his birth year is known",
    ),
    DemoCitizen(
        Person(
            number=PersonalNumber("000190000009"),
            name=Name("Thạch Sa Rinh", "Thạch", "", "Sa Rinh"),
            birth_date=BirthDate(1990, 4, 14),
            sex=Sex.FEMALE,
            ethnicity="Khmer",
            address=_CAN_THO,
            updated_at=OPENED_AT,
        ),
        "no phone in the registry: card and passcode only",
        card=_card("000190000009", "2021-03-01", "2030-04-14", CardStatus.VALID),
    ),
)
"""The sandbox's own citizens, whose cards follow Law 26/2023 Art. 21 on expiry."""

_OWN = frozenset(each.person.number.digits for each in CITIZENS)
_DECADES = (1930, 1940, 1950, 1960, 1970, 1980, 1990, 2000)
_DECADE_WEIGHTS = (1, 3, 8, 13, 15, 17, 16, 13)
_STEP = 700_001  # shares no factor with a million: a walk by it meets every number once


def synthetic(
    count: int, seed: int = 0, *, passcode_hash: str | None = None
) -> Iterator[tuple[Person, Account]]:
    """``count`` people who do not exist, each of age and with a phone.

    The same for one seed; at most a million. They share one ``passcode_hash``, for hashing a
    million times takes hours: that is for made-up people only.

    Raises:
        ValueError: more than a million.
    """
    if count > MOST:
        raise ValueError(f"at most {MOST} synthetic citizens")
    random = Random(seed)  # noqa: S311 - to be repeatable is the point
    return _synthetic(count, random, passcode_hash)


def _synthetic(
    count: int, random: Random, passcode_hash: str | None
) -> Iterator[tuple[Person, Account]]:
    start = random.randrange(MOST)
    for index in range(count):
        tail = (start + index * _STEP) % MOST  # six digits that no other has: always unique
        number, year = _number(random, tail)
        sex = Sex(number.sex)
        name, ethnicity = names.name(random, sex)
        person = Person(
            number=number,
            name=name,
            birth_date=_birth_date(random, year),
            sex=sex,
            ethnicity=ethnicity,
            address=names.address(random),
            phone=f"+84531{tail:06}",
            updated_at=OPENED_AT,
        )
        yield person, _account(person, passcode_hash)


def _number(random: Random, tail: int) -> tuple[PersonalNumber, int]:
    while True:
        year = random.choices(_DECADES, _DECADE_WEIGHTS)[0] + random.randrange(10)
        century_and_sex = 2 * (year // 100 - 19) + random.getrandbits(1)
        digits = f"000{century_and_sex}{year % 100:02}{tail:06}"
        if digits not in _OWN:
            return PersonalNumber(digits), year


def _birth_date(random: Random, year: int) -> BirthDate:
    """A date; of the oldest some know the year only, or the year and the month."""
    month, day = random.randrange(1, 13), random.randrange(1, 29)
    if year < 1960 and random.random() < 0.2:
        return BirthDate(year, month) if random.random() < 0.3 else BirthDate(year)
    return BirthDate(year, month, day)


@dataclass(frozen=True, slots=True)
class Stores:
    """Where citizens are written; ``source`` tells which cards are known already.

    ``pepper`` keys the hashes of their passcode.
    """

    registry: Registry
    source: RegistrySource
    accounts: Accounts
    pepper: bytes = field(repr=False)


def seed_citizens(stores: Stores) -> None:
    """Write the sandbox's own citizens as they are described, whatever became of them meanwhile.

    Cards stay as they are where the last has the status described: it may have been issued.
    """
    stores.registry.write([_record(each, stores.source) for each in CITIZENS])
    passcode_hash = passcode.hash_passcode(PASSCODE, stores.pepper)
    stores.accounts.put_all(each.account(passcode_hash) for each in CITIZENS)


def _record(citizen: DemoCitizen, source: RegistrySource) -> Record:
    card, known = citizen.card, source.cards(citizen.person.number)[:1]
    if card is None or [each.status for each in known] == [card.status]:
        return Record(citizen.person)
    return Record(citizen.person, (card,))


def seed_synthetic(
    stores: Stores,
    count: int,
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write ``count`` synthetic citizens with a passcode; ``progress`` gets the number so far.

    Raises:
        ValueError: more than a million.
    """
    hashed = passcode.hash_passcode(PASSCODE, stores.pepper)
    found, done = synthetic(count, seed, passcode_hash=hashed), 0
    while batch := tuple(islice(found, BATCH)):
        stores.registry.write(Record(person) for person, _ in batch)
        stores.accounts.put_all(account for _, account in batch)
        done += len(batch)
        progress(done)

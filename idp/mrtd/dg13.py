"""DG13 of the Vietnamese identity card: the holder's details in Vietnamese, by numbered field.

``[APPLICATION 13] SEQUENCE { version INTEGER, OID 1.0.10646.1.0.8, SET OF SEQUENCE { number
INTEGER, value } }``. Cards leave out what they do not have and keep no order, so a field is found
by its number, never by its place.
"""

import re
from dataclasses import dataclass
from datetime import date

from idp.core.person import BirthDate, Name
from idp.core.personal_number import PersonalNumber
from idp.mrtd import tlv
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import DATA_GROUP_TAGS, content

ENCODING = bytes.fromhex("28d316010008")
"""ISO/IEC 10646, UTF-8 (1.0.10646.1.0.8), as the value of an OBJECT IDENTIFIER."""

NUMBER, NAME, BIRTH_DATE, SEX, NATIONALITY, ETHNICITY, RELIGION, ORIGIN, RESIDENCE = range(1, 10)
FEATURES, ISSUED, EXPIRES, PARENTS, SPOUSE, FORMER_NUMBER, OTHER = range(10, 17)

_DATE = re.compile(r"(?:(?:(\d{2})/?)?(\d{2})/?)?(\d{4})", re.ASCII)
_FORMER_NUMBER = re.compile(r"\d{9}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """Who the card says its holder is; ``name`` in NFC."""

    number: PersonalNumber
    name: Name
    birth_date: BirthDate
    issued_on: date | None
    former_number: str | None


def parse(data: bytes) -> Holder:
    """The holder's details in DG13.

    Raises:
        MRTDError: dg-malformed, dg13-malformed, or dg13-field for one field missing or ill-formed.
    """
    with malformed("dg13-malformed"):
        fields = _fields(content(13, data))
    with malformed("dg13-field"):
        former = [fields[at] for at in (FORMER_NUMBER, OTHER) if at in fields]
        return Holder(
            number=PersonalNumber(fields[NUMBER]),
            name=Name(fields[NAME]),
            birth_date=_birth_date(fields[BIRTH_DATE]),
            issued_on=_full_date(fields[ISSUED]) if ISSUED in fields else None,
            former_number=next(filter(_FORMER_NUMBER.fullmatch, former), None),
        )


def build(fields: dict[int, str]) -> bytes:
    """DG13 that holds ``fields``, the values as text."""
    rows = (
        tlv.encode(
            tlv.SEQUENCE,
            tlv.encode_integer(number),
            tlv.encode(tlv.UTF8_STRING, value.encode("utf-8")),
        )
        for number, value in fields.items()
    )
    body = (tlv.encode_integer(1), tlv.encode(tlv.OID, ENCODING), tlv.encode_set(rows))
    return tlv.encode(DATA_GROUP_TAGS[13], tlv.encode(tlv.SEQUENCE, *body))


def _fields(body: bytes) -> dict[int, str]:
    """The text fields by number. Raises MRTDError or ValueError."""
    version, encoding, rows = tlv.read(body).children(tlv.SEQUENCE)
    if version.integer() != 1 or encoding.expect(tlv.OID) != ENCODING:
        raise MRTDError("dg13-malformed")
    found: dict[int, str] = {}
    seen: set[int] = set()
    for row in rows.children(tlv.SET):
        number, *values = row.children(tlv.SEQUENCE)
        if number.integer() in seen:
            raise MRTDError("dg13-malformed")
        seen.add(number.integer())
        if len(values) == 1 and values[0].tag in (tlv.UTF8_STRING, tlv.PRINTABLE_STRING):
            found[number.integer()] = values[0].value.decode("utf-8").strip()
    return found


def _birth_date(text: str) -> BirthDate:
    """``DD/MM/YYYY`` or ``DDMMYYYY``; day, or day and month, may be left out or ``00``."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise MRTDError("dg13-field")
    day, month, year = (int(part or 0) for part in match.groups())
    return BirthDate(year, month or None, day or None)


def _full_date(text: str) -> date:
    found = _birth_date(text)
    return date(found.year, found.month or 0, found.day or 0)

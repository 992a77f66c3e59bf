"""DG13 of the Vietnamese identity card: the holder's details in Vietnamese, by numbered field.

``[APPLICATION 13] SEQUENCE { version INTEGER, OID 1.0.10646.1.0.8, SET OF SEQUENCE { number
INTEGER, value } }``. Cards leave out what they do not have and keep no order, so a field is found
by its number, never by its place.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from idp.core.person import BirthDate, Name
from idp.core.personal_number import PersonalNumber, parse_personal
from idp.core.typed import plain
from idp.mrtd import tlv
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import DATA_GROUP_TAGS, content

ENCODING = bytes.fromhex("28d316010008")
"""ISO/IEC 10646, UTF-8 (1.0.10646.1.0.8), as the value of an OBJECT IDENTIFIER."""

NUMBER, NAME, BIRTH_DATE, SEX, NATIONALITY, ETHNICITY, RELIGION, ORIGIN, RESIDENCE = range(1, 10)
FEATURES, ISSUED, EXPIRES, PARENTS, SPOUSE, FORMER_NUMBER, OTHER = range(10, 17)

_DATE = re.compile(r"(?:(?:(\d{1,2})[/.-])?(\d{1,2})[/.-])?(\d{4})", re.ASCII)
_DATE_WITHOUT_SIGNS = re.compile(r"(?:(\d{2})?(\d{2}))?(\d{4})", re.ASCII)
_DATE_IN_WORDS = re.compile(r"(?:(?:ngày (\d{1,2}) )?tháng (\d{1,2}) )?năm (\d{4})", re.ASCII)
_FORMER_NUMBER = re.compile(r"\d{9}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class CardHolder:
    """Who the card says its holder is; ``name`` in NFC."""

    number: PersonalNumber
    name: Name
    birth_date: BirthDate
    issued_on: date | None
    former_number: str | None


def parse(data: bytes) -> CardHolder:
    """The holder's details in DG13.

    Raises:
        MRTDError: dg-malformed, dg13-malformed; dg13-number, dg13-name or dg13-birth-date where
            that field is missing or cannot be read. Any other field counts as absent then.
    """
    with malformed("dg13-malformed"):
        fields = _fields(content(13, data))
    with malformed("dg13-number"):
        number = parse_personal(fields[NUMBER])
    with malformed("dg13-name"):
        name = Name(fields[NAME])
    with malformed("dg13-birth-date"):
        birth_date = _partial_date(fields[BIRTH_DATE])
    former = [fields[at] for at in (FORMER_NUMBER, OTHER) if at in fields]
    return CardHolder(
        number=number,
        name=name,
        birth_date=birth_date,
        issued_on=_full_date(fields.get(ISSUED, "")),
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
            with suppress(UnicodeDecodeError):  # as if the card did not have it
                found[number.integer()] = values[0].value.decode("utf-8").strip()
    return found


def _partial_date(text: str) -> BirthDate:
    """``DD/MM/YYYY``, ``D/M/YYYY``, ``DDMMYYYY`` or ``ngày D tháng M năm YYYY``.

    The day, or day and month, may be left out or ``00``.

    Raises:
        ValueError: another form, or no such date.
    """
    said = plain(text).lower()
    forms = (_DATE, _DATE_WITHOUT_SIGNS, _DATE_IN_WORDS)
    match = next(filter(None, (each.fullmatch(said) for each in forms)), None)
    if match is None:
        raise ValueError("not a date")
    day, month, year = (int(part or 0) for part in match.groups())
    return BirthDate(year, month or None, day or None)


def _full_date(text: str) -> date | None:
    """The date in ``text``; None for anything else, such as ``Không thời hạn``."""
    with suppress(ValueError):
        found = _partial_date(text)
        return date(found.year, found.month or 0, found.day or 0)
    return None

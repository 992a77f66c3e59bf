"""The machine readable zone of size TD1: ICAO 9303-3 §4, 9303-5 §4.2.

Three lines of thirty characters. On a Vietnamese card the optional data of the first line is the
12-digit personal number, and the document number its last nine digits.
"""

import re
from dataclasses import dataclass
from datetime import date

from idp.core.person import Sex
from idp.mrtd.errors import MRTDError

LINE = 30
NO_EXPIRY = "991231"
"""The date of expiry on cards that have none."""

_ALPHABET = re.compile(r"[0-9A-Z<]*", re.ASCII)
_VIETNAMESE_OPTIONAL_DATA = re.compile(r"([0-9]{12})<<([0-9])", re.ASCII)
_WEIGHTS = (7, 3, 1)
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE, "<": Sex.OTHER}
_LETTERS = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.OTHER: "<"}


@dataclass(frozen=True, slots=True, repr=False)
class Td1:
    """A TD1 zone whose check digits hold. Dates are YYMMDD, fillers at the end taken off."""

    document_code: str
    issuing_state: str
    document_number: str
    optional_data: str
    birth_date: str
    sex: Sex
    expiry: str
    nationality: str
    optional_data_2: str
    name: str
    """As printed, with its fillers: ``SURNAME<<MIDDLE<GIVEN``."""

    @property
    def expires_on(self) -> date | None:
        """The last day on which the document is good; None when it has no end.

        Raises:
            MRTDError: mrz-date.
        """
        if self.expiry == NO_EXPIRY:
            return None
        year, month, day = (int(self.expiry[at : at + 2]) for at in (0, 2, 4))
        try:
            return date(2000 + year, month, day)
        except ValueError:
            raise MRTDError("mrz-date") from None

    @property
    def mrz_information(self) -> str:
        """What the keys of Basic Access Control are made from: 9303-11 §9.7.2."""
        fields = (self.document_number.ljust(9, "<"), self.birth_date, self.expiry)
        return "".join(field + check_digit(field) for field in fields)


def check_digit(field: str) -> str:
    """The check digit over ``field`` (9303-3 §4.9).

    Raises:
        MRTDError: mrz-characters.
    """
    _check_alphabet(field)
    values = (0 if each == "<" else int(each, 36) for each in field)
    return str(sum(value * _WEIGHTS[at % 3] for at, value in enumerate(values)) % 10)


def parse_td1(text: str) -> Td1:
    """The fields of the ninety characters of a TD1 zone, every check digit compared.

    Raises:
        MRTDError: dg1-malformed, mrz-characters, mrz-check-digit or mrz-date.
    """
    if len(text) != 3 * LINE:
        raise MRTDError("dg1-malformed")
    _check_alphabet(text)
    upper, middle, lower = text[:LINE], text[LINE : 2 * LINE], text[2 * LINE :]
    document_number, optional_data = _document_number(upper)
    birth_date, expiry = middle[:6], middle[8:14]
    composite = upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29]
    for field, digit in ((birth_date, middle[6]), (expiry, middle[14]), (composite, middle[29])):
        if check_digit(field) != digit:
            raise MRTDError("mrz-check-digit")
    if middle[7] not in _SEXES or lower.startswith("<"):
        raise MRTDError("dg1-malformed")
    if not expiry.isdigit() or not birth_date.replace("<", "").isdigit():
        raise MRTDError("mrz-date")
    return Td1(
        document_code=upper[:2].rstrip("<"),
        issuing_state=upper[2:5].rstrip("<"),
        document_number=document_number,
        optional_data=optional_data,
        birth_date=birth_date,
        sex=_SEXES[middle[7]],
        expiry=expiry,
        nationality=middle[15:18].rstrip("<"),
        optional_data_2=middle[18:29].rstrip("<"),
        name=lower,
    )


def build_td1(fields: Td1) -> str:
    """The ninety characters that hold ``fields``; the document number has at most nine.

    A Vietnamese card puts a check digit over its 12-digit number in the last place of the line.

    Raises:
        MRTDError: dg1-malformed when a field does not fit, mrz-characters.
    """
    number = fields.document_number.ljust(9, "<")
    optional = fields.optional_data.ljust(15, "<")
    if len(fields.optional_data) == 12:
        optional = fields.optional_data + "<<" + check_digit(fields.optional_data)
    upper = f"{fields.document_code:<<2}{fields.issuing_state:<<3}{number}{check_digit(number)}"
    upper += optional
    sex = _LETTERS[fields.sex]
    middle = fields.birth_date + check_digit(fields.birth_date) + sex + fields.expiry
    middle += check_digit(fields.expiry) + f"{fields.nationality:<<3}{fields.optional_data_2:<<11}"
    composite = upper[5:30] + middle[0:7] + middle[8:15] + middle[18:29]
    text = upper + middle + check_digit(composite) + fields.name.ljust(LINE, "<")
    if len(text) != 3 * LINE:
        raise MRTDError("dg1-malformed")
    return text


def _document_number(upper: str) -> tuple[str, str]:
    """Document number and optional data; a number over nine characters runs on (9303-5 §4.2.4)."""
    number, digit, optional = upper[5:14], upper[14], upper[15:30]
    if digit == "<" and "<" not in number:
        rest, _, optional = optional.partition("<")
        number, digit = number + rest[:-1], rest[-1:]
    if check_digit(number) != digit:
        raise MRTDError("mrz-check-digit")
    return number.rstrip("<"), _optional_number(optional)


def _optional_number(optional: str) -> str:
    """Optional data without fillers; of a Vietnamese number the check digit is compared too."""
    vietnamese = _VIETNAMESE_OPTIONAL_DATA.fullmatch(optional)
    if vietnamese is None:
        return optional.rstrip("<")
    number, digit = vietnamese.groups()
    if check_digit(number) != digit:
        raise MRTDError("mrz-check-digit")
    return number


def _check_alphabet(text: str) -> None:
    if _ALPHABET.fullmatch(text) is None:
        raise MRTDError("mrz-characters")

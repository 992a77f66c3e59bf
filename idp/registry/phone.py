"""Telephone numbers of Viet Nam in E.164: ``+84`` and nine digits (numbering plan of 2018)."""

import re
import unicodedata

MAX_TYPED = 32
_SEPARATORS = re.compile(r"[\s.()\-\u2010-\u2015]")
_MOBILE = re.compile(r"(?:\+84|84|0)([35789]\d{8})", re.ASCII)


def parse(typed: str) -> str:
    """The mobile number that was typed, in E.164: ``091 234 5678`` is ``+84912345678``.

    Raises:
        ValueError: not a mobile number of Viet Nam.
    """
    if len(typed) > MAX_TYPED:
        raise ValueError("too long")
    match = _MOBILE.fullmatch(_SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)))
    if match is None:
        raise ValueError("not a mobile number of Viet Nam")
    return f"+84{match[1]}"


def national(phone: str) -> str:
    """An E.164 number as citizens write it: ``091 234 5678``."""
    digits = "0" + phone.removeprefix("+84")
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}"


def masked(phone: str) -> str:
    """An E.164 number with two digits left at either end: ``09******78``."""
    return f"0{phone[3]}******{phone[-2:]}"

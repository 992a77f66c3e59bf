"""Telephone numbers of Viet Nam in E.164: ``+84`` and nine digits (numbering plan of 2018)."""

import re

from idp.core.typed import compact

MAX_TYPED = 40
_MOBILE = re.compile(r"(?:\+84|0084|84)?0?([35789]\d{8})", re.ASCII)
_LANDLINE = re.compile(r"(?:\+84|0084|84)?0?2\d{9}", re.ASCII)
_SEVERAL = re.compile(r"\d[^\d]*[;,/|][^\d]*\d", re.ASCII)
_BRACKETS = str.maketrans("", "", "()")


def parse(typed: str) -> str:
    """The mobile number that was typed, in E.164: ``091 234 5678`` is ``+84912345678``.

    ``0084…``, ``+84 (0) …`` and a number without its leading zero are read too.

    Raises:
        ValueError: not one mobile number of Viet Nam.
    """
    if len(typed) > MAX_TYPED:
        raise ValueError("too long for a telephone number")
    if match := _MOBILE.fullmatch(typed):  # as most registries write it
        return f"+84{match[1]}"
    digits = compact(typed).translate(_BRACKETS)
    if match := _MOBILE.fullmatch(digits):
        return f"+84{match[1]}"
    if _LANDLINE.fullmatch(digits):
        raise ValueError("a landline number, which receives no SMS")
    if _SEVERAL.search(digits):
        raise ValueError("several numbers; give one")
    raise ValueError("not a mobile number of Viet Nam")


def national(phone: str) -> str:
    """An E.164 number as citizens write it: ``091 234 5678``."""
    digits = "0" + phone.removeprefix("+84")
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}"


def masked(phone: str) -> str:
    """An E.164 number with two digits left at either end: ``09******78``."""
    return f"0{phone[3]}******{phone[-2:]}"

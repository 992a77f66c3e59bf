"""Claim values and transactions, formatted for the consent page."""

from collections.abc import Callable, Mapping
from typing import Any

from idp.core.person import BirthDate
from idp.oidc.consent.details import TYPES, Detail
from idp.registry import phone
from idp.registry.model import NATIONALITY
from idp.web.i18n import Translator

_WORDS: Mapping[str, Callable[[Any, Translator], str]] = {
    "gender": lambda value, t: t(f"claim.gender.{value}"),
    "birthdate": lambda value, t: t.birth_date(BirthDate.parse(value)),
    "nationality": lambda value, t: t("country.vnm") if value == NATIONALITY else value,
    "updated_at": lambda value, t: t.date(value),
    "phone_number": lambda value, _: phone.national(value),
    "address": lambda value, _: value["formatted"],
    "former_ids": lambda value, _: ", ".join(value),
}


def text(claim: str, value: Any, t: Translator) -> str:
    """The value of a personal claim in words; ``""`` if there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return t("yes" if value else "no")
    words = _WORDS.get(claim)
    return words(value, t) if words else str(value)


def detail(transaction: Detail, t: Translator) -> dict[str, Any]:
    """A transaction (RFC 9396): its title, and its lines as label and text."""
    type_ = transaction["type"]
    shown = dict(transaction)
    if "amount" in shown:
        shown["amount"] = f"{_grouped(shown['amount'], t)} {shown.pop('currency', '')}".rstrip()
    names = [each.name for each in TYPES[type_] if each.name in shown]
    lines = [(t(f"details.{type_}.{name}"), shown[name]) for name in names]
    return {"title": t(f"details.{type_}"), "lines": lines}


def _grouped(amount: str, t: Translator) -> str:
    """A decimal number with the language's thousands separators."""
    whole, point, cents = amount.partition(".")
    text = f"{int(whole):,}{point}{cents}"
    return text.translate(str.maketrans(",.", ".,")) if t.locale == "vi" else text

"""Words and dates in Vietnamese and English.

Messages stand in ``locale/{vi,en}.po`` (gettext), under ids such as ``otp.title``; parameters are
written ``{name}``. There are two catalogues, read once: a locale that a request asks for is only
ever compared with these two, and only a few short headers are remembered: nothing grows with
what requests say.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from idp.core.person import BirthDate

Locale: TypeAlias = Literal["vi", "en"]
LOCALES: tuple[Locale, ...] = ("vi", "en")
VIET_NAM = timezone(timedelta(hours=7))  # Asia/Ho_Chi_Minh: no daylight saving
MAX_ASKED = 16
MAX_REMEMBERED = 128
"""Characters of an Accept-Language header whose reading is kept; longer ones are read anew."""

_DIRECTORY = Path(__file__).with_name("locale")


@cache
def catalogue(locale: Locale) -> dict[str, str]:
    """Every message of a locale by its id."""
    with (_DIRECTORY / f"{locale}.po").open("rb") as file:
        found = read_po(file, locale=locale, abort_invalid=True)
    return {str(each.id): str(each.string) for each in found if each.id}


@dataclass(frozen=True, slots=True)
class Translator:
    """Says things in one language; called as ``t("otp.title")`` in code and templates."""

    locale: Locale

    def __call__(self, message: str, **parameters: object) -> str:
        """The message with its parameters, as plain text: the page that shows it escapes it.

        With a parameter that is markup, it is markup and the rest of it is escaped.

        Raises:
            KeyError: there is no such message, or a parameter of it is not given.
        """
        text = catalogue(self.locale)[message]
        if any(isinstance(each, Markup) for each in parameters.values()):
            return escape(text).format_map(parameters)
        return text.format_map(parameters)

    def date(self, at: int) -> str:
        """The day of an epoch second in Viet Nam: dd/MM/yyyy."""
        return datetime.fromtimestamp(at, VIET_NAM).strftime("%d/%m/%Y")

    def time(self, at: int) -> str:
        """An epoch second in Viet Nam, as people write it: ``14:05, 23/11/2026``."""
        return datetime.fromtimestamp(at, VIET_NAM).strftime("%H:%M, %d/%m/%Y")

    def moment(self, at: int) -> str:
        """Like :meth:`time`, to the second."""
        return datetime.fromtimestamp(at, VIET_NAM).strftime("%H:%M:%S, %d/%m/%Y")

    def birth_date(self, born: BirthDate) -> str:
        """dd/MM/yyyy, or MM/yyyy, or the year: as much as is known."""
        parts = (born.day, born.month)
        known = [f"{part:02}" for part in parts if part is not None]
        return "/".join([*known, f"{born.year:04}"])


def negotiate(*, chosen: str = "", ui_locales: str = "", accept_language: str = "") -> Locale:
    """The language of a page: the citizen's own choice, the relying party's, the browser's.

    ``chosen`` is what the switch on the page set, ``ui_locales`` space-separated tags (OIDC Core
    §3.1.2.1), ``accept_language`` a header (RFC 9110 §12.5.4). Only the first few tags are read.
    """
    ranked = _remembered if len(accept_language) <= MAX_REMEMBERED else _ranked
    listed = ui_locales.split(maxsplit=MAX_ASKED)[:MAX_ASKED]
    asked = [chosen, *listed, *ranked(accept_language)]
    for tag in asked:
        language = tag.partition("-")[0].lower()
        if language in LOCALES:
            return language
    return "vi"


def _ranked(accept_language: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first, refused ones left out."""
    weighted = []
    for item in accept_language.split(",", maxsplit=MAX_ASKED)[:MAX_ASKED]:
        tag, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or "1")
        except ValueError:
            continue
        if weight > 0:
            weighted.append((-weight, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda each: each[0])]


_remembered = lru_cache(64)(_ranked)

"""Pages from Jinja templates: escaped, strict about what is missing, in the reader's language.

Each template says at its top what context it takes; ``base.html`` takes what :class:`Pages` gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from idp.core.shown_text import isolated, visible
from idp.web.assets import static_url
from idp.web.http import Request, Response, cookie, cookie_name
from idp.web.i18n import LOCALES, Locale, Translator, negotiate
from idp.web.security import page_policy
from idp.web.settings import Site

HTML = "text/html; charset=utf-8"
LANGUAGE_COOKIE = "eid_lang"

_PACKAGE = Path(__file__).resolve().parents[1]
_DIRECTORIES = (_PACKAGE / "templates", _PACKAGE.parent / "templates")  # wheel, checkout


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong with one field: its ``name`` in the form, and the ``message`` id."""

    name: str
    message: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@cache
def environment() -> Environment:
    """The one Jinja environment. Templates do not change while the process lives."""
    made = Environment(
        loader=FileSystemLoader(_DIRECTORIES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static_url"] = static_url
    made.filters["bdi"] = bdi
    made.filters["isolated"] = isolated
    return made


def bdi(text: str) -> Markup:
    """What others wrote, apart from what stands around it (HTML §4.5.24; UAX #9 §2.7).

    In a title, where there are no elements, the filter ``isolated`` does the same.
    """
    return Markup("<bdi>{}</bdi>").format(visible(text))


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes the pages of one deployment."""

    site: Site

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        ui_locales: str = "",
        form_action: tuple[str, ...] = (),
        img_src: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        here: str | None = None,
        **context: Any,
    ) -> Response:
        """The page that answers ``request``, in the language of whoever reads it.

        ``form_action`` are the sources (:func:`idp.web.security.form_target`) a form of the page
        may lead to in the end, ``img_src`` those of pictures that are not ours; ``here`` is the
        URL path that shows this page by GET, where that is not the request's own.

        Raises:
            jinja2.UndefinedError: the template's context is not complete.
        """
        chosen = _chosen(request)
        locale = self.locale(request, ui_locales)
        body = (
            environment()
            .get_template(template)
            .render(
                t=Translator(locale),
                site=self.site,
                switch=_switch(request, here),
                **context,
            )
        )
        policy = page_policy(form_action, img_src=img_src)
        security = {"Content-Type": HTML, "Content-Security-Policy": policy}
        kept = (cookie(LANGUAGE_COOKIE, chosen, secure=self.site.secure),) if chosen else ()
        return Response(status, body.encode(), {**security, **(headers or {})}, kept)

    def locale(self, request: Request, ui_locales: str = "") -> Locale:
        """The language of a page that answers ``request``."""
        name = cookie_name(LANGUAGE_COOKIE, secure=self.site.secure)
        return negotiate(
            chosen=_chosen(request) or request.cookies.get(name, ""),
            ui_locales=ui_locales,
            accept_language=request.headers.get("accept-language", ""),
        )


def _chosen(request: Request) -> Locale | None:
    """The language that the switch on the page asks for."""
    asked = request.query.all("lang")
    return next((each for each in LOCALES if each in asked), None)


def _switch(request: Request, here: str | None) -> dict[Locale, str]:
    """For each language, the URL of this same page in it: always a path of ours."""
    pairs = () if here else request.query.pairs()
    kept = [pair for pair in pairs if pair[0] != "lang"]
    path = "/" + quote((here or request.path).lstrip("/"), encoding="latin-1", errors="replace")
    return {each: f"{path}?{urlencode([*kept, ('lang', each)])}" for each in LOCALES}

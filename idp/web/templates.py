"""Pages from Jinja templates: escaped, strict about what is missing, in the reader's language.

Each template says at its top what context it takes; ``base.html`` takes what :class:`Pages` gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from markupsafe import Markup

from idp.core.shown_text import isolated, visible
from idp.web.assets import static_url
from idp.web.frames import Context, Render, fill
from idp.web.http import Request, Response, cookie, cookie_name
from idp.web.i18n import LOCALES, Locale, Translator, negotiate
from idp.web.security import page_policy
from idp.web.settings import Site

HTML = "text/html; charset=utf-8"
LANGUAGE_COOKIE = "eid_lang"

_PERSONAL = ("errors", "transactions")
_PACKAGE = Path(__file__).resolve().parents[1]
_DIRECTORIES = (_PACKAGE / "templates", _PACKAGE.parent / "templates")  # wheel, checkout


_policy = lru_cache(1024)(page_policy)


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
    made.filters["member"] = member
    return made


def bdi(text: str) -> Markup:
    """What others wrote, apart from what stands around it (HTML §4.5.24; UAX #9 §2.7).

    In a title, where there are no elements, the filter ``isolated`` does the same.
    """
    return Markup("<bdi>{}</bdi>").format(visible(text))


@pass_context
def member(context: Mapping[str, Any], name: str) -> Any:
    """The member of the page's context with a name that the context itself gives."""
    return context[name]


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
        form_action: tuple[str, ...] = (),
        img_src: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        here: str | None = None,
        slots: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """The page that answers ``request``, in the reader's language.

        ``form_action`` are the sources (:func:`idp.web.security.form_target`) a form of the page
        may lead to in the end, ``img_src`` those of pictures that are not ours; ``here`` is the
        URL path that shows this page by GET, where that is not the request's own. ``slots`` are
        members of the context that differ at each request; given where the others hold nothing
        about a person (see :mod:`idp.web.frames`). A page with ``errors`` may quote what was typed,
        and ``transactions`` are one person's: it is rendered anew.

        Raises:
            jinja2.UndefinedError: the template's context is not complete.
        """
        chosen = _chosen(request)
        locale = self.locale(request)
        values = {**(slots or {}), **_switch(request, here)}
        render = _renderer(self.site, locale)
        if slots is None or any(context.get(each) for each in _PERSONAL):
            body = render(template, tuple({**context, **values}.items()))
        else:
            body = fill(render, template, context, values)
        policy = _policy(form_action, img_src=img_src)
        security = {"Content-Type": HTML, "Content-Security-Policy": policy}
        kept = (cookie(LANGUAGE_COOKIE, chosen, secure=self.site.secure),) if chosen else ()
        return Response(status, body.encode(), {**security, **(headers or {})}, kept)

    def locale(self, request: Request) -> Locale:
        """The language of a page that answers ``request``."""
        name = cookie_name(LANGUAGE_COOKIE, secure=self.site.secure)
        return negotiate(
            chosen=_chosen(request) or request.cookies.get(name, ""),
            accept_language=request.headers.get("accept-language", ""),
        )


@cache
def _renderer(site: Site, locale: Locale) -> Render:
    """Renders templates for one deployment in one language."""
    t = Translator(locale)

    def render(template: str, context: Context) -> str:
        return environment().get_template(template).render(context, t=t, site=site)

    return render


def _chosen(request: Request) -> Locale | None:
    """The language that the switch on the page asks for."""
    asked = request.query.all("lang")
    return next((each for each in LOCALES if each in asked), None)


def _switch(request: Request, here: str | None) -> dict[str, str]:
    """``in_vi`` and ``in_en``: the URL of this same page in each language, a path of ours."""
    pairs = () if here else request.query.pairs()
    kept = urlencode([pair for pair in pairs if pair[0] != "lang"])
    path = "/" + quote((here or request.path).lstrip("/"), encoding="latin-1", errors="replace")
    page = f"{path}?{kept}&lang=" if kept else f"{path}?lang="
    return {f"in_{each}": page + each for each in LOCALES}

"""Pages before a login: their forms are bound to the browser's login cookie."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from idp.core.handles import random_token
from idp.login.forms import BROWSER_COOKIE
from idp.oidc.decoupled.approval import OUTCOMES
from idp.oidc.services import Services
from idp.web.http import HttpError, Request, Response, cookie


def page(
    services: Services, request: Request, template: str, *, form: str, **context: Any
) -> Response:
    """A page with the form ``form``; sets the browser's login cookie if missing."""
    forms = services.forms
    browser, cookies = forms.browser(request), tuple[str, ...]()
    if not browser:
        browser = random_token()
        cookies = (cookie(BROWSER_COOKIE, browser, secure=forms.secure),)
    token = forms.token(browser, form)
    shown = services.pages.render(request, template, csrf_token=token, **context)
    return replace(shown, cookies=(*shown.cookies, *cookies))


def check_form(services: Services, request: Request, form: str) -> None:
    """Accept a form only from the provider's page in the same browser.

    Raises:
        CsrfFailed: it is from elsewhere.
    """
    services.forms.check(request, form)


def done(services: Services) -> Callable[[Request], Response]:
    """The page of an outcome; it shows only what is in the URL."""

    def show(request: Request) -> Response:
        outcome = request.query.get("outcome", "")
        if outcome not in OUTCOMES:
            raise HttpError(404, "no such page")
        return services.pages.render(request, "decoupled/done.html", outcome=outcome)

    return show

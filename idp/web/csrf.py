"""Cross-site request forgery: a form is taken only from our own page in the same browser.

Two independent checks: the browser says where the request comes from (Fetch Metadata), and the
form carries an HMAC over the browser's cookie and the form's name. No state is kept.
"""

import hmac

from idp.core.handles import b64url, equal
from idp.web.http import Request

FIELD = "csrf_token"


class CsrfFailed(Exception):
    """The form does not come from our page in this browser: 403."""


def csrf_token(key: bytes, browser: str, form: str) -> str:
    """The value of the hidden ``csrf_token`` field.

    ``browser`` is the value of the cookie that knows the browser, ``form`` the form's name: the
    URL path of the step, so that a token of one login is of no use in another.
    """
    message = b"csrf\x00" + browser.encode() + b"\x00" + form.encode()
    return b64url(hmac.digest(key, message, "sha256"))


def check(request: Request, *, key: bytes, browser: str, form: str, origin: str) -> None:
    """Refuse a POST that our page in this browser did not make.

    Raises:
        CsrfFailed: it comes from another site, there is no cookie, or the token is not the one.
    """
    check_same_origin(request, origin)
    given = request.form.get(FIELD, "")
    if not browser or not equal(given, csrf_token(key, browser, form)):
        raise CsrfFailed("the form's token does not fit this browser")


def check_same_origin(request: Request, origin: str) -> None:
    """Refuse what another origin sent (Fetch Metadata §2.2, Origin: RFC 6454 §7).

    Our pages send no referrer, and so browsers write ``Origin: null`` on our own forms: there
    only Fetch Metadata tells, or the token for browsers without it.

    Raises:
        CsrfFailed: another origin, a sibling under the same site included.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise CsrfFailed("the form comes from another site")
    if request.headers.get("origin", "null") not in ("null", origin):
        raise CsrfFailed("the form comes from another origin")

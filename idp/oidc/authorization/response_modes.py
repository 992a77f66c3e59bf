"""How an authorization response travels: the query, the fragment, a form, or a JWT in one of them.

OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode §2,
JARM §2.3. Which of them a client may have is judged in ``response_type``.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from idp.oidc.authorization import jarm
from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.response_type import FRAGMENT, JWT
from idp.oidc.clients.encryption import require_key
from idp.oidc.services import Services
from idp.web.http import Request, Response, redirect
from idp.web.i18n import Translator
from idp.web.security import form_target, page_policy


def require_ready(services: Services, destination: Destination) -> None:
    """Return when an answer could be sent in this mode: asked before anything is used up.

    Raises:
        Unavailable: it is to be encrypted, and no key of the client's can be had.
    """
    if destination.mode.endswith(f".{JWT}"):
        require_key(services.client_keys, destination.client, "authorization")


def send(
    services: Services,
    request: Request,
    destination: Destination,
    members: Mapping[str, str],
    cookies: tuple[str, ...] = (),
) -> Response:
    """The answer with ``members``, an error's as well as any other."""
    way, _, secured = destination.mode.partition(".")
    if secured:
        members = {"response": jarm.secured(services, destination.client, members)}
    if destination.by_page:
        return _form(services, request, destination, members, cookies)
    if way == FRAGMENT:
        return redirect(f"{destination.redirect_uri}#{urlencode(members)}", cookies)
    return query(destination.redirect_uri, members, cookies)


def query(redirect_uri: str, members: Mapping[str, str], cookies: tuple[str, ...] = ()) -> Response:
    """303 to the redirect URI, ``members`` added to its query (RFC 6749 §3.1.2, §4.1.2)."""
    return redirect(with_query(redirect_uri, members), cookies)


def with_query(uri: str, members: Mapping[str, str]) -> str:
    """``uri``, kept as it is, with ``members`` after what its query may hold already."""
    if not members:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(members)}"


def _form(
    services: Services,
    request: Request,
    destination: Destination,
    members: Mapping[str, str],
    cookies: tuple[str, ...],
) -> Response:
    """A page whose form leads to the redirect URI and nowhere else, and sends itself."""
    t = Translator(services.pages.locale(request))
    policy = page_policy((form_target(destination.redirect_uri),), own_forms=False)
    page = services.pages.render(
        request,
        "authorization/form_post.html",
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"},
        action=destination.redirect_uri,
        members=tuple(members.items()),
        client=destination.client.client_name.in_locale(t.locale),
    )
    return replace(page, cookies=(*page.cookies, *cookies))

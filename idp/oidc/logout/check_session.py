"""/session: the check_session_iframe of OpenID Connect Session Management 1.0 §3.3.

The only page that may be framed, by registered relying parties. It is empty; its
script (``static/check_session.js``) answers ``unchanged``, ``changed`` or ``error``.
"""

from idp.oidc.clients.uris import origin
from idp.oidc.services import Services
from idp.web.assets import static_url
from idp.web.http import Request, Response
from idp.web.security import form_target
from idp.web.templates import HTML

PATH = "/session"


def frame(services: Services, request: Request) -> Response:
    """The page, for the relying party that frames it.

    Browsers send the framing origin in ``Referer``, unless its Referrer-Policy forbids it.
    """
    framing = _origin(request.headers.get("referer", ""))
    registered = framing in services.clients.web_origins()
    ancestors = form_target(framing) if registered else "'none'"
    page = (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>session</title>'
        f'<script src="{static_url("check_session.js")}"></script></head><body></body></html>'
    )
    policy = (
        "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {ancestors}"
    )
    headers = {
        "Content-Type": HTML,
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(200, page.encode(), headers)


def _origin(referer: str) -> str:
    try:
        return origin(referer)
    except ValueError:  # not a URL
        return ""

"""Response headers that keep pages and answers from being framed, sniffed, cached or scripted.

ASVS 5.0 §3.4. Every answer of the provider passes :func:`protect` once, on both ways out (Flask
and the fast path); what an endpoint set itself is kept.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from idp.web.http import Response

_SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:(//[a-z0-9.-]+(:[0-9]{1,5})?)?", re.ASCII)

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
NOT_FRAMED = "frame-ancestors 'none'"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HSTS = "max-age=63072000; includeSubDomains"


def page_policy(
    form_action: Iterable[str] = (),
    frame_src: Iterable[str] = (),
    *,
    own_forms: bool = True,
    img_src: Iterable[str] = (),
) -> str:
    """The Content-Security-Policy of a page: nothing inline, nothing from elsewhere.

    ``form_action`` names where a form may lead besides ourselves. Browsers hold redirects after a
    form to it as well, so a page whose form ends at a relying party must name it. ``frame_src``
    names whose pages it holds in frames, ``img_src`` whose pictures it shows. ``own_forms`` False:
    no form of it leads to ourselves.

    Raises:
        ValueError: an entry is no source as :func:`form_target` makes them.
    """
    elsewhere, frames, pictures = list(form_action), list(frame_src), list(img_src)
    if not all(_SOURCE.fullmatch(each) for each in (*elsewhere, *frames, *pictures)):
        raise ValueError("not a CSP source")
    targets = (["'self'"] if own_forms else []) + elsewhere
    shown = " ".join(("'self'", "data:", *pictures))
    framed = f"frame-src {' '.join(frames)}; " if frames else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src {shown}; connect-src 'self'; form-action {' '.join(targets)}; "
        f"{framed}base-uri 'none'; frame-ancestors 'none'"
    )


def form_target(redirect_uri: str) -> str:
    """The CSP source that covers a registered redirect URI: its origin.

    Only its scheme for an application's own scheme, and for an IPv6 address, which the grammar of
    sources does not know (CSP3 §2.3.1).
    """
    parts = urlsplit(redirect_uri)
    source = f"{parts.scheme}://{parts.netloc}".lower()
    if parts.netloc and _SOURCE.fullmatch(source):
        return source
    return f"{parts.scheme}:"


def protect(response: Response, *, secure: bool) -> Response:
    """``response`` with the headers its kind must have; ``secure``: the issuer is https.

    A page whose own policy says who may frame it is not forbidden to all the others as well.
    """
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    headers = {**_STANDARD[is_page, secure], **response.headers}
    if NOT_FRAMED not in headers["Content-Security-Policy"]:
        headers.pop("X-Frame-Options", None)
    return Response(response.status, response.body, headers, response.cookies)


def _standard(is_page: bool, secure: bool) -> Mapping[str, str]:
    policy = page_policy() if is_page else DATA_POLICY
    headers = {**COMMON, **(PAGE if is_page else {}), "Content-Security-Policy": policy}
    return {**headers, "Strict-Transport-Security": HSTS} if secure else headers


_STANDARD = {
    (is_page, secure): _standard(is_page, secure)
    for is_page in (True, False)
    for secure in (True, False)
}
"""The headers of each kind of answer, made once."""

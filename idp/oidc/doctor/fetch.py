"""Calls to a client's registered addresses; each failure is one sentence.

Every call uses the SSRF-guarded client and has a deadline.
"""

import re
import ssl
from datetime import UTC, datetime

from cryptography import x509

from idp.oidc.clients.uris import loopback
from idp.oidc.doctor.model import Finding, not_checked, ok, problem, warning
from idp.oidc.errors import printable
from idp.outbound.client import OutboundClient, OutboundError, Page

EXPIRES_SOON = 21
"""A certificate that expires within so many days gets a warning."""
_DAY = 86_400
_FAILURES = {
    "url": "cannot be called: it must be an https URL with a plain host name",
    "name": "has a host name that does not resolve: correct the name, or its DNS record",
    "address": "resolves to a private or reserved address: use a host that is reachable from the"
    " Internet",
    "unreachable": "does not accept connections: start the server, and open its port to the"
    " provider",
    "deadline": "did not answer in time: answer within 5 seconds",
    "redirect": "answers with a redirect, which is not followed: register the final address",
    "encoded": "answers with a Content-Encoding that was not requested: send the body uncompressed",
    "too_large": "sends too large a body: send at most 256 kB",
    "protocol": "does not answer in HTTP/1.1",
    "status": "does not answer with the status 200",
    "busy": "was not called, because too many DNS look-ups are running: try again",
}


def failure(error: OutboundError) -> str:
    """The failure and its remedy, as a sentence about the address."""
    cause = error.__cause__
    if error.reason != "tls":
        return _FAILURES.get(error.reason, f"cannot be called ({error.reason})")
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return "fails the TLS handshake: offer TLS 1.2 or 1.3 with common cipher suites"
    return _certificate_failure(cause)


def _certificate_failure(error: ssl.SSLCertVerificationError) -> str:
    detail = printable(error.verify_message or "")
    match error.verify_code:
        case 10:  # X509_V_ERR_CERT_HAS_EXPIRED
            return "shows a certificate that has expired: renew it"
        case 9:
            return "shows a certificate that is not valid yet: check its dates and your clock"
        case 62 | 64:  # host name or IP address mismatch
            return f"shows a certificate for another host ({detail}): get one for this name"
        case 18 | 19 | 20 | 21:
            return (
                f"shows a certificate that no known authority issued ({detail}): use a public"
                " authority, and send the whole chain with the intermediate certificates"
            )
    return f"shows a certificate that cannot be trusted ({detail})"


def tls(outbound: OutboundClient, check: str, uri: str, *, now: int) -> Finding:
    """Check the server certificate: chain, host name, expiry. Sends no HTTP request."""
    if not uri.startswith(("https:", "http:")):
        return not_checked(
            check, uri, "uses a native app's private-use scheme, which cannot be called"
        )
    if loopback(uri):
        return not_checked(
            check, uri, "is on the browser's machine, which the provider cannot reach"
        )
    try:
        found = x509.load_der_x509_certificate(outbound.certificate(uri))
    except OutboundError as error:
        return problem(check, uri, failure(error))
    except ValueError:
        return problem(check, uri, "shows a certificate that cannot be read")
    days = int(found.not_valid_after_utc.timestamp() - now) // _DAY
    until = found.not_valid_after_utc.astimezone(UTC).strftime("%Y-%m-%d")
    if days < EXPIRES_SOON:
        return warning(check, uri, f"shows a certificate that expires in {days} days: renew it")
    return ok(check, uri, f"shows a valid certificate, until {until}")


def page(outbound: OutboundClient, check: str, uri: str) -> Finding:
    """Check that a page answers 200."""
    try:
        return _page(check, uri, outbound.look(uri, accept="text/html"))
    except OutboundError as error:
        return problem(check, uri, failure(error))


def _page(check: str, uri: str, found: Page) -> Finding:
    if 300 <= found.status < 400:
        return warning(check, uri, f"answers {found.status}: register the final address")
    if found.status != 200:
        return problem(check, uri, f"answers {found.status}: publish the page, or correct the URI")
    return ok(check, uri, "answers 200")


def frontchannel(outbound: OutboundClient, check: str, uri: str) -> Finding:
    """Check that the logout page may load ``uri`` in a frame (Front-Channel Logout 1.0 §2)."""
    try:
        found = outbound.look(uri, accept="text/html")
    except OutboundError as error:
        return problem(check, uri, failure(error))
    policy = found.headers.get("content-security-policy", "")
    ancestors = re.search(r"frame-ancestors\s+'(?:none|self)'\s*(?:;|$)", policy)
    refusing = found.headers.get("x-frame-options") or (ancestors and ancestors[0])
    if not refusing:
        return _page(check, uri, found)
    return problem(
        check,
        uri,
        f"forbids frames ({printable(refusing)}): browsers do not load it in the logout page. Send"
        " no X-Frame-Options from this address, and name the issuer in frame-ancestors of its"
        " Content-Security-Policy",
    )


MAX_LOGO = 100_000


def logo(outbound: OutboundClient, check: str, uri: str) -> Finding:
    """Check a logo: https, an image type, at most ``MAX_LOGO`` bytes."""
    try:
        found = outbound.look(uri, accept="image/*")
    except OutboundError as error:
        return problem(check, uri, failure(error))
    kind = printable(found.headers.get("content-type", "")) or "none"
    if found.status != 200:
        return problem(check, uri, f"answers {found.status}: register the address of the image")
    if not kind.startswith("image/"):
        return problem(check, uri, f"has the Content-Type {kind}: send an image type")
    if not uri.startswith("https:"):
        return warning(check, uri, "is not https: browsers block it on an https page")
    if len(found.body) > MAX_LOGO:
        return warning(check, uri, f"has {len(found.body)} bytes: send at most {MAX_LOGO}")
    return ok(check, uri, f"is an image of {len(found.body)} bytes")


def now_utc(now: int) -> str:
    """``now`` (epoch seconds) as readable UTC time."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

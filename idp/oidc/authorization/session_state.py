"""``session_state``: OpenID Connect Session Management 1.0 §2 and §4.2.

What a relying party compares from time to time, through our frame in its page, to learn that the
browser's login changed. The browser's state is a name of the session under a key of ours, in a
cookie that the frame's script may read: it opens nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from idp.core.handles import b64url, random_token
from idp.oidc.authorization.destination import Destination
from idp.oidc.clients.uris import origin
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.vocabulary import OPENID
from idp.web.http import Request, cookie, cookie_name

MEMBER = "session_state"
COOKIE = "eid_browser_state"


@dataclass(frozen=True, slots=True)
class Told:
    """What goes into an authorization response: members, and cookies of the browser."""

    members: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


def tell(
    services: Services, request: Request, destination: Destination, authorization: Authorization
) -> Told:
    """The session's state for the relying party, and for the browser where it is news."""
    seen_from = origin(destination.redirect_uri)  # an application's own scheme can frame nothing
    if not seen_from or OPENID not in authorization.scope or authorization.session_id is None:
        return Told()
    state = browser_state(services.desk.key, authorization.session_id)
    value = session_state(authorization.client_id, seen_from, state, random_token(12))
    secure = services.desk.secure
    if request.cookies.get(cookie_name(COOKIE, secure=secure)) == state:
        return Told({MEMBER: value})
    left = max(1, authorization.expires_at - services.clock())
    return Told({MEMBER: value}, (_cookie(state, max_age=left, secure=secure),))


def forget(*, secure: bool) -> str:
    """The cookie that says that nobody is logged in any more."""
    return _cookie("", max_age=0, secure=secure)


def browser_state(key: bytes, session_id: str) -> str:
    """The state of a browser in which this session is: another one after every new login."""
    message = b"browser-state\x00" + session_id.encode()
    return b64url(hmac.digest(key, message, "sha256")[:16])


def session_state(client_id: str, seen_from: str, state: str, salt: str) -> str:
    """The value one relying party gets (§4.2): of no use to another, or at another origin."""
    message = f"{client_id} {seen_from} {state} {salt}".encode()
    return f"{hashlib.sha256(message).hexdigest()}.{salt}"


def _cookie(value: str, *, max_age: int, secure: bool) -> str:
    return cookie(COOKIE, value, max_age=max_age, secure=secure, framed=True)

"""``session_state``: OpenID Connect Session Management 1.0 §2 and §4.2.

A relying party polls it through the provider's frame in its page, to detect a changed login. The
browser state is a MAC of the session id, in a cookie that the frame's script reads; it grants
nothing.
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
class SessionState:
    """Session state in an authorization response: members, and cookies for the browser."""

    members: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


def issue(
    services: Services, request: Request, destination: Destination, authorization: Authorization
) -> SessionState:
    """``session_state`` for the relying party, and the cookie if the browser lacks it."""
    seen_from = origin(destination.redirect_uri)  # an app's private-use scheme has no frames
    if not seen_from or OPENID not in authorization.scope or authorization.session_id is None:
        return SessionState()
    state = browser_state(services.keys.derive("session-state"), authorization.session_id)
    value = session_state(authorization.client_id, seen_from, state, random_token(12))
    secure = services.forms.secure
    if request.cookies.get(cookie_name(COOKIE, secure=secure)) == state:
        return SessionState({MEMBER: value})
    left = max(1, authorization.expires_at - services.clock())
    return SessionState({MEMBER: value}, (_cookie(state, max_age=left, secure=secure),))


def forget(*, secure: bool) -> str:
    """A cookie header that removes the browser state, after logout."""
    return _cookie("", max_age=0, secure=secure)


def browser_state(key: bytes, session_id: str) -> str:
    """The browser state of a session; every login gives another one."""
    message = b"browser-state\x00" + session_id.encode()
    return b64url(hmac.digest(key, message, "sha256")[:16])


def session_state(client_id: str, seen_from: str, state: str, salt: str) -> str:
    """The value for one client at one origin (§4.2); ``seen_from`` is that origin."""
    message = f"{client_id} {seen_from} {state} {salt}".encode()
    return f"{hashlib.sha256(message).hexdigest()}.{salt}"


def _cookie(value: str, *, max_age: int, secure: bool) -> str:
    return cookie(COOKIE, value, max_age=max_age, secure=secure, framed=True)

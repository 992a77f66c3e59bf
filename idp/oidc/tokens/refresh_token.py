"""Refresh tokens: RFC 9700 §4.14. Rotated at every use, one live branch, a replay ends the family.

The successor is derived from its predecessor by HMAC, so that a client that lost the response can
get the same one again although no token is stored.
"""

import hmac

from idp.core.handles import Handle, b64url
from idp.oidc.tokens.authorization import Authorization
from idp.storage.transient import Put

KIND = "refresh"
USED = "refresh-used"


def successor(pepper: bytes, handle: Handle) -> Handle:
    """The only successor of ``handle``."""
    message = b"refresh-successor\x00" + str(handle).encode()
    return Handle(handle.flow, b64url(hmac.digest(pepper, message, "sha256")))


def keep(handle: Handle, authorization: Authorization, *, now: int) -> Put:
    """The operation that stores ``handle`` as a refresh token until the authorization ends."""
    record = {**authorization.dump(), "binding": authorization.client_id}
    return Put(handle.key(KIND), record, max(1, authorization.expires_at - now))


def mark_used(handle: Handle, authorization: Authorization, *, now: int) -> Put:
    """The operation that stores that ``handle`` was used, and when."""
    record = {"client_id": authorization.client_id, "used_at": now}
    return Put(handle.key(USED), record, max(1, authorization.expires_at - now))

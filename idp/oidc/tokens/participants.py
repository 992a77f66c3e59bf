"""Which relying parties a session was used at: those to be told of its end.

OpenID Connect Back-Channel Logout 1.0 §2.1: the set grows with every authorization made in the
session. Whoever answers with one runs :func:`join` in the same round trip.
"""

from idp.oidc.tokens.authorization import Authorization
from idp.storage.transient import Link


def clients_of_key(session_id: str) -> str:
    """The set of a session's client ids."""
    return f"clients-of:{{{session_id}}}"


def join(authorization: Authorization, *, now: int) -> tuple[Link, ...]:
    """The operation that remembers the client; none where there is no session to end."""
    if authorization.session_id is None:
        return ()
    ttl = max(1, authorization.expires_at - now)
    return (Link(clients_of_key(authorization.session_id), authorization.client_id, ttl),)

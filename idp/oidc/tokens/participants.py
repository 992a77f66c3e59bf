"""Participants of a session: the relying parties it was used at, and the grants made in it.

At its end the relying parties are notified (OpenID Connect Back-Channel Logout 1.0 §2.1) and the
grants are marked. Every authorization in the session adds to both sets: its response runs
:func:`join` in the same round trip.
"""

from idp.oidc.tokens.authorization import Authorization
from idp.storage.transient import Link


def clients_of_key(session_id: str) -> str:
    """The set of a session's client ids."""
    return f"clients-of:{{{session_id}}}"


def flows_of_key(session_id: str) -> str:
    """The set of the flows of a session's authorizations."""
    return f"flows-of:{{{session_id}}}"


def join(authorization: Authorization, *, now: int) -> tuple[Link, ...]:
    """The operations that store client and grant; none without a session."""
    session_id = authorization.session_id
    if session_id is None:
        return ()
    ttl = max(1, authorization.expires_at - now)
    return (
        Link(clients_of_key(session_id), authorization.client_id, ttl),
        Link(flows_of_key(session_id), authorization.flow, ttl),
    )

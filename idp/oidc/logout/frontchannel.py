"""Front-channel logout: OpenID Connect Front-Channel Logout 1.0 §2 and §3.

The page after a logout loads one registered URI of each relying party in a frame. The page's
Content-Security-Policy allows only their origins.
"""

from collections.abc import Iterable

from idp.login.session import Session
from idp.oidc.authorization.response_modes import with_query
from idp.oidc.clients.model import Client
from idp.oidc.tokens.subject import Subjects


def frames(
    clients: Iterable[Client], session: Session, subjects: Subjects, *, issuer: str
) -> tuple[str, ...]:
    """The front-channel logout URIs to load.

    ``iss`` and ``sid`` are added if ``frontchannel_logout_session_required`` is registered.
    """
    return tuple(
        with_query(client.frontchannel_logout_uri, _named(client, session, subjects, issuer))
        for client in clients
        if client.frontchannel_logout_uri
    )


def _named(client: Client, session: Session, subjects: Subjects, issuer: str) -> dict[str, str]:
    if not client.frontchannel_logout_session_required:
        return {}
    return {"iss": issuer, "sid": subjects.sid(client, session.id)}

"""``sub`` and ``sid``: what a relying party calls the citizen and the session (OIDC Core §8)."""

from dataclasses import dataclass, field

from idp.login.session import relying_party_sid
from idp.oidc.clients.model import Client
from idp.oidc.clients.sector import pairwise_subject
from idp.oidc.vocabulary import CIBA
from idp.storage.transient import Put

KNOWN_TTL = 30 * 24 * 3600
"""Seconds after a login in which a client may ask for the citizen again by their ID token."""


def known_key(subject: str) -> str:
    """Where it is kept whose name at a client a ``sub`` is; it cannot be computed back."""
    return f"subject:{{{subject}}}"


@dataclass(frozen=True, slots=True)
class Subjects:
    """Names citizens and their sessions. ``key`` is for this alone and never rotates."""

    key: bytes = field(repr=False)

    def sub(self, client: Client, account_id: str) -> str:
        """The account's name in the client's sector."""
        return pairwise_subject(self.key, client.sector, account_id)

    def remember(self, client: Client, account_id: str | None) -> tuple[Put, ...]:
        """The operation that remembers whose name this is, for a client that may ask by it."""
        if CIBA not in client.grant_types or account_id is None:
            return ()
        key = known_key(self.sub(client, account_id))
        return (Put(key, {"account_id": account_id}, KNOWN_TTL),)

    def sid(self, client: Client, session_id: str) -> str:
        """The session's name at the client."""
        return relying_party_sid(self.key, session_id, client.client_id)

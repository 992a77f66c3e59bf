"""Stored registrations of clients, and initial access tokens."""

from dataclasses import dataclass, field

from idp.core.handles import digest, equal, random_name


@dataclass(frozen=True, slots=True)
class Invitation:
    """An initial access token (RFC 7591 §1.2): remaining ``uses``, and the allowed ``scope``.

    ``name`` identifies it to operators; of the token only the ``digest`` is stored.
    """

    name: str
    digest: str = field(repr=False)
    scope: tuple[str, ...]
    uses: int
    created_at: int
    expires_at: int

    def usable(self, now: int) -> bool:
        """Whether it may register one more client."""
        return self.uses > 0 and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Registration:
    """Registration of a client: its registration access token and its limits.

    ``scope`` is the most it may register, now and by later changes; ``invitation`` the name of its
    initial access token (``""``: open registration); ``software_statement`` is the one it sent, for
    the response (RFC 7591 §3.2.1). ``decided_at`` (epoch seconds): when an operator, or an open
    policy, approved or refused the client; None: it waits for review.
    """

    client_id: str
    token_digest: str = field(repr=False)
    scope: tuple[str, ...]
    invitation: str = ""
    software_statement: str = ""
    decided_at: int | None = None

    def opened_by(self, token: str) -> bool:
        """Whether ``token`` is the registration access token (RFC 7592 §3)."""
        return equal(digest(token), self.token_digest)


def new_client_id() -> str:
    """A random client_id of URL-safe characters."""
    return random_name(16)

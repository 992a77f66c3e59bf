"""What is remembered of a client that registered itself, and of who may."""

from dataclasses import dataclass, field

from idp.core.handles import digest, equal, random_name


@dataclass(frozen=True, slots=True)
class Invitation:
    """An initial access token (RFC 7591 §1.2): its ``uses`` left, and the ``scope`` it opens.

    ``name`` is how operators speak of it; the token itself is kept as ``digest`` only.
    """

    name: str
    digest: str = field(repr=False)
    scope: tuple[str, ...]
    uses: int
    created_at: int
    expires_at: int

    def usable(self, now: int) -> bool:
        """Whether one more client may be registered with it."""
        return self.uses > 0 and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Registration:
    """A client that registered itself: its registration access token, and what bounds it.

    ``scope`` is what it may register, now and by later changes; ``invitation`` the name of the
    initial access token that was used (``""``: open registration); ``software_statement`` is kept
    as it came (RFC 7591 §3.2.1). ``decided_at`` (epoch seconds) is when an operator, or an open
    policy, decided on the client; None: it waits for an operator.
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
    """A client_id that nobody can guess and that needs no encoding in a URL."""
    return random_name(16)

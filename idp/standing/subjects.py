"""What can be ended, one function for each: a session, a grant, a card, a consent …

A client has no subject: whether it is active is read with its registration.
"""

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["session", "account", "card", "grant"]
"""As stored. Several subjects share one kind; their names cannot be equal."""


class Subject(NamedTuple):
    """What a revocation names, as it is stored."""

    kind: Kind
    name: str


def session(session_id: str) -> Subject:
    """A citizen's session at the provider."""
    return Subject("session", session_id)


def membership(session_id: str, client_id: str) -> Subject:
    """What one client was given in a session."""
    return Subject("session", f"{session_id}@{client_id}")


def account(account_id: str) -> Subject:
    """Every session of an account, and what was made from them."""
    return Subject("account", account_id)


def card(chip_key_digest: str) -> Subject:
    """A chip card, by the hexadecimal SHA-256 of its chip's public key (DER)."""
    return Subject("card", chip_key_digest)


def grant(flow: str) -> Subject:
    """One authorization, and every token made from it."""
    return Subject("grant", flow)


def token(key: str) -> Subject:
    """One access token, by the key of its record."""
    return Subject("grant", key)


def consent(account_id: str, client_id: str) -> Subject:
    """All that a citizen allowed one client."""
    return Subject("grant", f"{account_id}@{client_id}")

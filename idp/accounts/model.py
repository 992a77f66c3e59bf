"""The e-ID account of a person (Decree 69/2024 Art. 7)."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from idp.core.handles import b64url
from idp.core.personal_number import PersonalNumber


class Lock(StrEnum):
    """Why an account is locked, beside what the registry says of its holder."""

    HOLDER = "holder"
    OPERATOR = "operator"
    TERMS = "terms"
    AUTHORITY = "authority"
    CARD_REVOKED = "card_revoked"


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``level`` is how the identity was proofed (1 or 2), ``phone`` is E.164.

    ``id`` is random and never leaves the provider; ``activated_at`` (epoch seconds) is None until
    the holder has taken the account into use.
    """

    id: str
    number: PersonalNumber
    level: int
    created_at: int
    activated_at: int | None = None
    phone: str | None = None
    passcode_hash: str | None = None
    lock: Lock | None = None

    def __post_init__(self) -> None:
        if self.level not in (1, 2):
            raise ValueError("an account has level 1 or 2")


def new_id() -> str:
    """128 random bits in base64url."""
    return b64url(secrets.token_bytes(16))

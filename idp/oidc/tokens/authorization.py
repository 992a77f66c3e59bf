"""An authorization: what a citizen, or the client itself, allowed one client.

A grant returns it, and tokens are issued from it. The record of an authorization code is its dump
with a ``binding`` and the binding's parts, see :class:`CodeBinding`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from idp.core import assurance
from idp.core.handles import digest
from idp.core.records import Record
from idp.standing.check import Authority


@dataclass(frozen=True, slots=True)
class Authorization(Record):
    """One authorization; its ``flow`` names the family of all tokens made from it.

    ``account_id``, ``session_id`` and ``auth_time`` are None if the client acts for itself.
    ``claims`` and ``id_token_claims`` are the allowed claims, for UserInfo and for the ID token.
    ``issued_at`` (epoch seconds) does not change at a refresh. Nothing issued from the
    authorization outlives ``expires_at``, the absolute end of the session. ``details`` are the
    approved transactions (RFC 9396). ``resource`` lists the resource servers its tokens are for
    (RFC 8707), and ``cnf`` what they are bound to (see ``tokens.sender_constraint``). ``cards`` are
    the keys of the chips that authenticated the session: it ends if such a card is revoked.
    """

    flow: str
    client_id: str
    scope: tuple[str, ...]
    issued_at: int
    expires_at: int
    account_id: str | None = None
    session_id: str | None = None
    auth_time: int | None = None
    level: int = 0
    amr: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    nonce: str | None = None
    resource: str = ""
    details: tuple[Mapping[str, str], ...] = ()
    cnf: Mapping[str, str] = field(default_factory=dict, hash=False)
    cards: tuple[str, ...] = ()

    def authority(self, cards: tuple[str, ...], *, flow: str = "") -> Authority:
        """What it stands on: with these ``cards``, and ``flow`` where the grant itself counts."""
        return Authority(
            self.account_id or "",
            self.session_id or "",
            self.client_id,
            flow,
            self.issued_at,
            self.auth_time or 0,
            cards,
        )

    @property
    def acr(self) -> str:
        """The ``acr`` value of its level."""
        return assurance.acr(self.level)


@dataclass(frozen=True, slots=True)
class CodeBinding:
    """The binding of a code: the token request must match all of it.

    ``code_challenge`` is empty if the request had none, so that an unexpected verifier is a
    mismatch too: the PKCE downgrade of RFC 9700 §4.8. ``dpop_jkt`` is empty if the request named no
    key: then the code can be redeemed with any key or without (RFC 9449 §10).
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    dpop_jkt: str = ""

    @property
    def digest(self) -> str:
        """One value of all members, for comparison."""
        return digest(
            "\n".join((self.client_id, self.redirect_uri, self.code_challenge, self.dpop_jkt))
        )

    def record(self, authorization: Authorization) -> dict[str, Any]:
        """The record of a code; ``bound`` is only for the developer's error message."""
        return {**authorization.dump(), "binding": self.digest, "bound": asdict(self)}

    def mismatch(self, record: Mapping[str, Any]) -> str:
        """The first member that differs from ``record``, ``""`` if the record has no ``bound``."""
        bound = record.get("bound", {})
        return next((name for name, value in bound.items() if getattr(self, name) != value), "")

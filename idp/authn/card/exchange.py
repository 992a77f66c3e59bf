"""The card exchange as it is kept between the page, the agent and the browser that comes back.

An :class:`Offer` waits under its launch token and moves, whole, under the session that an agent
opens with it; what the page tells is a record of its own. The proof itself is never stored before
the browser brings the return code, which holds it sealed.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from idp.core import sealing
from idp.core.handles import HANDLE_CHARS, Handle, b64url, random_token
from idp.core.records import Record
from idp.login.authentication import Authentication

CHOICES = 3
MAX_RETURN_CODE = 1024
_RETURN = "card-return"


class CardStatus(StrEnum):
    """Status of a card exchange, as ``/login/<t>/card/status`` answers it."""

    WAITING = "waiting"
    OPENED = "opened"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


def card_key(flow: str) -> str:
    """Key of the flow's current offer, for the page."""
    return f"card:{{{flow}}}"


def state_key(flow: str) -> str:
    """Key of the exchange's status; absent until an agent opens the offer."""
    return f"card-state:{{{flow}}}"


@dataclass(frozen=True, slots=True)
class Offer(Record):
    """One offer to read a card. ``person`` is the counter name of the typed number.

    ``salt`` makes the launch token and the match code of this offer; ``ticket`` is where the agent
    sends the browser back to.
    """

    person: str
    salt: str
    ticket: str
    expires_at: int

    @classmethod
    def new(cls, person: str, ticket: str, *, expires_at: int) -> "Offer":
        """A fresh offer."""
        return cls(person, random_token(9), ticket, expires_at)

    def state_at(self, now: int, stored: Mapping[str, Any] | None) -> CardStatus:
        """The status at ``now``; ``stored`` is the value at :func:`state_key`, if any."""
        state = CardStatus(stored["state"]) if stored else CardStatus.WAITING
        over = now >= (stored["expires_at"] if stored else self.expires_at)
        unfinished = state in (CardStatus.WAITING, CardStatus.OPENED)
        return CardStatus.EXPIRED if over and unfinished else state


@dataclass(frozen=True, slots=True)
class LaunchCodes:
    """Launch token and match code of an offer, derived from it: a reload shows the same ones.

    ``token`` (256 bits) is in the QR code and in the reader's link. ``match_code`` is the two
    digits that the citizen compares, one of ``choices``.
    """

    token: Handle
    choices: tuple[str, ...]
    match_code: str

    @classmethod
    def of(cls, key: bytes, flow: str, salt: str) -> "LaunchCodes":
        """The codes of the offer with ``salt`` in ``flow``."""
        token = Handle(flow, b64url(_derive(key, "card-launch", flow, salt)))
        drawn = _derive(key, "card-match", flow, salt)
        codes = list(range(10, 100))
        choices = tuple(str(codes.pop(drawn[each] % len(codes))) for each in range(CHOICES))
        return cls(token, choices, choices[drawn[CHOICES] % CHOICES])


def nonce(key: bytes, session: str) -> bytes:
    """The 32 bytes that an agent's challenge is made of: random as the session is."""
    return _derive(key, "card-nonce", session)


@dataclass(frozen=True, slots=True)
class Returned:
    """A return code: a handle that is taken once, and what the card proved.

    The proof is sealed with a key of this handle alone: the agent and the browser's
    history learn nothing from it, and nobody can make one.
    """

    handle: Handle
    proof: Authentication

    def seal(self, key: bytes) -> str:
        """The code as it is handed to the agent."""
        plain, name = json.dumps(self.proof.dump(), separators=(",", ":")), str(self.handle)
        return name + sealing.seal(key, _RETURN, name, plain)

    @classmethod
    def open(cls, key: bytes, text: str) -> "Returned | None":
        """The code that ``text`` spells, or None when the provider did not issue it."""
        handle = Handle.parse(text[:HANDLE_CHARS])
        if handle is None or len(text) > MAX_RETURN_CODE:
            return None
        try:
            plain = sealing.unseal(key, _RETURN, str(handle), text[HANDLE_CHARS:])
        except ValueError:
            return None
        return cls(handle, Authentication.load(json.loads(plain)))


def _derive(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, "\x00".join(parts).encode(), "sha256")

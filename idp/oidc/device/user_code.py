"""User codes: RFC 8628 §6.1, and the limits against guessing (§5.1).

Eight of twenty letters are 34.5 bits. Five wrong codes from one address in a quarter of an hour
have a chance of 2^-32 for each valid code, as in the RFC; there is also a limit for all addresses
together. A guess is counted before it is checked, so concurrent guesses gain nothing.
"""

import hmac
import secrets
from dataclasses import dataclass

from idp.core.handles import b64url, random_token
from idp.core.typed import compact
from idp.login.errors import Notice
from idp.login.throttle import QUARTER, Limit, Toll, address
from idp.oidc.decoupled.waiting import Reference
from idp.oidc.services import Services
from idp.storage.transient import Add, Delete, Get, Link, Members, Unlink
from idp.web.http import Request

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, to form no words; no digits (RFC 8628 §6.1)."""
LENGTH = 8
WRONG = Limit("user-code", 5)
"""Wrong codes from one address."""
ENTERED = Limit("user-codes", 3_000)
"""Codes entered from all addresses."""


@dataclass(frozen=True, slots=True)
class UserCode:
    """A user code: its letters, without the dash."""

    letters: str

    @classmethod
    def new(cls) -> "UserCode":
        """A random code."""
        return cls("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

    @classmethod
    def parse(cls, typed: str) -> "UserCode | None":
        """The typed code, in either case, with or without a dash; None if malformed.

        No letter is read as another.
        """
        letters = compact(typed[:64]).upper()
        well = len(letters) == LENGTH and set(letters) <= set(ALPHABET)
        return cls(letters) if well else None

    def __str__(self) -> str:
        return f"{self.letters[:4]}-{self.letters[4:]}"

    def add(self, key: bytes, reference: Reference, ttl: int) -> Add:
        """The operation that stores its ``reference``, if no valid code is the same."""
        return Add(self._name(key), {"reference": str(reference)}, ttl)

    def forget(self, key: bytes) -> Delete:
        """The operation that deletes it."""
        return Delete(self._name(key))

    def look_up(self, services: Services, request: Request) -> Reference | None:
        """The reference of the code, None if the code is wrong.

        Raises:
            Notice: too many wrong codes from this address, or too many codes from all.
        """
        mine, here = random_token(9), address(request.peer)
        guesses = f"throttle:{WRONG.name}:{{{here}}}"
        _, counted, total, value = services.transient.run(
            Link(guesses, mine, WRONG.window),
            Members(guesses),
            ENTERED.hit("all"),
            Get(self._name(services.keys.derive("device"))),
        )
        refused = WRONG.exceeded(len(counted))
        if refused or value is not None:  # a right code is not counted as a guess
            services.transient.run(Unlink(guesses, mine))
        services.desk.check(Toll(((ENTERED, "all"),)), (total,))
        if refused:
            raise Notice("throttled", status=429, retry_after=QUARTER, reason="throttled-user-code")
        return Reference.parse(value["reference"]) if value else None

    def _name(self, key: bytes) -> str:
        """Its key, a MAC: the store does not hold the code itself."""
        mac = hmac.digest(key, b"user-code\x00" + self.letters.encode(), "sha256")
        return f"user-code:{{{b64url(mac)}}}"

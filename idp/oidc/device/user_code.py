"""User codes: RFC 8628 §6.1, and what keeps them from being guessed (§5.1).

Eight letters of twenty are 34.5 bits. Five wrong ones from one address in a quarter of an hour are
a chance of 2^-32 for each code that lives, as the RFC reckons; all addresses together have a limit
as well. Guesses are counted before the answer is known, so that a thousand at once gain nothing.
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
"""No vowels, so that no words come of it; no digits (RFC 8628 §6.1)."""
LENGTH = 8
WRONG = Limit("user-code", 5)
"""Wrong codes from one address."""
ENTERED = Limit("user-codes", 3_000)
"""Codes typed anywhere."""


@dataclass(frozen=True, slots=True)
class UserCode:
    """A code as it is typed: the letters alone."""

    letters: str

    @classmethod
    def new(cls) -> "UserCode":
        """A random code."""
        return cls("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

    @classmethod
    def parse(cls, typed: str) -> "UserCode | None":
        """The code somebody typed, in either case, with or without a dash; None for anything else.

        Only what is certainly meant is read: no letter is taken for another.
        """
        letters = compact(typed[:64]).upper()
        well = len(letters) == LENGTH and set(letters) <= set(ALPHABET)
        return cls(letters) if well else None

    def __str__(self) -> str:
        return f"{self.letters[:4]}-{self.letters[4:]}"

    def add(self, key: bytes, reference: Reference, ttl: int) -> Add:
        """The operation that makes it lead to ``reference``, if no living code is the same."""
        return Add(self._name(key), {"reference": str(reference)}, ttl)

    def forget(self, key: bytes) -> Delete:
        """The operation that ends it."""
        return Delete(self._name(key))

    def look_up(self, services: Services, request: Request) -> Reference | None:
        """Where the code leads, None for a wrong one.

        Raises:
            Notice: too many wrong ones came from here, or too many from everywhere.
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
        if refused or value is not None:  # what was no guess does not count as one
            services.transient.run(Unlink(guesses, mine))
        services.desk.check(Toll(((ENTERED, "all"),)), (total,))
        if refused:
            raise Notice("throttled", status=429, retry_after=QUARTER, reason="throttled-user-code")
        return Reference.parse(value["reference"]) if value else None

    def _name(self, key: bytes) -> str:
        """Its key: nothing in the store tells the code itself."""
        mac = hmac.digest(key, b"user-code\x00" + self.letters.encode(), "sha256")
        return f"user-code:{{{b64url(mac)}}}"

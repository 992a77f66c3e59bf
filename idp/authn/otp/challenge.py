"""The code and what is stored of it."""

import hmac
import re
import secrets
from dataclasses import dataclass

from idp.core.handles import b64url, random_token
from idp.core.records import Record
from idp.core.typed import compact

DIGITS = 6
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def challenge_key(flow: str) -> str:
    """Where the code of a flow is kept; one at a time."""
    return f"otp:{{{flow}}}"


def used_key(flow: str) -> str:
    """Where the challenge that was taken stays for some seconds: the form may be sent twice."""
    return f"otp-used:{{{flow}}}"


def new_code() -> str:
    """Six digits from the system's random source, uniform (ASVS 6.5.3)."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def normalise(typed: str) -> str | None:
    """The code a person typed, as :func:`idp.core.typed.compact` reads it.

    None when it is not six digits.
    """
    if len(typed) > 32:
        return None
    code = compact(typed)
    return code if _CODE.fullmatch(code) else None


def binding(key: bytes, flow: str, salt: str, code: str) -> str:
    """What is stored of a code: an HMAC bound to the flow and to this one sending."""
    message = f"otp\x00{flow}\x00{salt}\x00{code}".encode()
    return b64url(hmac.digest(key, message, "sha256"))


@dataclass(frozen=True, slots=True)
class Challenge(Record):
    """A code that was asked for. ``account_id`` is empty when nobody will get it: then
    ``binding`` is random and no code fits.

    ``person`` is the counter name of the typed number. The record outlives ``expires_at`` so that
    another code can be asked for without typing the number again.
    """

    account_id: str
    person: str
    salt: str
    binding: str
    expires_at: int


def issue(
    key: bytes, flow: str, *, code: str, account_id: str, person: str, expires_at: int
) -> Challenge:
    """The challenge for ``code``; one that nothing fits when there is no ``account_id``."""
    salt = random_token(9)
    bound = binding(key, flow, salt, code) if account_id else random_token()
    return Challenge(account_id, person, salt, bound, expires_at)

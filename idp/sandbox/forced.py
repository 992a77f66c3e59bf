"""Forced results: what the next login of one client ends in, once.

A result waits in the transient store until a login takes it, for an hour at most. It may be bound
to one citizen; then the logins of others leave it alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from idp.accounts.repository import Accounts
from idp.core import personal_number
from idp.core.handles import digest
from idp.core.personal_number import PersonalNumber
from idp.core.records import Record
from idp.storage.fresh import Fresh
from idp.storage.transient import Delete, Get, Link, Members, Put, Take, TransientStore, Unlink

TTL = 3_600
"""Seconds that a result waits for its login."""
MAX_SECONDS = 10
"""The slowest answer, in seconds."""
ANYBODY = "*"
_WAITING = "sandbox-waiting"

Stage: TypeAlias = Literal["authorize", "token"]
STAGES: tuple[Stage, ...] = ("authorize", "token")

RESULTS: Mapping[str, Stage] = {
    "access_denied": "authorize",
    "login_required": "authorize",
    "temporarily_unavailable": "authorize",
    "server_error": "authorize",
    "unmet_authentication_requirements": "authorize",
    "expired_code": "token",
    "level_too_low": "token",
    "missing_claim": "token",
    "revoked_card": "token",
    "slow_answer": "token",
    "key_rotated": "token",
    "wrong_nonce": "token",
    "wrong_audience": "token",
    "wrong_issuer": "token",
    "expired_id_token": "token",
    "bad_signature": "token",
}
"""Every result, and the answer that it changes: the authorization or the token response."""

_CLAIM = re.compile(r"[a-z][a-z0-9_]{0,63}")


class InvalidForced(ValueError):
    """Not a result that can be forced; ``field`` is the member that is wrong, the text says why."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Forced(Record):
    """One forced result.

    ``citizen`` is a personal number, ``""`` for anybody; ``claim`` the one that is left out;
    ``seconds`` how slow the answer is.
    """

    result: str
    citizen: str = ""
    claim: str = ""
    seconds: int = 0

    @property
    def stage(self) -> Stage:
        """The answer that it changes."""
        return RESULTS[self.result]

    def dump(self) -> dict[str, Any]:
        """The members that say something, as JSON."""
        return {name: value for name, value in Record.dump(self).items() if value}


def parse(given: Mapping[str, Any]) -> Forced:
    """The result that a form or a JSON object asks for. Unknown members are ignored.

    Raises:
        InvalidForced: a member is missing or wrong.
    """
    result = str(given.get("result") or "")
    if result not in RESULTS:
        raise InvalidForced("result", f"must be one of {', '.join(RESULTS)}")
    claim = str(given.get("claim") or "") if result == "missing_claim" else ""
    if result == "missing_claim" and not _CLAIM.fullmatch(claim):
        raise InvalidForced("claim", "must be the name of the claim to leave out")
    seconds = _seconds(given.get("seconds", 5)) if result == "slow_answer" else 0
    return Forced(result, _citizen(given.get("citizen") or ""), claim, seconds)


def _citizen(given: Any) -> str:
    try:
        number = personal_number.parse(str(given)) if given else None
    except ValueError:
        number = given
    if number is not None and not isinstance(number, PersonalNumber):
        raise InvalidForced("citizen", "must be a personal number of 12 digits")
    return number.digits if number else ""


def _seconds(given: Any) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MAX_SECONDS):
        raise InvalidForced("seconds", f"must be a whole number from 1 to {MAX_SECONDS}")
    return int(text)


class ForcedResults:
    """Which clients have a result that waits, as a process knows it: nothing is asked for others.

    A view that :class:`idp.storage.processes.Refresher` keeps fresh.
    """

    def __init__(self, transient: TransientStore) -> None:
        self._transient = transient
        self._view = Fresh(self._load, frozenset[str]())

    def refresh(self) -> None:
        """Read them again.

        Raises:
            Unavailable: the store does not answer.
        """
        self._view.refresh()

    def _load(self, _: frozenset[str]) -> frozenset[str]:
        waiting = Members(_WAITING)
        self._transient.run(waiting)
        return waiting.value

    def take(self, client_id: str, stage: Stage, account_id: str | None) -> Forced | None:
        """Use up what waits for this login: see :func:`take`."""
        if client_id not in self._view.value:
            return None
        return take(self._transient, client_id, stage, account_id)


def force(transient: TransientStore, accounts: Accounts, client_id: str, forced: Forced) -> None:
    """Let the next login of a client end so, instead of what waited for it before.

    Raises:
        InvalidForced: nobody has an account with this number.
    """
    who = ANYBODY
    if forced.citizen:
        account = accounts.by_number(PersonalNumber(forced.citizen))
        if account is None:
            raise InvalidForced("citizen", "is no citizen of the sandbox")
        who = account.id
    slot = f"{forced.stage}:{who}"
    transient.run(
        Put(_key(client_id, slot), forced.dump(), TTL),
        Link(_index(client_id), slot, TTL),
        Link(_WAITING, client_id, TTL),
    )


def take(
    transient: TransientStore, client_id: str, stage: Stage, account_id: str | None
) -> Forced | None:
    """Use up what waits for this login: what is meant for its citizen, or else for anybody.

    Without ``account_id``, who logs in is not known yet.
    """
    for who in (account_id, ANYBODY):
        if who is None:
            continue
        slot = f"{stage}:{who}"
        taken, _ = transient.run(Take(_key(client_id, slot)), Unlink(_index(client_id), slot))
        if taken.value is not None:
            _leave(transient, client_id)
            return Forced.read(taken.value)
    return None


def _leave(transient: TransientStore, client_id: str) -> None:
    """Where nothing waits for the client any more, nothing is asked for it any more."""
    (slots,) = transient.run(Members(_index(client_id)))
    if slots:
        return
    _, slots = transient.run(Unlink(_WAITING, client_id), Members(_index(client_id)))
    if slots:  # one was forced meanwhile
        transient.run(Link(_WAITING, client_id, TTL))


def pending(transient: TransientStore, client_id: str) -> tuple[Forced, ...]:
    """What waits for the next login of a client."""
    (slots,) = transient.run(Members(_index(client_id)))
    found = transient.run(*(Get(_key(client_id, slot)) for slot in sorted(slots))) if slots else ()
    return tuple(filter(None, map(Forced.read, found)))


def clear(transient: TransientStore, client_id: str) -> None:
    """Forget what waits for a client."""
    (slots,) = transient.run(Members(_index(client_id)))
    transient.run(Unlink(_WAITING, client_id), *_forget(client_id, slots))


def _forget(client_id: str, slots: frozenset[str]) -> Iterator[Delete | Unlink]:
    for slot in slots:
        yield Delete(_key(client_id, slot))
        yield Unlink(_index(client_id), slot)


def _key(client_id: str, slot: str) -> str:
    return f"sandbox-next:{{{digest(client_id)}}}:{slot}"


def _index(client_id: str) -> str:
    return f"sandbox-pending:{{{digest(client_id)}}}"

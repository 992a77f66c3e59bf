"""The one check: whether anything that a use stands on was ended."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.standing import subjects
from idp.standing.revocations import Revocations
from idp.standing.subjects import Subject


class Ended(Exception):
    """What was given may no longer be used; ``reason`` is for the audit log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Authority:
    """What a session, a grant or a token stands on. What is empty is not part of it.

    ``flow`` names the grant. ``issued_at`` is when the client was given it and ``since`` when the
    citizen was authenticated (epoch seconds): a revocation ends what is older. ``cards`` are the
    chip keys that proved the session.
    """

    account_id: str = ""
    session_id: str = ""
    client_id: str = ""
    flow: str = ""
    issued_at: int = 0
    since: int = 0
    cards: tuple[str, ...] = ()


def check(revocations: Revocations, authority: Authority) -> None:
    """Return when nothing of ``authority`` was ended. No store is asked.

    Flows, session ids and chip keys are never given again, so any revocation of one counts.

    Raises:
        Ended: something was.
        Unavailable: it is not known.
    """
    revoked = revocations.is_revoked
    if authority.flow and revoked(subjects.grant(authority.flow), 0):
        raise Ended("grant_revoked")
    if authority.account_id:
        _check_citizen(revoked, authority)
    for each in authority.cards:
        if revoked(subjects.card(each), 0):
            raise Ended("card_revoked")


def _check_citizen(revoked: Callable[[Subject, int], bool], authority: Authority) -> None:
    account_id, session_id, client_id = (
        authority.account_id,
        authority.session_id,
        authority.client_id,
    )
    if client_id and revoked(subjects.consent(account_id, client_id), authority.issued_at):
        raise Ended("consent_withdrawn")
    if session_id and revoked(subjects.session(session_id), 0):
        raise Ended("session_revoked")
    if client_id and revoked(subjects.membership(session_id, client_id), authority.issued_at):
        raise Ended("left_this_client")
    if revoked(subjects.account(account_id), authority.since):
        raise Ended("account_revoked")

"""The one check: each thing that a use stands on, ended by itself and in no other."""

from dataclasses import replace

import pytest

from idp.core.clock import NODE_SKEW, FixedClock
from idp.standing import subjects
from idp.standing.check import Authority, Ended, check
from idp.standing.revocations import Revocations
from idp.standing.subjects import Subject
from idp.storage.database import Database

NOW = 1_800_000_000
AUTHORITY = Authority(
    account_id="a",
    session_id="s",
    client_id="portal",
    flow="f",
    issued_at=NOW,
    since=NOW,
    cards=("old", "c"),
)
ENDS = {
    "grant_revoked": subjects.grant("f"),
    "consent_withdrawn": subjects.consent("a", "portal"),
    "session_revoked": subjects.session("s"),
    "left_this_client": subjects.membership("s", "portal"),
    "account_revoked": subjects.account("a"),
    "card_revoked": subjects.card("c"),
}
OTHERS = (
    subjects.grant("g"),
    subjects.token("access:{f}:x"),
    subjects.consent("a", "other"),
    subjects.consent("b", "portal"),
    subjects.session("t"),
    subjects.membership("s", "other"),
    subjects.account("b"),
    subjects.card("d"),
)


@pytest.fixture
def revocations(database: Database) -> Revocations:
    return Revocations(database, FixedClock(NOW))


@pytest.mark.parametrize(("reason", "subject"), ENDS.items(), ids=list(ENDS))
def test_whatever_it_stands_on_ends_it(
    revocations: Revocations, reason: str, subject: Subject
) -> None:
    check(revocations, AUTHORITY)
    revocations.revoke(subject, expires_at=NOW + 9)
    with pytest.raises(Ended, match=reason):
        check(revocations, AUTHORITY)


def test_what_it_does_not_stand_on_changes_nothing(revocations: Revocations) -> None:
    for each in OTHERS:
        revocations.revoke(each, expires_at=NOW + 9)
    check(revocations, AUTHORITY)


@pytest.mark.parametrize("reason", ["consent_withdrawn", "left_this_client", "account_revoked"])
def test_what_was_given_later_stands(revocations: Revocations, reason: str) -> None:
    revocations.revoke(ENDS[reason], expires_at=NOW + 9)
    later = NOW + NODE_SKEW + 1
    check(revocations, replace(AUTHORITY, issued_at=later, since=later))


def test_subjects_that_share_a_kind_have_different_names() -> None:
    named = [*ENDS.values(), *OTHERS]
    assert len(set(named)) == len(named)

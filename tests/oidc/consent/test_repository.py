"""Consents in the database, on SQLite and PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from idp.audit.events import ConsentGiven
from idp.audit.log import AuditLog
from idp.audit.reading import tail
from idp.core.clock import NODE_SKEW, FixedClock
from idp.oidc.consent.model import Consent
from idp.oidc.consent.repository import Consents
from idp.standing import subjects
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from idp.storage.database import Database

CONSENT = Consent(
    account_id="x",
    client_id="portal",
    purpose_version="2",
    granted=frozenset({"name", "pid"}),
    refused=frozenset({"gender"}),
    text_digest="d",
    locale="en",
    level=2,
    given_at=1_800_000_000,
)


@pytest.fixture
def revocations(database: Database, clock: FixedClock) -> Revocations:
    return Revocations(database, clock)


@pytest.fixture
def consents(database: Database, revocations: Revocations, clock: FixedClock) -> Consents:
    ends = Ends(AuditLog(database, b"k" * 32, clock), revocations)
    return Consents(database, ends, clock, keep_ttl=43_200)


def test_the_last_answer_counts_and_every_one_is_kept(consents: Consents) -> None:
    later = replace(CONSENT, granted=frozenset({"name"}), given_at=CONSENT.given_at + 5)
    assert consents.find("x", "portal") is None
    consents.add(CONSENT)
    consents.add(later)
    consents.add(replace(CONSENT, client_id="other"))
    assert consents.find("x", "portal") == later
    assert consents.find("y", "portal") is None
    assert consents.of_account("x") == (replace(CONSENT, client_id="other"), later, CONSENT)


def test_of_two_answers_to_one_form_one_is_kept_and_told(
    consents: Consents, database: Database, clock: FixedClock
) -> None:
    audit = AuditLog(database, b"k" * 32, clock)
    start = threading.Barrier(4)

    def add(follows: int) -> bool:
        start.wait(10)
        given = ConsentGiven(claims=("name",), purpose="1")
        return audit.write(given, beside=(consents.row(CONSENT, follows=follows),))

    for _ in range(3):
        known = consents.find("x", "portal")
        with ThreadPoolExecutor(4) as pool:
            kept = list(pool.map(add, [known.id if known else 0] * 4))
        assert kept.count(True) == 1
    assert len(consents.of_account("x")) == 3
    told = [each["event"] for each in tail(database, 10)]
    assert told == ["WriterStarted", *["ConsentGiven"] * 3]
    assert audit.write(beside=(consents.row(replace(CONSENT, account_id="y"), follows=0),))


@pytest.mark.attack("Q12")
def test_Q12_a_withdrawal_is_kept_and_ends_what_was_issued(
    consents: Consents, revocations: Revocations, database: Database, clock: FixedClock
) -> None:
    subject = subjects.consent("x", "portal")
    consents.add(CONSENT)
    clock.advance(10)
    assert not revocations.is_revoked(subject, clock())
    assert consents.withdraw("x", "portal")
    assert consents.find("x", "portal") == replace(CONSENT, withdrawn_at=clock())
    assert revocations.is_revoked(subject, CONSENT.given_at)
    assert not revocations.is_revoked(subject, clock() + NODE_SKEW + 1)
    assert not consents.withdraw("x", "portal")
    assert not consents.withdraw("x", "other")
    assert [each["event"] for each in tail(database, 9)] == ["WriterStarted", "ConsentWithdrawn"]

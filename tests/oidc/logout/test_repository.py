"""The outbox on SQLite and PostgreSQL: what is due, who holds it, what is forgotten."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import psycopg
import pytest

from idp.audit.events import SessionEnded
from idp.audit.log import AuditLog
from idp.audit.repository import latest
from idp.core.clock import FixedClock
from idp.oidc.logout.delivery import LIFETIME, DeliveryState, Message, abandoned, delivered, failed
from idp.oidc.logout.repository import (
    KEPT_DELIVERED,
    KEPT_GIVEN_UP,
    LEASE,
    Outbox,
)
from idp.standing import subjects
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from idp.storage.beside import Beside
from idp.storage.database import Database
from idp.storage.used import AlreadyUsed, Use, use_beside


@pytest.fixture
def outbox(database: Database, clock: FixedClock) -> Outbox:
    return Outbox(database, clock)


def store(database: Database, rows: Iterable[Beside]) -> None:
    with database.direct().begin() as transaction:
        for each in rows:
            transaction.run(each.statement, **each.values)


def put(outbox: Outbox, database: Database, *clients: str, session: str = "s") -> None:
    messages = [Message(each, session, f"sub-at-{each}", "sid") for each in clients]
    store(database, outbox.rows(messages))


def due(outbox: Outbox, *without: str) -> tuple[str, ...]:
    return outbox.due(without=without, limit=10)


def test_messages_revocation_and_record_are_stored_together_once_or_not_at_all(
    outbox: Outbox, database: Database, clock: FixedClock
) -> None:
    audit, revocations = AuditLog(database, b"k" * 32, clock), Revocations(database, clock)
    ends, subject = Ends(audit, revocations), subjects.session("s")
    ended, until = SessionEnded(session_id="s", reason="test"), clock() + 9
    once = use_beside(Use("end", "s", "", until))

    nameless = outbox.rows([replace(Message("portal", "s", "sub", "sid"), sub=cast(str, None))])
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        ends.end(subject, ended, expires_at=until, first=once, rows=nameless)
    assert not outbox.listed(None, None)
    assert not revocations.is_revoked(subject, 0)
    assert not latest(database, 9)

    rows = outbox.rows([Message("portal", "s", "sub", "sid")])
    ends.end(subject, ended, expires_at=until, first=once, rows=rows)
    assert revocations.is_revoked(subject, 0)
    with pytest.raises(AlreadyUsed):
        ends.end(subject, ended, expires_at=until, first=once, rows=rows)
    (found,) = outbox.listed(None, None)
    assert found.message == Message("portal", "s", "sub", "sid")
    assert (found.state, found.tries, found.next_try_at) == (DeliveryState.WAITING, 0, clock())
    events = [json.loads(each.entry)["event"] for each in latest(database, 9)]
    assert events == ["WriterStarted", "SessionEnded"]


def test_a_session_without_relying_parties_writes_nothing(
    outbox: Outbox, database: Database
) -> None:
    put(outbox, database)
    assert not outbox.listed(None, None)


def test_who_is_due_the_longest_first(
    outbox: Outbox, database: Database, clock: FixedClock
) -> None:
    put(outbox, database, "late")
    clock.advance(-10)
    put(outbox, database, "early", "early")
    clock.advance(10)
    assert due(outbox) == ("early", "late")
    assert due(outbox, "early") == ("late",)
    assert outbox.due(without=(), limit=1) == ("early",)
    clock.advance(-1)
    assert due(outbox) == ("early",)


def test_a_claim_holds_for_its_lease(outbox: Outbox, database: Database, clock: FixedClock) -> None:
    put(outbox, database, "portal", "portal", "portal")
    first = outbox.claim("portal", 2)
    assert [each.tries for each in first] == [0, 0]
    second = outbox.claim("portal", 2)
    assert len({each.id for each in (*first, *second)}) == 3
    assert outbox.claim("portal", 2) == ()
    assert due(outbox) == ()
    clock.advance(LEASE)  # whoever held them died
    assert len(outbox.claim("portal", 9)) == 3


def test_many_nodes_never_hold_the_same_message(outbox: Outbox, database: Database) -> None:
    put(outbox, database, *(["portal"] * 60))
    start, held = threading.Barrier(4), Counter[int]()

    def work() -> None:
        start.wait(10)
        while claimed := outbox.claim("portal", 7):
            held.update(each.id for each in claimed)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(held) == 60
    assert set(held.values()) == {1}


def test_what_was_settled_is_read_back(
    outbox: Outbox, database: Database, clock: FixedClock
) -> None:
    put(outbox, database, "a", "b", session="one")
    put(outbox, database, "a", session="two")
    (a, _), (b,) = outbox.claim("a", 9), outbox.claim("b", 9)
    outbox.settle(delivered(a, "200"))
    outbox.settle(failed(b, "deadline", now=clock(), jitter=0))
    found = {each.message.client_id: each for each in outbox.of_session("one")}
    assert found == {
        "a": replace(a, state=DeliveryState.DELIVERED, tries=1, last_status="200"),
        "b": replace(b, tries=1, last_status="deadline", next_try_at=clock() + 5),
    }
    assert [each.message.session for each in outbox.listed("a", DeliveryState.WAITING)] == ["two"]
    assert len(outbox.listed("a", None)) == 2
    assert len(outbox.listed(None, DeliveryState.WAITING)) == 2


def test_what_was_not_tried_is_given_back(outbox: Outbox, database: Database) -> None:
    put(outbox, database, "portal", "portal")
    claimed = outbox.claim("portal", 9)
    outbox.release(claimed)
    assert [each.id for each in outbox.claim("portal", 9)] == [each.id for each in claimed]


def test_what_was_put_off_is_woken(outbox: Outbox, database: Database, clock: FixedClock) -> None:
    put(outbox, database, "portal", "other")
    for each in (*outbox.claim("portal", 9), *outbox.claim("other", 9)):
        outbox.settle(failed(each, "500", now=clock(), jitter=0))
    assert due(outbox) == ()
    outbox.wake("portal")
    assert due(outbox) == ("portal",)


def test_an_operator_has_what_was_given_up_tried_again(outbox: Outbox, database: Database) -> None:
    put(outbox, database, "portal", "portal")
    lost, told = outbox.claim("portal", 9)
    outbox.settle(abandoned(lost, "no_address"))
    outbox.settle(delivered(told, "200"))
    assert outbox.retry(lost.id)
    assert [each.id for each in outbox.claim("portal", 9)] == [lost.id]
    assert not outbox.retry(told.id)
    assert not outbox.retry(99_999)


@pytest.mark.attack("M14")
def test_M14_the_outbox_is_bounded_and_the_oldest_go_first(
    database: Database, clock: FixedClock
) -> None:
    outbox = Outbox(database, clock, most_waiting=100)
    put(outbox, database, *(["dead"] * 1_000), "alive")
    assert outbox.tidy() == 900
    kept = outbox.listed("dead", DeliveryState.WAITING)
    gone = outbox.listed("dead", DeliveryState.GIVEN_UP)
    assert len(kept) == 100
    assert min(each.id for each in kept) > max(each.id for each in gone)
    assert {each.last_status for each in gone} == {"too_many"}
    assert len(outbox.listed("alive", DeliveryState.WAITING)) == 1
    assert outbox.tidy() == 0


def test_time_ends_what_was_never_tried_and_forgets_what_has_ended(
    outbox: Outbox, database: Database, clock: FixedClock
) -> None:
    put(outbox, database, "told", "dead")
    outbox.settle(delivered(outbox.claim("told", 1)[0], "200"))
    clock.advance(LIFETIME)
    assert outbox.tidy() == 0
    clock.advance(1)
    assert outbox.tidy() == 1
    (dead,) = outbox.listed("dead", DeliveryState.GIVEN_UP)
    assert (dead.last_status, dead.tries) == ("expired", 0)
    clock.advance(KEPT_DELIVERED)
    outbox.tidy()
    assert {each.message.client_id for each in outbox.listed(None, None)} == {"dead"}
    clock.advance(KEPT_GIVEN_UP)
    outbox.tidy()
    assert not outbox.listed(None, None)

"""The audit log: durable, chained, free of personal data."""

import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import fields

import pytest
from sqlalchemy import delete, insert, text, update

from idp.audit import events, repository
from idp.audit.chain import Finding, verify
from idp.audit.log import AuditLog, pseudonym, source_prefix
from idp.audit.reading import export, find, of_client, tail
from idp.audit.repository import ENTRIES, HEADS, heads
from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.storage.database import Database, metadata, open_database

KEY = b"k" * 32
NOW = 1_800_000_000


@pytest.fixture
def audit(database: Database, clock: FixedClock) -> AuditLog:
    return AuditLog(database, KEY, clock)


def _write(audit: AuditLog, count: int) -> None:
    for number in range(count):
        audit.write(events.ConsentDenied(flow=f"flow{number}", client_id="portal"))


def test_an_entry_says_what_happened_and_to_whom_only_by_pseudonym(
    audit: AuditLog, database: Database
) -> None:
    event = events.TokenIssued(
        flow="f",
        client_id="portal",
        account_id="acc-1",
        grant_type="refresh_token",
        kinds=("access_token", "id_token"),
        acr="urn:vn:eid:level:2",
    )
    audit.write(event, peer="203.0.113.77")
    (entry,) = tail(database, 1)
    assert entry.pop("id")
    assert entry == {
        "at": NOW,
        "event": "TokenIssued",
        "flow": "f",
        "client_id": "portal",
        "pseudonym": pseudonym(KEY, "acc-1", 2027),
        "source": "203.0.113.0/24",
        "grant_type": "refresh_token",
        "kinds": ["access_token", "id_token"],
        "acr": "urn:vn:eid:level:2",
    }
    assert "acc-1" not in json.dumps(tail(database, 10))


def test_a_pseudonym_is_of_one_account_year_and_key() -> None:
    this = pseudonym(KEY, "acc-1", 2027)
    assert this == pseudonym(KEY, "acc-1", 2027)
    others = [
        pseudonym(KEY, "acc-2", 2027),
        pseudonym(KEY, "acc-1", 2028),
        pseudonym(b"j" * 32, "acc-1", 2027),
    ]
    assert this not in others
    assert len(this) == 22


@pytest.mark.parametrize(
    ("peer", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff:4::5", "2001:db8:1:200::/56"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_an_address_is_kept_as_its_network(peer: str, prefix: str) -> None:
    assert source_prefix(peer) == prefix


def test_events_of_one_call_are_stored_together(audit: AuditLog, database: Database) -> None:
    audit.write()
    assert tail(database, 10) == []
    audit.write(events.ConsentDenied(), events.CodeNotSent(reason="no-recipient"))
    names = [each["event"] for each in tail(database, 10)]
    assert names == ["WriterStarted", "ConsentDenied", "CodeNotSent"]
    assert verify(database, KEY) is None


def test_concurrent_writers_keep_their_chains(database: Database, clock: FixedClock) -> None:
    logs = [AuditLog(database, KEY, clock) for _ in range(2)]
    start = threading.Barrier(16)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            start.wait(10)
            _write(logs[number % 2], 5)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert verify(database, KEY) is None
    assert len(tail(database, 1_000)) == 16 * 5 + 2
    assert sorted(each.number for each in heads(database)) == [41, 41]


def _run(database: Database, statement: object) -> None:
    with database.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _swap(database: Database) -> None:
    for number, to in ((3, 99), (4, 3), (99, 4)):
        _run(database, update(ENTRIES).where(ENTRIES.c.number == number).values(number=to))


def _copy_in(database: Database) -> None:
    with database.begin() as connection:
        row = connection.execute(ENTRIES.select().where(ENTRIES.c.number == 3)).one()
        connection.execute(
            insert(ENTRIES).values(writer=row.writer, number=7, entry=row.entry, mac=row.mac)
        )


TAMPERING: dict[str, tuple[Callable[[Database], None], int, str]] = {
    "edit": (
        lambda it: _run(
            it,
            update(ENTRIES)
            .where(ENTRIES.c.number == 3)
            .values(entry=text("replace(entry, 'portal', 'someone')")),
        ),
        3,
        "altered",
    ),
    "edit mac": (
        lambda it: _run(it, update(ENTRIES).where(ENTRIES.c.number == 3).values(mac="A" * 43)),
        3,
        "altered",
    ),
    "delete": (lambda it: _run(it, delete(ENTRIES).where(ENTRIES.c.number == 3)), 3, "missing"),
    "delete first": (
        lambda it: _run(it, delete(ENTRIES).where(ENTRIES.c.number == 1)),
        1,
        "missing",
    ),
    "reorder": (_swap, 3, "altered"),
    "insert": (_copy_in, 7, "altered"),
    "truncate": (
        lambda it: _run(it, delete(ENTRIES).where(ENTRIES.c.number > 4)),
        5,
        "truncated",
    ),
    "truncate and lower the head": (
        lambda it: (
            _run(it, delete(ENTRIES).where(ENTRIES.c.number > 4)),
            _run(it, update(HEADS).values(number=4)),
        )[0],
        4,
        "head",
    ),
    "remove the head": (lambda it: _run(it, delete(HEADS)), 0, "head"),
}


@pytest.mark.attack("Q14")
@pytest.mark.parametrize("name", TAMPERING)
def test_Q14_tampering_is_found(audit: AuditLog, database: Database, name: str) -> None:
    tamper, number, problem = TAMPERING[name]
    _write(audit, 5)
    writer = heads(database)[0].writer
    assert verify(database, KEY) is None
    tamper(database)
    assert verify(database, KEY) == Finding(writer, number, problem)


@pytest.mark.attack("Q14")
def test_Q14_a_writer_that_is_gone_is_missed_by_its_successor(
    database: Database, clock: FixedClock
) -> None:
    _write(AuditLog(database, KEY, clock), 3)
    _write(AuditLog(database, KEY, clock), 1)
    first, second = (each.writer for each in heads(database))
    assert verify(database, KEY) is None
    _run(database, delete(ENTRIES).where(ENTRIES.c.writer == first))
    _run(database, delete(HEADS).where(HEADS.c.writer == first))
    assert verify(database, KEY) == Finding(second, 1, "writer-missing")


@pytest.mark.attack("Q14")
def test_Q14_an_older_genuine_state_is_missed_by_its_successor(
    database: Database, clock: FixedClock
) -> None:
    audit = AuditLog(database, KEY, clock)
    _write(audit, 2)
    (old,) = heads(database)
    _write(audit, 2)
    _write(AuditLog(database, KEY, clock), 1)
    successor = heads(database)[1].writer
    writer = ENTRIES.c.writer == old.writer
    _run(database, delete(ENTRIES).where(writer, ENTRIES.c.number > old.number))
    restored = update(HEADS).where(HEADS.c.writer == old.writer)
    _run(database, restored.values(number=old.number, seal=old.seal))
    assert verify(database, KEY) == Finding(successor, 1, "writer-missing")


def test_another_key_verifies_nothing(audit: AuditLog, database: Database) -> None:
    _write(audit, 1)
    finding = verify(database, b"j" * 32)
    assert finding is not None
    assert finding.problem == "altered"


def test_export_is_one_object_a_line(audit: AuditLog, database: Database) -> None:
    audit.write(*(events.ConsentDenied(flow=f"flow{number}") for number in range(1_100)))
    stream = io.StringIO()
    assert export(database, stream) == 1_101
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["number"] for each in lines] == list(range(1, 1_102))
    assert lines[-1]["entry"]["flow"] == "flow1099"
    assert verify(database, KEY) is None


_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN RAISE EXCEPTION USING ERRCODE = ''53100''; END';
CREATE TRIGGER full_log BEFORE INSERT ON audit_entries EXECUTE FUNCTION full_disk();
"""


def test_what_releases_nothing_waits_for_what_does(audit: AuditLog, database: Database) -> None:
    audit.write(events.LoginStarted(flow="a"))
    audit.write(events.ProofAccepted(flow="a", method="otp", factor="possession"))
    assert tail(database, 10) == []
    audit.write(events.SessionStarted(flow="a", session_id="s", acr="x"))
    names = [each["event"] for each in tail(database, 10)]
    assert names == ["WriterStarted", "LoginStarted", "ProofAccepted", "SessionStarted"]
    audit.write(events.CodeSent(flow="b"))
    until = time.monotonic() + 10
    while len(tail(database, 10)) < 5:  # it does not wait for ever
        assert time.monotonic() < until
        time.sleep(0.01)
    assert verify(database, KEY) is None


def test_a_process_that_ends_in_order_loses_nothing(audit: AuditLog, database: Database) -> None:
    audit.write(events.LoginStarted(flow="a"))
    audit.close()
    assert [each["event"] for each in tail(database, 10)] == ["WriterStarted", "LoginStarted"]


@pytest.mark.attack("U06")
def test_U06_while_the_log_cannot_be_written_nothing_waits_and_nothing_is_lost(
    postgres_url: str, clock: FixedClock
) -> None:
    database = open_database(postgres_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    audit = AuditLog(database, KEY, clock)
    _run(database, text(_FULL))
    audit.write(events.LoginStarted(flow="a"))
    with pytest.raises(Unavailable, match="audit"):
        audit.flush()
    with pytest.raises(Unavailable, match="audit"):
        audit.write(events.LoginStarted(flow="b"))
    _run(database, text("DROP TRIGGER full_log ON audit_entries"))
    audit.flush()
    assert [each.get("flow") for each in tail(database, 10)] == [None, "a"]
    audit.write(events.LoginStarted(flow="c"))
    audit.close()
    assert [each.get("flow") for each in tail(database, 10)] == [None, "a", "c"]
    assert verify(database, KEY) is None
    database.close()


@pytest.mark.attack("U06")
def test_U06_what_cannot_be_recorded_is_refused_and_it_heals(
    postgres_url: str, clock: FixedClock
) -> None:
    database = open_database(postgres_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    audit = AuditLog(database, KEY, clock)
    _write(audit, 2)
    _run(database, text(_FULL))
    with pytest.raises(Unavailable, match="audit"):
        audit.write(events.TokenRevoked(kind="refresh_token"))
    assert len(tail(database, 10)) == 3
    _run(database, text("DROP TRIGGER full_log ON audit_entries"))
    _write(audit, 1)
    assert verify(database, KEY) is None
    assert [each["event"] for each in tail(database, 2)] == ["WriterStarted", "ConsentDenied"]
    database.close()


def test_no_event_has_room_for_personal_data() -> None:
    forbidden = {"number", "name", "phone", "email", "address", "code_value", "token", "cookie"}
    kinds = [each for each in vars(events).values() if isinstance(each, type)]
    assert len(kinds) > 15
    for kind in kinds:
        assert forbidden.isdisjoint(field.name for field in fields(kind)), kind


def test_an_entry_is_found_by_the_reference_of_a_refusal(
    audit: AuditLog, database: Database
) -> None:
    for reference in ("AbcdefghijkL", "abcdefghijkl"):
        audit.write(
            events.TokenRefused(error="invalid_grant", reason="unknown_code", reference=reference)
        )
    _write(audit, 3)
    assert [each["reference"] for each in find(database, "abcdefghijkl")] == ["abcdefghijkl"]
    assert find(database, "nobody-has-it") == []
    assert find(database, "%") == []


def test_a_clients_entries_are_those_that_name_it_and_no_others(
    audit: AuditLog, database: Database
) -> None:
    forged = 'x","client_id":"portal'
    audit.write(
        events.ClientAuthenticationFailed(client_id="clinic", reason=forged, seen=forged),
        events.ConsentDenied(client_id="portal", flow="1"),
        events.ConsentDenied(client_id="portal2", flow="2"),
        events.ConsentDenied(client_id="portal", flow="3"),
    )
    assert [each["flow"] for each in of_client(database, "portal", within=100)] == ["1", "3"]
    assert [each["flow"] for each in of_client(database, "portal", within=1)] == ["3"]


def test_entries_are_found_over_the_border_of_what_is_read_at_once(
    audit: AuditLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_WINDOW", 2)
    _write(audit, 7)
    found = of_client(database, "portal", within=1_000)
    assert [each["flow"] for each in found] == [f"flow{number}" for number in range(7)]

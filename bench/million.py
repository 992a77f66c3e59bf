"""``python -m bench.million``: a login beside a million revocations and a million live sessions.

Starts the provider twice with SQLite and an embedded Valkey of its own, once over empty stores and
once over full ones, and compares the CPU time of the server for each login and its memory.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.revocations import fill
from bench.targets import log_in, ours
from idp.core.assurance import Factor
from idp.core.clock import system_clock
from idp.login.authentication import Authentication
from idp.login.session import Session, session_key, sessions_of_key
from idp.storage.database import open_database
from idp.storage.embedded import EmbeddedValkey
from idp.storage.redis import RedisStore
from idp.storage.transient import Link, Put

BATCH = 500
WARM_UP = 5
DAY = 24 * 3600
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of the server's CPU for each login, and MiB that it holds (PSS)."""

    cpu_ms: float
    pss_mib: float


def main() -> int:
    """Measure both, print both."""
    parser = argparse.ArgumentParser(prog="python -m bench.million", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="revocations, and sessions")
    parser.add_argument("--logins", type=int, default=200)
    asked = parser.parse_args()
    print("| live revocations and sessions | CPU of a login, ms | memory (PSS), MiB |")
    print("|---|--:|--:|", flush=True)
    found = {rows: measure(rows, asked.logins) for rows in (0, asked.rows)}
    for rows, each in found.items():
        print(f"| {rows:,} | {each.cpu_ms:.2f} | {each.pss_mib:.0f} |")
    print(f"\nCPU of a login: {found[asked.rows].cpu_ms / found[0].cpu_ms - 1:+.1%}")
    return 0


def measure(rows: int, logins: int) -> Measured:
    """What a login costs beside ``rows`` revocations and as many sessions."""
    with tempfile.TemporaryDirectory() as name, ours(Path(name), workers=1) as target:
        state = Path(name) / "var"
        _say(f"storing {rows:,} revocations and sessions …")
        database = open_database(f"sqlite:///{state / 'idp.db'}")
        try:
            fill(database, rows)
            _fill_sessions(EmbeddedValkey(state / "valkey").start(), rows)
        finally:
            database.close()
        issuer = f"http://{target.host}:{target.port}"
        _wait_until_idle(target.pid)
        for _ in range(WARM_UP):
            log_in(issuer)
        _say(f"{logins} logins …")
        before = _cpu(target.pid)
        for _ in range(logins):
            log_in(issuer)
        spent = _cpu(target.pid) - before
        return Measured(spent / logins * 1000, _pss(target.pid))


def _fill_sessions(url: str, count: int) -> None:
    """Sessions as logins leave them: the record, and its place among its account's."""
    store, now = RedisStore(url), system_clock()
    for first in range(0, count, BATCH):
        operations: list[Put | Link] = []
        for number in range(first, min(first + BATCH, count)):
            session = _session(f"{number:011d}", f"{number:022d}", now)
            operations.append(Put(session_key(session.id), session, DAY))
            operations.append(Link(sessions_of_key(session.account_id), session.id, DAY))
        store.run(*operations)
    store.close()


def _session(name: str, account_id: str, now: int) -> Session:
    proof = Authentication("otp", Factor.POSSESSION, ("otp", "sms"), account_id, now)
    return Session(name, "s" * 43, account_id, (proof,), now, now, 900, now + DAY)


def _wait_until_idle(pid: int) -> None:
    """Until the server has read what was stored: it spends next to nothing then."""
    while True:
        before = _cpu(pid)
        time.sleep(2)
        if _cpu(pid) - before < 0.1:
            return


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has spent."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def _pss(pid: int) -> float:
    """MiB of memory of a process, what it shares counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the kernel tells no PSS")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

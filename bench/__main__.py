"""``make bench``: how many a second, and how long the slow ones take, beside a peer."""

import argparse
import base64
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.load import Connection, Result, WrongAnswer, drive
from bench.targets import (
    CLIENT,
    REDIRECT,
    SECRET,
    VERIFIER,
    WORKERS,
    NotStarted,
    Target,
    ours,
    peer,
    request,
)

FORM = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode(),
}
WARM_UP = 0.5
Step = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One step at both: how often a second, and milliseconds that 95 of 100 take at most."""

    step: str
    per_second: float
    p95_ms: float
    peer_per_second: float
    peer_p95_ms: float

    @property
    def ratio(self) -> float:
        """How often here for once at the peer."""
        return self.per_second / self.peer_per_second


def main() -> int:
    """Measure, print, stop."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run of one step")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each, in turn")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    asked = parser.parse_args()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as directory,
            ours(Path(directory)) as mine,
            peer(Path(directory)) as other,
        ):
            _tell((_row(name, mine, other, asked) for name in STEPS), asked)
    except (NotStarted, WrongAnswer, OSError) as error:
        print(f"The benchmark ended early: {error}", file=sys.stderr)
        return 1
    return 0


def discovery(target: Target) -> Step:
    """GET the metadata."""
    return _get("/.well-known/openid-configuration", b'"issuer"')


def jwks(target: Target) -> Step:
    """GET the keys."""
    return _get(target.path("jwks_uri"), b'"keys"')


def client_credentials(target: Target) -> Step:
    """POST a token request of the relying party for itself."""
    path, form = target.path("token_endpoint"), b"grant_type=client_credentials"

    def step(connection: Connection) -> None:
        _tokens(connection, path, form, "access_token")

    return step


def code_flow(target: Target) -> Step:
    """A browser that is logged in comes by for a code, and the relying party redeems it."""

    def step(connection: Connection) -> None:
        _log_in(connection, target)

    return step


def userinfo(target: Target) -> Step:
    """GET UserInfo with a token of a citizen."""
    connection = Connection(target.host, target.port)
    token = _log_in(connection, target)["access_token"]
    connection.close()
    return _get(target.path("userinfo_endpoint"), b'"sub"', {"Authorization": f"Bearer {token}"})


STEPS: Mapping[str, Callable[[Target], Step]] = {
    "discovery": discovery,
    "jwks": jwks,
    "token (client_credentials)": client_credentials,
    "code flow (SSO, 2 requests)": code_flow,
    "userinfo": userinfo,
}


def _get(path: str, wanted: bytes, headers: Mapping[str, str] | None = None) -> Step:
    def step(connection: Connection) -> None:
        answer = connection.ask("GET", path, headers)
        if answer.status != 200 or wanted not in answer.body:
            raise WrongAnswer(f"{path}: {answer.status} {answer.body[:200]!r}")

    return step


def _log_in(connection: Connection, target: Target) -> dict[str, str]:
    path = f"{target.path('authorization_endpoint')}?{urlencode(request(prompt='none'))}"
    answer = connection.ask("GET", path, {"Cookie": target.cookies})
    returned = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    if "code" not in returned:
        said = returned or answer.body[:200]
        raise WrongAnswer(f"authorize at {target.name}: {answer.status} {said!r}")
    form = {
        "grant_type": "authorization_code",
        "code": returned["code"][0],
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return _tokens(connection, target.path("token_endpoint"), urlencode(form).encode(), "id_token")


def _tokens(connection: Connection, path: str, form: bytes, wanted: str) -> dict[str, str]:
    answer = connection.ask("POST", path, FORM, form)
    said: dict[str, str] = json.loads(answer.body) if answer.status == 200 else {}
    if wanted not in said:
        raise WrongAnswer(f"{path}: {answer.status} {answer.body[:200]!r}")
    return said


def _row(name: str, mine: Target, other: Target, asked: argparse.Namespace) -> Row:
    found = {mine.name: Result(), other.name: Result()}
    steps = {each.name: STEPS[name](each) for each in (mine, other)}
    for seconds in (WARM_UP, *[asked.seconds] * asked.rounds):
        for each in (mine, other):  # in turn, so that what else this machine does meets both
            address = (each.host, each.port)
            run = drive(steps[each.name], address, connections=asked.connections, seconds=seconds)
            if seconds != WARM_UP:
                found[each.name].add(run)
    ours_, theirs = found[mine.name], found[other.name]
    return Row(
        name,
        round(ours_.per_second, 1),
        round(1000 * ours_.percentile(0.95), 2),
        round(theirs.per_second, 1),
        round(1000 * theirs.percentile(0.95), 2),
    )


def _tell(rows: Iterator[Row], asked: argparse.Namespace) -> None:
    if asked.format == "json":
        print(json.dumps([_members(each) for each in rows], indent=2))
        return
    print(f"{'':<28}{'idp':>10}{'p95 ms':>9}{'peer':>10}{'p95 ms':>9}{'ratio':>8}", flush=True)
    for each in rows:
        print(
            f"{each.step:<28}{each.per_second:>10,.0f}{each.p95_ms:>9.1f}"
            f"{each.peer_per_second:>10,.0f}{each.peer_p95_ms:>9.1f}{each.ratio:>8.2f}",
            flush=True,
        )
    print(
        f"A second, over {asked.connections} connections on this machine.\n"
        f"idp: {WORKERS} processes, audit log on disk before each answer, Valkey beside it.\n"
        "peer: npm's oidc-provider, one process, everything in its memory."
    )


def _members(row: Row) -> dict[str, str | float]:
    return {
        "step": row.step,
        "per_second": row.per_second,
        "p95_ms": row.p95_ms,
        "peer_per_second": row.peer_per_second,
        "peer_p95_ms": row.peer_p95_ms,
        "ratio": round(row.ratio, 3),
    }


if __name__ == "__main__":
    sys.exit(main())

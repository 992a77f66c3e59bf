"""``idp check``: everything a deployment depends on, one line each."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click

from idp.authn.card import trust
from idp.authn.card.trust import InvalidTrust
from idp.cli.context import Context, NotReady
from idp.cli.output import format_option, show
from idp.core.errors import Unavailable
from idp.keystore.file import InvalidKeyStore, load
from idp.registry.repository import Registry
from idp.settings import InvalidSettings
from idp.storage.schema import status

CLOCK_TOLERANCE = 10
"""Seconds that an ID token may lie in the future for relying parties."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, its result and the detail to print."""

    name: str
    good: bool
    detail: str


@click.command()
@format_option
@click.pass_context
def check(context: click.Context, form: str) -> None:
    """Check configuration, stores, keys, clock and trust anchors; exit 1 on any failure.

    Changes nothing. May start an embedded Valkey for the check.
    """
    obj: Context = context.obj
    findings = [_find("configuration", lambda: _configuration(obj))]
    if findings[0].good:
        looks = {
            "database": _database,
            "redis": _redis,
            "keys": _keys,
            "clock": _clock,
            "trust anchors": _trust,
            "registry": _registry,
        }
        findings += [
            _find(name, lambda look=look: look(obj))  # type: ignore[misc]
            for name, look in looks.items()
        ]
    lines = (f"{'ok  ' if each.good else 'FAIL'} {each.name}: {each.detail}" for each in findings)
    show([asdict(each) for each in findings], form, lines)
    context.exit(0 if all(each.good for each in findings) else 1)


def _find(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except InvalidSettings as error:
        return Finding(name, False, " ".join(error.problems))
    except (Unavailable, InvalidKeyStore, InvalidTrust, NotReady, OSError) as error:
        return Finding(name, False, str(error))


def _configuration(obj: Context) -> str:
    settings = obj.settings
    kind = "production" if settings.production else "sandbox" if settings.sandbox else "development"
    return f"{settings.issuer}, {kind}"


def _database(obj: Context) -> str:
    database = obj.bare_database
    found = status(database)
    if not found.upgraded:
        raise NotReady(f"schema {found.current or 'empty'}: idp database upgrade")
    return f"{database.dialect}, schema {found.current}"


def _redis(obj: Context) -> str:
    obj.transient.ping()
    return "answers" if obj.settings.redis.url else "embedded Valkey answers"


def _keys(obj: Context) -> str:
    found = load(obj.settings.keys.directory)
    for alg in ("ES256", "RS256"):
        found.signer(alg)
    return f"{len(found.keys)} keys, ES256 and RS256 sign"


def _clock(obj: Context) -> str:
    """This clock dates keys and tokens: it must not be earlier than the newest key."""
    now = obj.clock()
    try:
        newest = max(each.since for each in load(obj.settings.keys.directory).keys)
    except (InvalidKeyStore, ValueError):
        newest = 0  # the keys' own line reports it
    if now < newest - CLOCK_TOLERANCE:
        raise NotReady(f"{newest - now} s earlier than the newest key")
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))


def _trust(obj: Context) -> str:
    found = trust.load(*obj.settings.trust_directories)
    if not found.anchors and obj.settings.production:
        raise NotReady("no trust anchors: every chip card is refused")
    return f"{len(found.anchors)} certificates, {len(found.revocation_lists)} revocation lists"


def _registry(obj: Context) -> str:
    if obj.settings.registry.source == "http":
        return f"{obj.settings.registry.url}"
    real = Registry(obj.bare_database, obj.clock).holds_real_numbers()
    if real and obj.settings.sandbox:
        raise NotReady("a sandbox must not hold a person with a real province code")
    return "own copy" + ("" if real else ", invented citizens only")

"""When keys change: a pure plan, and its application.

A key is published ``publish_ahead`` before it signs, signs for ``period``, and stays published
``keep_retired`` after. Between two rotations nothing that was signed ever fails to verify.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from idp.keystore.keyset import ENCRYPTION_ALGS, Key, KeySet, KeyState, generate

DAY = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds. ``publish_ahead`` is at least how long relying parties may cache the JWK set;
    ``keep_retired`` at least how long the longest-lived thing we sign is accepted.
    """

    algs: tuple[str, ...] = ("ES256", "RS256", *ENCRYPTION_ALGS)
    publish_ahead: int = DAY
    period: int = 90 * DAY
    keep_retired: int = DAY


@dataclass(frozen=True, slots=True)
class Generate:
    """Make a new key in this state."""

    alg: str
    state: KeyState


@dataclass(frozen=True, slots=True)
class Promote:
    """The next key signs from now on; the current one retires."""

    kid: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Publish and keep the key no longer."""

    kid: str


Action: TypeAlias = Generate | Promote | Remove


def plan(keys: KeySet, now: int, policy: Policy, *, due: bool = False) -> tuple[Action, ...]:
    """What is to be done now; nothing when all is in order. ``due``: do not wait for the period.

    A next key that was not published long enough is never promoted, due or not.
    """
    actions: list[Action] = [
        Remove(each.kid)
        for each in keys.keys
        if each.state == KeyState.RETIRED and now - each.since >= policy.keep_retired
    ]
    for alg in policy.algs:
        actions += _plan_one(keys, alg, now, policy, due=due)
    return tuple(actions)


def plan_revocation(keys: KeySet, kid: str) -> tuple[Action, ...]:
    """Remove a key that is no longer trusted; the next one takes over at once, known or not.

    Raises:
        LookupError: there is no such key.
    """
    key = next((each for each in keys.keys if each.kid == kid), None)
    if key is None:
        raise LookupError("there is no such key")
    if key.state == KeyState.RETIRED:
        return (Remove(kid),)
    if key.state == KeyState.NEXT:
        return (Remove(kid), Generate(key.alg, KeyState.NEXT))
    waiting = keys.find(key.alg, KeyState.NEXT)
    successor: Action = Promote(waiting[0].kid) if waiting else Generate(key.alg, KeyState.CURRENT)
    return (Remove(kid), successor, Generate(key.alg, KeyState.NEXT))


def apply(
    keys: KeySet,
    actions: Sequence[Action],
    now: int,
    make: Callable[[str, KeyState, int], Key] = generate,
) -> KeySet:
    """The keys after ``actions``."""
    found = {each.kid: each for each in keys.keys}
    for action in actions:
        match action:
            case Generate(alg, state):
                fresh = make(alg, state, now)
                found[fresh.kid] = fresh
            case Remove(kid):
                del found[kid]
            case Promote(kid):
                promoted = found[kid]
                for each in tuple(found.values()):
                    if (each.alg, each.state) == (promoted.alg, KeyState.CURRENT):
                        found[each.kid] = each.become(KeyState.RETIRED, now)
                found[kid] = promoted.become(KeyState.CURRENT, now)
    return KeySet(tuple(found.values()))


def _plan_one(keys: KeySet, alg: str, now: int, policy: Policy, *, due: bool) -> list[Action]:
    current, waiting = keys.find(alg, KeyState.CURRENT), keys.find(alg, KeyState.NEXT)
    if not current:  # nobody can have cached anything yet
        first: Action = Promote(waiting[0].kid) if waiting else Generate(alg, KeyState.CURRENT)
        return [first, Generate(alg, KeyState.NEXT)]
    if not waiting:
        return [Generate(alg, KeyState.NEXT)]
    known = now - waiting[0].since >= policy.publish_ahead
    if known and (due or now - current[0].since >= policy.period):
        return [Promote(waiting[0].kid), Generate(alg, KeyState.NEXT)]
    return []

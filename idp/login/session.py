"""The citizen's session at the provider: single sign-on across clients.

The record stands under the session's id, which never leaves the server; the cookie is a handle of
the same flow whose secret changes at every change of privilege. Idle time is judged by
``seen_at``; the record itself lives until the absolute end, because refresh tokens hang on it.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.core import assurance
from idp.core.handles import Handle, b64url, digest, equal
from idp.core.records import Record
from idp.login.authentication import Authentication, factors_of
from idp.login.whereabouts import Whereabouts
from idp.standing.check import Authority

COOKIE = "eid_session"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds a session may rest (``idle``) and live (``absolute``), by the level it reached.

    NIST SP 800-63B-4 §2: a stronger session is no longer than a weaker one.
    """

    idle: Mapping[int, int]
    absolute: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Session(Record):
    """A citizen who proved who they are. ``secret`` is the digest of the cookie's secret.

    ``agent`` and ``network`` are where it was last used (:mod:`idp.login.whereabouts`), ``moves``
    how often that changed.
    """

    id: str
    secret: str
    account_id: str
    authentications: tuple[Authentication, ...]
    started_at: int
    seen_at: int
    idle_ttl: int
    expires_at: int
    agent: str = ""
    network: str = ""
    moves: int = 0

    @property
    def level(self) -> int:
        """The level of all the authentications together."""
        return assurance.level(factors_of(self.authentications))

    @property
    def cards(self) -> tuple[str, ...]:
        """The keys of the chips that proved it: with such a card the session ends."""
        return tuple(each.credential for each in self.authentications if each.credential)

    @property
    def authority(self) -> Authority:
        """What it stands on. Account revocations since its start end it."""
        return Authority(
            account_id=self.account_id,
            session_id=self.id,
            since=self.started_at,
            cards=self.cards,
        )

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it was last used."""
        return Whereabouts(self.agent, self.network)

    def at(self, here: Whereabouts) -> "Session":
        """The session, used from ``here`` from now on; unknown parts change nothing."""
        now = Whereabouts(here.agent or self.agent, here.network or self.network)
        moves = self.moves + (now != self.whereabouts)
        return replace(self, agent=now.agent, network=now.network, moves=moves)

    def lives(self, now: int) -> bool:
        """Whether tokens of this session may still be used (absolute end)."""
        return now < self.expires_at

    def awake(self, now: int) -> bool:
        """Whether the browser may still use it without a new login (idle and absolute)."""
        return self.lives(now) and now < self.seen_at + self.idle_ttl

    def belongs_to(self, cookie: Handle) -> bool:
        """Whether ``cookie`` is this session's present cookie."""
        return equal(self.secret, digest(cookie.secret))


def session_key(session_id: str) -> str:
    """Where the session is kept."""
    return f"session:{{{session_id}}}"


def sessions_of_key(account_id: str) -> str:
    """The set of an account's session ids."""
    return f"sessions:{{{account_id}}}"


def relying_party_sid(key: bytes, session_id: str, client_id: str) -> str:
    """The ``sid`` one client sees: different at each client, so that nothing links them."""
    message = f"sid\x00{session_id}\x00{client_id}".encode()
    return b64url(hmac.digest(key, message, "sha256")[:16])


def advance(
    session: Session | None,
    proofs: tuple[Authentication, ...],
    *,
    now: int,
    lifetimes: Lifetimes,
) -> tuple[Session, Handle]:
    """The session after new ``proofs``, and its new cookie (rotated: a privilege changed).

    A session of another account is left behind; one of the same account keeps its id, its start
    and its absolute end, and the newest authentication of each method.
    """
    account_id = proofs[0].account_id
    kept = session if session and session.account_id == account_id else None
    by_method = {each.method: each for each in (kept.authentications if kept else ()) + proofs}
    authentications = tuple(by_method.values())
    level = assurance.level(factors_of(authentications))
    cookie = Handle.new(kept.id if kept else None)
    started_at = kept.started_at if kept else now
    fresh = Session(
        id=cookie.flow,
        secret=digest(cookie.secret),
        account_id=account_id,
        authentications=authentications,
        started_at=started_at,
        seen_at=now,
        idle_ttl=lifetimes.idle[level],
        expires_at=started_at + lifetimes.absolute[level],
    )
    if kept:
        fresh = replace(fresh, expires_at=min(kept.expires_at, fresh.expires_at))
        fresh = replace(fresh, agent=kept.agent, network=kept.network, moves=kept.moves)
    return fresh, cookie

"""Clients' public keys: RFC 7591 §2 ``jwks`` and ``jwks_uri``, rotation OIDC Core §10.1.1.

Keys at a URI are fetched if they are old, or if a JWT names an unknown ``kid``, but only after a
cool-down since the last try, so that invented key ids cause no calls.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from idp.core.clock import Clock
from idp.core.errors import Unavailable
from idp.core.strict_json import loads_object
from idp.jose.jwk import JwkSet, parse_jwk_set
from idp.oidc.clients.model import Client
from idp.outbound.client import OutboundClient, OutboundError

MAX_AGE = 10 * 60
"""Seconds after which keys are fetched again."""
MAX_STALE = 24 * 3600
"""Seconds for which keys are used while they cannot be fetched."""
COOL_DOWN = 30
MAX_KEYS = 100
MAX_CLIENTS = 1_000
MAX_FETCHES = 4
"""Most threads of a process that may wait for clients' servers at a time."""
PATIENCE = 0.4
"""Seconds that a request waits for another request's fetch, or for a free thread."""
ACCEPT = "application/jwk-set+json, application/json"

_log = structlog.get_logger("idp.clients")


@dataclass(slots=True)
class _Fetched:
    """The last keys of one client's URI. Written under its lock, read without."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: JwkSet = field(default_factory=JwkSet)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")

    def holds(self, kid: str | None, now: int) -> bool:
        """Whether the keys are usable and include ``kid``."""
        if now - self.fetched_at >= MAX_STALE:
            return False
        return kid is None or any(each.kid == kid for each in self.keys.keys)

    def due(self, kid: str | None, now: int) -> bool:
        """Whether to fetch again."""
        wanted = now - self.fetched_at >= MAX_AGE or not self.holds(kid, now)
        return wanted and now - self.tried_at >= COOL_DOWN


class ClientKeys:
    """The public keys of clients. Thread-safe; one thread fetches for all."""

    def __init__(self, outbound: OutboundClient, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._lock = threading.Lock()
        self._fetched: OrderedDict[tuple[str, str], _Fetched] = OrderedDict()
        self._fetches = threading.BoundedSemaphore(MAX_FETCHES)

    def __len__(self) -> int:
        """How many clients' fetched keys are held."""
        return len(self._fetched)

    def of(self, client: Client) -> JwkSet:
        """The client's keys; empty if it has none, or if they cannot be fetched.

        Raises:
            Unavailable: too many requests wait for keys.
        """
        return self.find(client, None)

    def find(self, client: Client, kid: str | None) -> JwkSet:
        """The client's keys, fetched again if ``kid`` is unknown and a fetch is due.

        Raises:
            Unavailable: too many requests wait for keys.
        """
        if not client.jwks_uri:
            return parse_jwk_set(client.jwks) if client.jwks else JwkSet()
        fetched = self._entry(client)
        if fetched.due(kid, self._clock()):
            self._refresh(client, fetched, kid)
        stale = self._clock() - fetched.fetched_at >= MAX_STALE
        return JwkSet() if stale else fetched.keys

    def _entry(self, client: Client) -> _Fetched:
        key = client.client_id, client.jwks_uri
        with self._lock:
            found = self._fetched.setdefault(key, _Fetched())
            self._fetched.move_to_end(key)
            if len(self._fetched) > MAX_CLIENTS:
                self._fetched.popitem(last=False)
        return found

    def _refresh(self, client: Client, fetched: _Fetched, kid: str | None) -> None:
        """Fetch, or wait for the fetching thread; do not wait if the key is known."""
        known = fetched.holds(kid, self._clock())
        patience = 0 if known else PATIENCE
        if not self._in_turn(client, fetched, kid, patience) and not known:
            raise Unavailable("client keys", retry_after=1)

    def _in_turn(self, client: Client, fetched: _Fetched, kid: str | None, patience: float) -> bool:
        """Fetch unless another thread just did; False if no turn came in time."""
        if not fetched.lock.acquire(timeout=patience):
            return False
        try:
            if not fetched.due(kid, self._clock()):
                return True
            if not self._fetches.acquire(timeout=patience):
                return False
            try:
                self._fetch(client, fetched)
            finally:
                self._fetches.release()
        finally:
            fetched.lock.release()
        return True

    def _fetch(self, client: Client, fetched: _Fetched) -> None:
        try:
            body = self._outbound.get(client.jwks_uri, accept=ACCEPT)
            fetched.keys = parse_jwk_set(loads_object(body), most=MAX_KEYS)
            fetched.fetched_at = self._clock()
        except OutboundError as error:
            _log.warning("no client keys", client_id=client.client_id, reason=error.reason)
        except ValueError:
            _log.warning("no client keys", client_id=client.client_id, reason="not_a_jwk_set")
        finally:
            fetched.tried_at = self._clock()

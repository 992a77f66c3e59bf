"""Delivery of logout tokens from the outbox: Back-Channel Logout 1.0 §2.5 and §2.7.

Runs in a process of its own. One thread at a time delivers to a relying party. A circuit breaker
pauses one that does not answer, so that it delays only its own messages.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from urllib.parse import urlencode

import structlog

from idp.core.clock import Clock
from idp.core.errors import Unavailable
from idp.keystore.file import KeyStore
from idp.oidc.clients.encryption import sealed
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.logout.delivery import Delivery, DeliveryState, Message, abandoned, delivered, failed
from idp.oidc.logout.repository import Outbox
from idp.oidc.logout.token import logout_token
from idp.outbound.breaker import Breaker
from idp.outbound.client import OutboundClient, OutboundError
from idp.web import metrics
from idp.web.http import FORM

THREADS = 16
BATCH = 10
"""Messages claimed for one relying party at a time."""
POLL = 0.5
TIDY = 60.0
FAILURES, PAUSE = 3, 30.0
"""After so many tries without an answer, deliveries to a client pause for so many seconds."""
TAKEN = ("200", "204")  # §2.8; frameworks answer 204 to an empty body
_log = structlog.get_logger()


class NoAnswer(Unavailable):
    """A relying party cannot be notified now; ``status`` is the reason, for the operator."""

    def __init__(self, status: str) -> None:
        super().__init__("relying party")
        self.status = status


class Courier:
    """Delivers due messages. One per process; build it in the process that runs it."""

    def __init__(
        self,
        outbox: Outbox,
        clients: ClientCache,
        keys: KeyStore,
        outbound: OutboundClient,
        *,
        clock: Clock,
        issuer: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._clients = clients
        self._keys = keys
        self._outbound = outbound
        self._client_keys = ClientKeys(outbound, clock)
        self._clock = clock
        self._issuer = issuer
        self._monotonic = monotonic
        self._pool = ThreadPoolExecutor(THREADS, "logout")
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._failing: dict[str, Breaker] = {}
        self._stopping = threading.Event()
        self._more = threading.Event()

    def run(self, stopping: threading.Event) -> None:
        """Deliver until ``stopping`` is set; running deliveries end by their deadlines."""
        tidied = -TIDY
        while not stopping.is_set():
            with suppress(Unavailable):  # the outbox keeps the messages
                if self._monotonic() - tidied >= TIDY:
                    tidied = self._monotonic()
                    metrics.LOGOUTS.labels("given_up").inc(self._outbox.tidy())
                self._hand_out()
            self._more.wait(POLL)
            self._more.clear()
        self.close()

    def once(self) -> int:
        """Deliver everything that is due now; returns the number of tried messages."""
        tried = 0
        while started := self._hand_out():
            wait(started)
            tried += sum(each.result() for each in started if each.exception() is None)
        return tried

    def close(self) -> None:
        """Start no more deliveries."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hand_out(self) -> list[Future[int]]:
        """Start a thread for each relying party with due messages, up to the free threads."""
        with self._lock:
            free = THREADS - len(self._busy)
            skipped = self._busy | {name for name, each in self._failing.items() if _open(each)}
        if free <= 0:
            return []
        started: list[Future[int]] = []
        for client_id in self._outbox.due(without=skipped, limit=free):
            client = self._clients.get(client_id)
            with self._lock:
                self._busy.add(client_id)
            future = self._pool.submit(self._serve, client_id, client)
            future.add_done_callback(partial(_report, client_id))
            started.append(future)
        return started

    def _serve(self, client_id: str, client: Client | None) -> int:
        """Deliver due messages to one relying party while it answers; returns their number."""
        tried = 0
        try:
            claimed = list(self._outbox.claim(client_id, BATCH))
            while claimed and not self._stopping.is_set():
                if _open(self._breaker(client_id)):
                    break
                self._outbox.settle(self._deliver(claimed.pop(0), client))
                tried += 1
            if claimed:
                self._outbox.release(claimed)
            return tried
        finally:
            with self._lock:
                self._busy.discard(client_id)
            self._more.set()

    def _deliver(self, delivery: Delivery, client: Client | None) -> Delivery:
        """Try one message; returns its new state."""
        if client is None or not client.active or not client.backchannel_logout_uri:
            return _counted(abandoned(delivery, "no_address"))
        breaker = self._breaker(client.client_id)
        try:
            with breaker.guard():
                token = self._token(client, delivery.message)
                status = self._post(client.backchannel_logout_uri, token)
        except NoAnswer as error:
            status = error.status
            with self._lock:
                self._failing[client.client_id] = breaker
        else:
            self._answers(client.client_id)
        if status in TAKEN:
            return _counted(delivered(delivery, status))
        jitter = random.uniform(-1, 1)  # noqa: S311 -- spreads load, keeps no secret
        return _counted(failed(delivery, status, now=self._clock(), jitter=jitter))

    def _token(self, client: Client, message: Message) -> str:
        """The signed logout token; encrypted if the client's ID tokens are (§2.6)."""
        signer = self._keys.signer(client.id_token_signed_response_alg)
        token = logout_token(signer, message, issuer=self._issuer, now=self._clock())
        try:
            return sealed(self._client_keys, client, "id_token", token)
        except Unavailable as error:
            raise NoAnswer("no_key") from error

    def _post(self, uri: str, token: str) -> str:
        body = urlencode({"logout_token": token}).encode()
        try:
            status = self._outbound.post(uri, body, content_type=FORM)
        except OutboundError as error:
            raise NoAnswer(error.reason) from error
        if status == 429 or status >= 500:
            raise NoAnswer(str(status))
        return str(status)

    def _breaker(self, client_id: str) -> Breaker:
        with self._lock:
            known = self._failing.get(client_id)
        return known or Breaker(
            client_id, failures=FAILURES, pause=PAUSE, monotonic=self._monotonic
        )

    def _answers(self, client_id: str) -> None:
        """After a relying party answers again, its delayed messages are due at once."""
        with self._lock:
            recovered = self._failing.pop(client_id, None)
        if recovered is not None:
            self._outbox.wake(client_id)


def _open(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except Unavailable:
        return True
    return False


def _counted(delivery: Delivery) -> Delivery:
    result = "failed" if delivery.state is DeliveryState.WAITING else delivery.state.value
    metrics.LOGOUTS.labels(result).inc()
    return delivery


def _report(client_id: str, future: Future[int]) -> None:
    """Log a failure of the outbox or the keys; the messages are due again after their lease."""
    if future.cancelled() or (error := future.exception()) is None:
        return
    _log.error("logout delivery interrupted", client_id=client_id, kind=type(error).__name__)

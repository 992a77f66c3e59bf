"""Ping: notifying a client that its request was decided (CIBA Core §10.2).

Sent once, in the background. The citizen's page does not wait for it, and a failed notification is
not repeated: the client can poll as well.
"""

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from idp.audit.events import ClientNotified
from idp.audit.log import AuditLog
from idp.core.errors import Unavailable
from idp.outbound.client import OutboundClient, OutboundError

WAITING = 200
THREADS = 4


class Pings:
    """Sends notifications in its own threads, started by the first one (after any fork)."""

    def __init__(
        self,
        outbound: OutboundClient,
        audit: AuditLog,
        *,
        waiting: int = WAITING,
        threads: int = THREADS,
    ) -> None:
        self._outbound = outbound
        self._audit = audit
        self._room = threading.Semaphore(waiting)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ping")
        self._log = structlog.get_logger("idp.ciba")

    def send(self, client_id: str, endpoint: str, *, token: str, auth_req_id: str) -> None:
        """Queue one notification; if the queue is full, log it as not sent."""
        if not self._room.acquire(blocking=False):
            self._log.warning("ping_not_sent", client_id=client_id, reason="too_many")
            return
        body = json.dumps({"auth_req_id": auth_req_id}).encode()
        sending = self._threads.submit(self._send, client_id, endpoint, token, body)
        sending.add_done_callback(self._sent)

    def close(self) -> None:
        """Send the queued notifications, then stop the threads."""
        self._threads.shutdown()

    def _send(self, client_id: str, endpoint: str, token: str, body: bytes) -> None:
        try:
            status = self._outbound.post(
                endpoint,
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {token}"},
            )
            outcome = str(status)
        except OutboundError as error:
            outcome = error.reason
        try:
            self._audit.write(ClientNotified(client_id=client_id, outcome=outcome))
        except Unavailable as error:
            self._log.warning("ping_not_recorded", dependency=error.dependency, outcome=outcome)

    def _sent(self, sending: Future[None]) -> None:
        self._room.release()
        sending.result()  # the pool logs an unexpected exception

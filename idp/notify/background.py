"""Texts sent behind the answer's back: its timing never tells whether there was one to send."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from idp.core.errors import Unavailable
from idp.notify.sender import Sender

WAITING = 200
THREADS = 8


class BackgroundSender:
    """Hands texts to ``sender`` in threads of its own, begun by the first text (after any fork)."""

    def __init__(self, sender: Sender, *, waiting: int = WAITING, threads: int = THREADS) -> None:
        self._sender = sender
        self._room = threading.Semaphore(waiting)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="notify")
        self._log = structlog.get_logger("notify")

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Queue the text. Whether it was sent in the end is in the log, not in the answer."""
        if not self._room.acquire(blocking=False):
            raise Unavailable("sms")
        sending = self._threads.submit(self._send, phone, text, reference)
        sending.add_done_callback(self._sent)

    def check(self) -> None:
        """Raise Unavailable when the queue is full or the sender would not try."""
        if not self._room.acquire(blocking=False):
            raise Unavailable("sms")
        self._room.release()
        self._sender.check()

    def close(self) -> None:
        """Send what waits, which a breaker makes short when the gateway is down; then let go."""
        self._threads.shutdown()
        self._sender.close()

    def _send(self, phone: str, text: str, reference: str) -> None:
        try:
            self._sender.send(phone, text, reference=reference)
        except Unavailable as error:
            self._log.warning("text_not_sent", dependency=error.dependency, flow=reference)

    def _sent(self, sending: Future[None]) -> None:
        self._room.release()
        sending.result()  # what nobody foresaw is logged by the pool

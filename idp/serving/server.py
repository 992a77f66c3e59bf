"""One process's server: threads that share one epoll, each working on a request from end to end.

A thread reads a request, calls the application, writes the answer and takes the next event, so
that no request changes threads. Of ``threads + 1`` threads at most ``threads`` are inside the
application: one is always there to read, to answer what asks no store (``light``), and to refuse
what is too much. Slow senders and slow readers hold a connection, never a thread.
"""

import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import structlog

from idp.serving.admission import Admission
from idp.serving.answer import Answer
from idp.serving.connection import WANTS, Connection, Phase
from idp.serving.limits import Limits
from idp.serving.message import CERTIFICATE, BadMessage, Message

Application: TypeAlias = Callable[[dict[str, Any]], Answer]
"""Answers a request, given as a WSGI environment."""
Refuse: TypeAlias = Callable[[int, bool], Answer]
"""The answer to a request that the application is not asked about: by status, and over TLS."""
SWEEP_SECONDS = 0.2
_ONCE = select.EPOLLONESHOT
_PHASES = {
    Phase.IDLE: "idle_seconds",
    Phase.HEAD: "head_seconds",
    Phase.BODY: "body_seconds",
    Phase.WRITING: "write_seconds",
}

_log = structlog.get_logger("idp.serving")


def _nothing_is_light(_: str) -> bool:
    return False


def _nothing() -> None:
    """Do nothing."""


class Server:
    """``app`` on ``listener``, from :meth:`start` to :meth:`close`.

    ``light`` names the paths that are answered beside all others. ``app``, ``light`` and ``tls``
    may be changed while it serves; what comes next uses them.
    """

    def __init__(
        self,
        app: Application,
        listener: socket.socket,
        refuse: Refuse,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        light: Callable[[str], bool] = _nothing_is_light,
    ) -> None:
        self.app = app
        self._listener = listener
        self._refuse = refuse
        self._limits = limits
        self.tls = tls
        self.light = light
        host, port = listener.getsockname()[:2]
        self._base = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http" if tls is None else "https",
            "wsgi.input_terminated": True,
            "wsgi.errors": None,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        self._connections: dict[int, Connection] = {}
        self._accepting_lock = threading.Lock()
        self._admission = Admission(limits)
        self._accepting = False
        self._stopped_at: float | None = None
        self._epoll = select.epoll()
        self._end = os.eventfd(0, os.EFD_NONBLOCK)
        self._threads = [
            threading.Thread(target=self._run, name=f"request-{number}", daemon=True)
            for number in range(limits.threads + 1)
        ]

    # From outside

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._epoll.register(self._end, select.EPOLLIN)
        self._accept_more()
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """Accept nothing more, and end every connection with its next answer."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()

    def sweep(self) -> None:
        """End what takes too long. Call it every :data:`SWEEP_SECONDS`."""
        now = time.monotonic()
        if self._stopped_at is not None and self._accepting:
            self._accept_no_more()
        elif not self._accepting and self._stopped_at is None:
            self._accept_more()
        for each in tuple(self._connections.values()):
            if self._is_late(each, now) and each.lock.acquire(blocking=False):
                try:
                    if self._is_late(each, now):
                        self._expire(each)
                finally:
                    each.lock.release()

    def wait(self, stop_seconds: float, tick: Callable[[], None] = _nothing) -> None:
        """Serve until :meth:`stop` was called and every connection has ended, or the time has.

        ``tick`` is called every :data:`SWEEP_SECONDS`.
        """
        while True:
            time.sleep(SWEEP_SECONDS)
            tick()
            self.sweep()
            if self._stopped_at is not None and (
                not self._connections or time.monotonic() - self._stopped_at > stop_seconds
            ):
                return

    def close(self) -> None:
        """End the threads and what connections are left."""
        self.stop()
        self.sweep()
        os.eventfd_write(self._end, 1)
        for each in self._threads:
            each.join(5)
        for connection in tuple(self._connections.values()):
            self._close(connection)
        self._epoll.close()
        os.close(self._end)
        self._listener.close()

    # Connections come and go

    def _accept_more(self) -> None:
        with self._accepting_lock:
            if not self._accepting and len(self._connections) < self._limits.connections:
                self._accepting = True
                self._epoll.register(self._listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)

    def _accept_no_more(self) -> None:
        """Once this returns, every connection that was accepted is among ours."""
        with self._accepting_lock:
            self._pause_accepting()

    def _pause_accepting(self) -> None:
        if self._accepting:
            self._accepting = False
            self._epoll.unregister(self._listener)

    def _accept(self) -> None:
        with self._accepting_lock:
            if not self._accepting:
                return
            try:
                plain, peer = self._listener.accept()
            except BlockingIOError:
                return  # another thread or process was faster
            except OSError as error:
                _log.warning("a connection cannot be accepted", reason=error.strerror or "")
                return self._pause_accepting()  # until the next sweep
            self._take_on(plain, peer[0])
            if len(self._connections) >= self._limits.connections:
                self._pause_accepting()

    def _take_on(self, plain: socket.socket, address: str) -> None:
        try:
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                plain = self.tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        except OSError:
            return plain.close()
        base = {**self._base, "REMOTE_ADDR": address}
        made = Connection(plain, base, time.monotonic() + self._limits.head_seconds)
        self._connections[made.fd] = made
        self._epoll.register(made.fd, select.EPOLLIN | _ONCE)

    def _close(self, connection: Connection) -> None:
        if not connection.closed:
            self._connections.pop(connection.fd, None)
            connection.close()

    def _is_late(self, connection: Connection, now: float) -> bool:
        if connection.waiting:
            return False
        stopped = self._stopped_at
        if stopped is not None and connection.phase is Phase.IDLE:
            return now > stopped + self._limits.grace_seconds
        return now > connection.deadline

    def _expire(self, connection: Connection) -> None:
        if connection.phase not in (Phase.HEAD, Phase.BODY):
            return self._close(connection)
        with suppress(OSError):
            connection.send(self._refuse(408, connection.secure).encode(close=True))
            connection.finish()
        self._close(connection)

    # A thread's work

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll(-1, 1):
                if fd == self._end:
                    return
                if fd == self._listener.fileno():
                    self._accept()
                elif fd in self._connections:
                    self._attend(self._connections[fd])

    def _attend(self, connection: Connection) -> None:
        """Do what can be done for a connection, then for those that wait for this thread."""
        following: Connection | None = connection
        while following is not None:
            with following.lock:
                following.waiting = False
                try:
                    if not following.closed:
                        self._advance(following)
                except OSError:  # the client is gone
                    self._close(following)
                permit, following.permit = following.permit, False
            following = self._admission.pass_on() if permit else None

    def _advance(self, connection: Connection) -> None:
        match connection.phase:
            case Phase.HANDSHAKE:
                try:
                    connection.handshake()
                except ssl.SSLWantWriteError:
                    return self._arm(connection, select.EPOLLOUT)
                except ssl.SSLWantReadError:
                    return self._arm(connection, select.EPOLLIN)
            case Phase.WRITING:
                if not connection.send():
                    return self._arm(connection, select.EPOLLOUT)
                if connection.ending:
                    return self._end_writing(connection)
            case _ if not connection.reader.messages and not self._read(connection):
                return None
        self._answer(connection)
        return None

    def _read(self, connection: Connection) -> bool:
        """Read what has come; whether to go on."""
        reader = connection.reader
        try:
            data = connection.receive()
            while data and connection.buffered():
                data += connection.receive()
        except WANTS:
            self._rearm(connection)
            return False
        if not data:
            self._close(connection)
            return False
        if connection.phase is Phase.LINGERING:
            self._arm(connection, select.EPOLLIN)
            return False
        try:
            reader.feed(data)
        except BadMessage as error:
            connection.refused = error.status
        if reader.expects_continue and not reader.messages:
            reader.expects_continue = False
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _answer(self, connection: Connection) -> None:
        """Answer what has come whole, in order, as far as the socket and the threads have room."""
        messages = connection.reader.messages
        while messages and not connection.unsent and not connection.ending:
            admitted = connection.permit or self.light(messages[0].environ["PATH_INFO"])
            outcome = admitted or self._admission.ask(connection)
            if outcome is None:
                return
            message = messages.popleft()
            answer = self._call(connection, message) if outcome else None
            self._send(connection, answer or self._refuse(503, connection.secure), message.close)
        if connection.refused and not messages and not connection.ending:
            self._send(connection, self._refuse(connection.refused, connection.secure), True)
        if connection.ending and not connection.unsent:
            return self._end_writing(connection)
        self._rearm(connection)

    def _call(self, connection: Connection, message: Message) -> Answer:
        """What the application answers; a failure is a 500 and told to the log."""
        if connection.secure:
            message.environ[CERTIFICATE] = connection.certificate()
        try:
            return self.app(message.environ)
        except Exception as error:  # the application failed to answer its own failure
            _log.error("the application failed", kind=type(error).__qualname__)
            return self._refuse(500, connection.secure)

    def _send(self, connection: Connection, answer: Answer, close: bool) -> None:
        connection.ending = close or self._stopped_at is not None
        connection.phase = Phase.IDLE
        try:
            data = answer.encode(close=connection.ending)
        except ValueError as error:  # it would be two answers, or none
            _log.error("the application's answer cannot be sent", reason=str(error))
            data = self._refuse(500, connection.secure).encode(close=connection.ending)
        connection.send(data)

    def _end_writing(self, connection: Connection) -> None:
        """Everything was written, and this was the last answer."""
        connection.finish()
        if not connection.reader.unread:
            return self._close(connection)
        connection.phase = Phase.LINGERING
        connection.deadline = time.monotonic() + self._limits.linger_seconds
        self._arm(connection, select.EPOLLIN)

    def _rearm(self, connection: Connection) -> None:
        """Wait for what the connection needs next, for as long as that may take."""
        reader = connection.reader
        if connection.unsent:
            phase = Phase.WRITING
        elif reader.idle:
            phase = Phase.IDLE
        else:
            phase = Phase.BODY if reader.in_body else Phase.HEAD
        if phase is Phase.IDLE or phase is not connection.phase:
            connection.phase = phase
            seconds: float = getattr(self._limits, _PHASES[phase])
            connection.deadline = time.monotonic() + seconds
        self._arm(connection, select.EPOLLOUT if connection.unsent else select.EPOLLIN)

    def _arm(self, connection: Connection, events: int) -> None:
        self._epoll.modify(connection.fd, events | _ONCE)

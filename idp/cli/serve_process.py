"""A serving process: the application behind our HTTP server.

``idp serve`` runs it in its own process, or starts this module once a worker.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idp.serving import heap, tls
from idp.serving.limits import Limits
from idp.serving.server import Server
from idp.serving.workers import READY

if TYPE_CHECKING:
    from idp.app import Application

THREADS = 8
STOP_SECONDS = 25.0
"""Time for open requests to end; with the rest of the stop under 30 s."""
OPEN_FILES = 8192
"""For each process; half of them for connections."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a serving process. The files are PEM."""

    threads: int = THREADS
    certificate: str | None = None
    private_key: str | None = None
    client_ca: str | None = None

    def dump(self) -> str:
        """As an argument of a worker."""
        return json.dumps(asdict(self))

    def limits(self) -> Limits:
        """The server's limits; as many connections as the open-file limit allows."""
        return replace(Limits(), threads=self.threads, connections=_connections())


def serve(
    listener: socket.socket, options: Options, build: "Callable[[], Application]", *, renews: bool
) -> None:
    """Answer requests until SIGTERM or SIGINT. ``renews``: SIGHUP builds the application anew.

    Raises:
        InvalidCertificate: the TLS files cannot be used.
    """
    from idp.web.front import refuse

    served, wanted = [build()], list[int]()
    context = _tls(options)
    server = Server(served[0].front.answer, listener, refuse, options.limits(), tls=context)
    server.light = served[0].front.is_light
    heap.keep_what_is_built()

    def tick() -> None:
        if renews and wanted:
            wanted.clear()
            _renew(server, served, build, options)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    signal.signal(signal.SIGHUP, lambda *_: wanted.append(1))
    try:
        server.start()
        server.wait(STOP_SECONDS, tick)
    finally:
        server.close()
        for each in served:
            each.close()


def _renew(
    server: Server,
    served: "list[Application]",
    build: "Callable[[], Application]",
    options: Options,
) -> None:
    """Serve with the current settings and files; the old application ends its requests."""
    import structlog

    try:
        fresh, context = build(), _tls(options)
    except Exception as error:  # on any error the old application keeps serving
        structlog.get_logger("idp.serving").error("not renewed", kind=type(error).__qualname__)
        return
    old = served[0]
    served[0] = fresh
    server.app, server.light, server.tls = fresh.front.answer, fresh.front.is_light, context
    heap.keep_what_is_built(anew=True)
    later = threading.Timer(STOP_SECONDS, old.close)
    later.daemon = True
    later.start()


def _tls(options: Options) -> Any:
    if options.certificate is None or options.private_key is None:
        return None
    authorities = Path(options.client_ca) if options.client_ca else None
    return tls.context(Path(options.certificate), Path(options.private_key), authorities)


def _connections() -> int:
    """Raise the open-file limit; the number of connections that a process may hold open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files // 2


def main() -> None:
    """A worker: its options, its listening socket and its pipe to the master are its arguments."""
    heap.use_one_arena()
    options, listener, ready = Options(**json.loads(sys.argv[1])), *map(int, sys.argv[2:])

    def build() -> "Application":
        from idp.app import create_app
        from idp.settings import load
        from idp.web import log

        settings = load()
        log.configure(settings.log_level)
        application = create_app(settings)
        os.write(ready, READY)  # connections wait in the master's socket until we accept them
        return application

    serve(socket.socket(fileno=listener), options, build, renews=False)


if __name__ == "__main__":
    main()

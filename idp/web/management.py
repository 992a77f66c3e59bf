"""Health and metrics for the operator, on an address of their own that is never public.

``/healthz``: this process lives. ``/readyz``: everything it needs answers; 503 and which does not
otherwise. ``/metrics``: Prometheus.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from idp.core.errors import Unavailable
from idp.web.metrics import CONTENT_TYPE

Check = Callable[[], None]
ALIASES = {"/health/live": "/healthz", "/health/ready": "/readyz"}
FRESH = 1.0
"""Seconds for which an answer about the dependencies is given again: probes must not load them."""


@dataclass(frozen=True, slots=True)
class DependencyState:
    """How one dependency is, and how long it took to say so."""

    name: str
    up: bool
    milliseconds: float

    def dump(self) -> dict[str, object]:
        """As JSON."""
        return {"name": self.name, "status": _word(self.up), "ms": self.milliseconds}


class Management:
    """What the management address answers. A check returns, or raises Unavailable or OSError."""

    def __init__(self, checks: Mapping[str, Check], metrics: Callable[[], bytes]) -> None:
        self.metrics = metrics
        self._checks = checks
        self._lock = threading.Lock()
        self._states: tuple[DependencyState, ...] = ()
        self._asked_at = float("-inf")

    def states(self) -> tuple[DependencyState, ...]:
        """Every dependency's state, at most a second old."""
        with self._lock:
            if time.monotonic() - self._asked_at >= FRESH:
                self._states = tuple(_state(*each) for each in self._checks.items())
                self._asked_at = time.monotonic()
            return self._states


class ManagementServer:
    """Serves a :class:`Management` from a thread of its own.

    Raises:
        OSError: the address cannot be used.
    """

    def __init__(self, address: tuple[str, int], management: Management) -> None:
        class Handler(_Handler):
            served = management

        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="management", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Management
    timeout = 5
    server_version = "idp"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        match ALIASES.get(path, path):
            case "/healthz":
                self._answer(200, b'{"status":"UP"}')
            case "/readyz":
                states = self.served.states()
                ready = all(each.up for each in states)
                said = {"status": _word(ready), "checks": [each.dump() for each in states]}
                self._answer(200 if ready else 503, json.dumps(said).encode())
            case "/metrics":
                self._answer(200, self.served.metrics(), CONTENT_TYPE)
            case _:
                self._answer(404, b'{"error":"not_found"}')

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes every few seconds are not worth a line."""


def _state(name: str, check: Check) -> DependencyState:
    began = time.perf_counter()
    try:
        check()
    except (Unavailable, OSError, HTTPException):
        up = False
    else:
        up = True
    return DependencyState(name, up, round((time.perf_counter() - began) * 1000, 1))


def _word(up: bool) -> str:
    return "UP" if up else "DOWN"

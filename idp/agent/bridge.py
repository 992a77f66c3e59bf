"""The bridge between the browser and the card reader on one machine.

It listens on the loopback address only and answers only requests that name it so (DNS rebinding);
a link starts nothing but a question, which the citizen answers by a click on the bridge's own
page. One exchange at a time; nothing is stored.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

import httpx

from idp.agent.exchange import OVER, AgentError, Opened, Reader, launch, present
from idp.agent.page import POLICY, page, question, said
from idp.core.handles import equal

PORT = 24730
MAX_FORM = 1024


@dataclass
class Bridge:
    """What the bridge serves: cards by the name the citizen knows them by."""

    origins: tuple[str, ...]
    readers: Mapping[str, Reader]
    client: httpx.Client
    port: int = PORT
    _asked: tuple[str, Opened] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def hosts(self) -> tuple[str, ...]:
        """The Host headers this bridge answers to."""
        return tuple(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    def ask(self, launch_token: str) -> tuple[str, Opened]:
        """Launch, and remember the question under a secret that the page's form carries."""
        opened = launch(self.client, self.origins, launch_token)
        with self._lock:
            self._asked = (secrets.token_urlsafe(24), opened)
            return self._asked

    def answer(self, secret: str, card: str) -> str:
        """The citizen said yes with ``card``: where to send the browser.

        Raises:
            AgentError: nobody asked, or the card was not accepted.
        """
        with self._lock:
            asked, self._asked = self._asked, None
        reader = self.readers.get(card)
        if asked is None or reader is None or not equal(asked[0], secret):
            raise AgentError(OVER)
        return present(self.client, asked[1], reader)

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until the process is stopped."""
        bridge = self

        class Handler(_Handler):
            served = bridge

        with ThreadingHTTPServer(("127.0.0.1", self.port), Handler) as server:
            ready()
            server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    """One request of the browser."""

    served: Bridge
    timeout = 10
    server_version = "idp-agent"
    sys_version = ""

    def do_GET(self) -> None:
        """``/start?launch_token=…``: ask the citizen."""
        url = urlsplit(self.path)
        token = parse_qs(url.query).get("launch_token", [""])[0]
        if not self._is_ours() or url.path != "/start" or not token:
            self._page(404, _NOT_FOUND, "")
            return
        try:
            secret, opened = self.served.ask(token)
        except AgentError as error:
            self._page(409, _REFUSED, said(error.vi, error.en))
            return
        asked = question(
            secret=secret,
            client_name=opened.client_name,
            origin=opened.origin,
            level=opened.acr.rpartition(":")[2],
            cards=self.served.readers,
        )
        self._page(200, _QUESTION, asked)

    def do_POST(self) -> None:
        """``/read``: the citizen's click."""
        length = int(self.headers.get("Content-Length") or 0)
        if not self._is_ours() or self.path != "/read" or not 0 < length <= MAX_FORM:
            self._page(404, _NOT_FOUND, "")
            return
        form = parse_qs(self.rfile.read(length).decode("ascii", "replace"))
        try:
            back = self.served.answer(form.get("secret", [""])[0], form.get("card", [""])[0])
        except AgentError as error:
            self._page(409, _REFUSED, said(error.vi, error.en))
            return
        self.send_response(303)
        self.send_header("Location", back)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the request line holds the launch token."""

    def _is_ours(self) -> bool:
        return self.headers.get("Host", "") in self.served.hosts()

    def _page(self, status: int, title: tuple[str, str], content: str) -> None:
        body = page(title, content)
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_NOT_FOUND = ("Không có trang này", "There is no such page")
_QUESTION = ("Đọc thẻ căn cước?", "Read the identity card?")
_REFUSED = ("Không đọc được thẻ", "The card could not be used")

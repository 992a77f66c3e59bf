"""A provider whose registration policy a test sets, and its callers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from idp.composition import METHODS
from idp.core.handles import digest
from idp.oidc.provider import endpoints
from idp.oidc.registration.model import Invitation
from idp.oidc.registration.repository import Registrations
from idp.oidc.settings import RegistrationSettings
from idp.web.http import Request, Response
from tests.oidc.world import World, body

CALLBACK = "https://library.example.vn/cb"
METADATA: dict[str, Any] = {"client_name": "Thư viện", "redirect_uris": [CALLBACK]}
"""The least that a client can register."""
TOKEN = "initial-access-token"


@dataclass
class Registrar:
    """The endpoints of registration, called as the edge would."""

    world: World
    records: Registrations = field(init=False)

    def __post_init__(self) -> None:
        self.records = Registrations(self.world.database, self.world.clock)
        services = self.world.services
        self.world.services = replace(services, desk=replace(services.desk, methods=METHODS))
        self.under(RegistrationSettings.sandbox())

    def under(self, settings: RegistrationSettings) -> None:
        """Set the policy."""
        services = self.world.services
        changed = replace(services.settings, registration=settings)
        self.world.services = replace(services, settings=changed)
        self.routes = {each.path: each.route for each in endpoints(self.world.services)}

    def invite(self, token: str = TOKEN, **members: Any) -> Invitation:
        """Let who has ``token`` register."""
        now = self.world.clock()
        made = Invitation("library", digest(token), (), 1, now, now + 3600)
        made = replace(made, **members)
        self.records.invite(made)
        return made

    def post(self, metadata: Any = METADATA, token: str = "", **how: Any) -> Response:
        """POST /register."""
        return self.routes["/register"].handler(_request("POST", "/register", metadata, token, how))

    def register(self, token: str = "", **members: Any) -> dict[str, Any]:
        """A registration that succeeds."""
        response = self.post({**METADATA, **members}, token)
        assert response.status == 201, response.body
        assert response.headers["Cache-Control"] == "no-store"
        return body(response)

    def call(
        self, method: str, client: dict[str, Any], metadata: Any = None, token: str | None = None
    ) -> Response:
        """Call the client's own endpoint, with its token unless another is given."""
        client_id = client["client_id"]
        token = client["registration_access_token"] if token is None else token
        request = _request(method, f"/register/{client_id}", metadata, token, {})
        return self.routes["/register/<client_id>"].handler(request, client_id=client_id)

    def change(self, client: dict[str, Any], **members: Any) -> Response:
        """PUT the client's metadata, as it is but for ``members``; None leaves one out."""
        own = {"client_id": client["client_id"], "client_secret": client.get("client_secret")}
        plain = {**METADATA, **own, **members}
        return self.call("PUT", client, {name: v for name, v in plain.items() if v is not None})


def _request(method: str, path: str, value: Any, token: str, how: dict[str, Any]) -> Request:
    headers = {"content-type": "application/json", **how.get("headers", {})}
    if token:
        headers["authorization"] = f"Bearer {token}"
    sent = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Request(method, path, headers=headers, peer="203.0.113.7", body=sent)


@pytest.fixture
def registrar(world: World) -> Registrar:
    """Open registration, as in the sandbox."""
    return Registrar(world)


@contextmanager
def serving(documents: dict[str, Any]) -> Iterator[str]:
    """A web server on this machine that has these JSON documents, by path; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            sent = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

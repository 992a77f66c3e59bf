"""TLS on our own connections, and the certificates of clients."""

import http.client
import json
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from idp.core.handles import b64url
from idp.serving.answer import Answer
from idp.serving.limits import Limits
from idp.serving.message import CERTIFICATE
from idp.serving.tls import InvalidCertificate, context
from tests.certificates import authority, der, issued, write
from tests.serving.test_server import listening


def whose(environ: dict[str, Any]) -> Answer:
    """Answer with the client's certificate and what else TLS tells."""
    shown = environ[CERTIFICATE]
    body = json.dumps([b64url(shown) if shown else None, environ["wsgi.url_scheme"]]).encode()
    return Answer("200 OK", [("Content-Length", str(len(body)))], body)


def client(ca: Path, shown: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(ca)
    made.check_hostname = False
    if shown is not None:
        made.load_cert_chain(*shown)
    return made


def ask(connection: http.client.HTTPSConnection) -> Any:
    connection.request("GET", "/")
    return json.loads(connection.getresponse().read())


def test_a_client_is_known_by_its_certificate_and_may_have_none(tmp_path: Path) -> None:
    ca = authority()
    trusted, _ = write(tmp_path, "ca", ca)
    ours = write(tmp_path, "server", issued(ca, "server", usage=None))
    one = issued(ca)
    shown = write(tmp_path, "client", one)
    tls = context(*ours, trusted)
    with listening(whose, Limits(threads=2), tls=tls) as port:
        for given, expected in ((shown, b64url(der(one[0]))), (None, None)):
            made = client(trusted, given)
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=made)
            for _ in range(3):  # on one connection
                assert ask(connection) == [expected, "https"]
            connection.close()
        stranger = write(tmp_path, "other", issued(authority()))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=5, context=client(trusted, stranger)
        )
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(connection)
        connection.close()


def test_who_does_not_speak_tls_or_does_not_speak_is_let_go(tmp_path: Path) -> None:
    ca = authority()
    ours = write(tmp_path, "server", issued(ca, "server", usage=None))
    limits = Limits(threads=1, head_seconds=0.3)
    with listening(whose, limits, tls=context(*ours)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with suppress(ConnectionResetError):
                assert b"HTTP" not in plain.recv(100)
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
            assert silent.recv(1) == b""
        assert time.monotonic() - began < 3


def test_files_that_are_no_certificate_and_key_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("x")
    with pytest.raises(InvalidCertificate):
        context(tmp_path / "a.pem", tmp_path / "a.pem")

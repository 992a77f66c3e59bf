"""What is measured: this provider and a peer, each started on loopback with one relying party."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from idp.authn.otp.settings import SANDBOX_CODE
from idp.core.personal_number import PersonalNumber
from idp.demo.citizens import CITIZENS, PASSCODE
from idp.demo.login import Citizen, Walk
from idp.demo.parties import TERMINAL, TERMINAL_REDIRECT
from idp.storage.embedded import dies_with

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
CLIENT, SECRET = "bench", "a-secret-of-the-benchmark-only-0123456789"
REDIRECT = "https://rp.example/callback"
"""Nothing listens there: the code is read from the redirect."""
WORKERS = 2
PATIENCE = 60.0


class NotStarted(Exception):
    """A provider did not come up; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Target:
    """A provider that answers: where, its metadata, and the cookies of one logged-in browser.

    ``pid`` is the process that was started.
    """

    name: str
    host: str
    port: int
    metadata: Mapping[str, Any]
    cookies: str
    pid: int = 0

    def path(self, endpoint: str) -> str:
        """The path of an endpoint, by its name in the metadata."""
        return "/" + str(self.metadata[endpoint]).split("/", 3)[3]


@contextmanager
def ours(directory: Path, workers: int = WORKERS) -> Iterator[Target]:
    """This provider as operators run it, SQLite and an embedded Valkey in ``directory``/var."""
    port, management = _free_port(), _free_port()
    issuer = f"http://localhost:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IDP_")},
        "IDP_ISSUER": issuer,
        "IDP_SANDBOX": "true",
        "IDP_STATE_DIRECTORY": str(directory / "var"),
        "IDP_KEYS__DIRECTORY": str(directory / "keys"),
        "IDP_TRUST__DIRECTORY": str(directory / "trust"),
        "IDP_MANAGEMENT__BIND": f"127.0.0.1:{management}",
    }
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "client_name": "Benchmark",
        "id_token_signed_response_alg": "ES256",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "client_credentials"],
        "scope": "openid",
    }
    terminal = {
        "client_id": TERMINAL,
        "client_name": "Terminal",
        "id_token_signed_response_alg": "ES256",
        "redirect_uris": [TERMINAL_REDIRECT],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "scope": "openid profile pid",
    }
    _idp(environment, "demo", "seed")
    for each in (client, terminal):
        file = directory / f"{each['client_id']}.json"
        file.write_text(json.dumps(each))
        _idp(environment, "client", "create", "--file", str(file))
    bind = ("--bind", f"127.0.0.1:{port}", "--workers", str(workers))
    command = (str(BIN / "idp"), "serve", *bind)
    with _running(command, environment, directory / "idp.log", f"{issuer}/jwks") as pid:
        yield Target("idp", "localhost", port, _metadata(issuer), log_in(issuer), pid)


@contextmanager
def peer(directory: Path) -> Iterator[Target]:
    """npm's oidc-provider: one process, everything in its memory, nothing written."""
    port = _free_port()
    issuer = f"http://localhost:{port}"
    environment = {**os.environ, "NODE_ENV": "production", "BENCH_PORT": str(port)}
    environment |= {"BENCH_CLIENT": CLIENT, "BENCH_SECRET": SECRET, "BENCH_REDIRECT": REDIRECT}
    command = ("node", str(HERE / "peer.mjs"))
    with _running(command, environment, directory / "peer.log", f"{issuer}/jwks"):
        metadata = _metadata(issuer)
        with httpx.Client() as browser:
            answer = browser.get(metadata["authorization_endpoint"], params=request())
            while "code=" not in answer.headers.get("location", ""):
                if "location" not in answer.headers:
                    raise NotStarted(f"the peer's login ended with {answer.status_code}")
                answer = browser.get(answer.url.join(answer.headers["location"]))
            yield Target("peer", "localhost", port, metadata, _cookies(browser))


def request(**more: str) -> dict[str, str]:
    """The authorization request of the relying party (RFC 7636's own verifier)."""
    return {
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        **more,
    }


VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def log_in(issuer: str) -> str:
    """Log a demo citizen in, code and UserInfo included; the browser's cookies."""

    def no_card(_: str) -> str:
        raise NotStarted("a card was asked for")

    number = PersonalNumber(CITIZENS[0].person.number.digits).digits
    citizen = Citizen(number, "otp", PASSCODE, lambda: SANDBOX_CODE, no_card)
    with httpx.Client() as browser:
        Walk(issuer, citizen, browser, lambda hop: None).log_in()
        return _cookies(browser)


def _cookies(browser: httpx.Client) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)


def _metadata(issuer: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
    return found


def _idp(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        (str(BIN / "idp"), *arguments),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode:
        raise NotStarted(f"idp {' '.join(arguments)}: {done.stderr}")


@contextmanager
def _running(
    command: tuple[str, ...], environment: Mapping[str, str], log: Path, ready: str
) -> Iterator[int]:
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=dies_with(os.getpid()),
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(log.read_text(errors="replace")[-4_000:])
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port

"""A provider of several processes over a real Valkey, and those who talk to it."""

import base64
import hashlib
import math
import os
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from cryptography.hazmat.primitives import serialization

from idp.accounts.model import Account
from idp.accounts.passcode import hash_passcode
from idp.accounts.repository import Accounts
from idp.core.clock import system_clock
from idp.core.handles import b64url, b64url_decode
from idp.demo.citizens import PASSCODE, synthetic
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.mrtd.challenge import rnd_ifd
from idp.mrtd.testing.authority import Authority
from idp.mrtd.testing.software_card import CardDetails, SoftwareCard, issue_card
from idp.notify.console import inbox
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Secret
from idp.oidc.clients.repository import Clients
from idp.oidc.clients.rules import register
from idp.oidc.vocabulary import CIBA, DEVICE_CODE, RESPONSE_TYPES
from idp.registry.model import Card, Person
from idp.registry.repository import Record, Registry
from idp.storage.database import Database, open_database
from idp.storage.embedded import EmbeddedValkey, dies_with
from idp.storage.redis import RedisStore
from idp.storage.schema import upgrade
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
WORKERS = 2
SECRET = "secret-of-the-portal-0123456789"
EVIL = "evil.example"
POLYGLOTS = (
    "' OR 1=1--",
    '"; DROP TABLE accounts; --',
    "*)(uid=*))(|(uid=*",
    "{$ne: null}",
    "\r\nFLUSHALL\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "session:{*}",
    "../../../../etc/passwd",
    "{{7*7}}${7*7}<%= 7*7 %>%s%n",
    "<script>alert(1)</script>",
    "\x1b[2J\x07\u202e\ufeff",
)
Answer = TypeVar("Answer")

EVERY_TYPE: Mapping[str, Any] = {
    "scope": "openid",
    "grant_types": ["authorization_code", "implicit"],
    "response_types": list(RESPONSE_TYPES),
}
CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "portal": {"scope": "openid profile pid phone offline_access"},
    "clinic": {"scope": "openid profile"},
    "closed": {"scope": "openid"},
    "brute": {"scope": "openid"},
    "spoofed": {"scope": "openid"},
    "guesser": {"scope": "openid"},
    "fuzzed": {"scope": "openid"},
    "every": EVERY_TYPE,
    "bound": {**EVERY_TYPE, "dpop_bound_access_tokens": True},
    "tv": {"redirect_uris": [], "grant_types": [DEVICE_CODE], "scope": "openid"},
    "bank": {
        "redirect_uris": [],
        "grant_types": [CIBA],
        "scope": "openid",
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://bank.example.vn/ciba",
    },
}


@dataclass
class Browser:
    """One cookie jar. It follows our own redirects and stops where one leads elsewhere."""

    live: "Live"
    http: httpx.Client
    trail: list[str] = field(default_factory=list)

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request, then our own redirects."""
        answer = self.http.request(method, url, **options)
        for _ in range(12):
            location = answer.headers.get("location", "")
            if not location.startswith("/"):
                return answer
            self.trail.append(location)
            answer = self.http.get(location)
        raise AssertionError("redirects without end")

    def authorize(self, client_id: str = "portal", **changes: str) -> httpx.Response:
        """An authorization request; an empty value takes a parameter away."""
        return self.send("GET", "/authorize", params=self.live.request(client_id, **changes))

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill in the form of a page."""
        return self.send("POST", action(page), data={**hidden(page), **fields})

    def ask_code(self, page: httpx.Response, person: Person) -> tuple[httpx.Response, str]:
        """The page that wants a code, and the code from the citizen's phone."""
        assert person.phone
        before = len(inbox(self.live.inbox, phone=person.phone))
        asked = self.submit(page, id_number=person.number.digits, method="otp")
        assert asked.status_code == 200, asked.text
        return asked, self.live.new_code(person.phone, before)

    def log_in(self, page: httpx.Response, person: Person) -> httpx.Response:
        """From the first page of a login to the answer of the provider."""
        asked, code = self.ask_code(page, person)
        return self.submit(asked, otp=code, action="verify")


@dataclass
class Live:
    """The provider: where it is, what it stands on, and who is registered."""

    issuer: str
    directory: Path
    process: subprocess.Popen[bytes]
    database: Database
    transient: RedisStore
    valkey: str
    authority: Authority
    people: Iterator[tuple[Person, Account]]
    verify: ssl.SSLContext
    environment: Mapping[str, str]
    open: list[httpx.Client] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        return self.directory / "inbox.jsonl"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def port(self) -> int:
        return int(self.issuer.rpartition(":")[2])

    def workers(self) -> list[int]:
        """The ids of the processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(each) for each in children.read_text().split()]

    def http(self, peer: str = "127.0.0.1", **options: Any) -> httpx.Client:
        """A connection pool of its own, from an address of its own."""
        transport = httpx.HTTPTransport(local_address=peer, verify=self.verify)
        client = httpx.Client(base_url=self.issuer, transport=transport, timeout=30, **options)
        self.open.append(client)
        return client

    def browser(self, peer: str = "127.0.0.1") -> Browser:
        """A browser that nobody has used yet."""
        return Browser(self, self.http(peer, headers={"accept": "text/html"}))

    def person(self) -> Person:
        """A citizen who has not logged in yet."""
        return next(self.people)[0]

    def redirect_uri(self, client_id: str = "portal") -> str:
        return f"https://{client_id}.example.vn/cb"

    def request(self, client_id: str = "portal", **changes: str) -> dict[str, str]:
        """The parameters of an authorization request."""
        members = {
            "client_id": client_id,
            "redirect_uri": self.redirect_uri(client_id),
            "response_type": "code",
            "scope": "openid",
            "state": "s-" + secrets.token_urlsafe(8),
            "nonce": "n-" + secrets.token_urlsafe(8),
        }
        return {name: value for name, value in {**members, **changes}.items() if value}

    def signed_in(self, person: Person | None = None) -> Browser:
        """A browser whose citizen logged in a moment ago."""
        browser = self.browser()
        done = browser.log_in(browser.authorize(), person or self.person())
        assert "code" in response(done), done.text
        return browser

    def code(self, browser: Browser, client_id: str = "portal", **changes: str) -> str:
        """A fresh code from the browser's session."""
        return response(browser.authorize(client_id, **changes))["code"]

    def redeem(
        self, code: str, http: httpx.Client | None = None, client_id: str = "portal", **form: str
    ) -> httpx.Response:
        members = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri(client_id),
            **form,
        }
        return self.post("/token", members, http, client_id)

    def refresh(self, token: str, http: httpx.Client | None = None) -> httpx.Response:
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": token}, http)

    def post(
        self,
        path: str,
        form: Mapping[str, str],
        http: httpx.Client | None = None,
        client_id: str = "portal",
    ) -> httpx.Response:
        """A form post of an authenticated client."""
        return (http or self.http()).post(path, data=dict(form), auth=(client_id, SECRET))

    def alive(self, tokens: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether an answer's access token and refresh token are still good; none is used."""
        with self.http() as http:
            bearer = {"authorization": f"Bearer {tokens['access_token']}"}
            access = http.get("/userinfo", headers=bearer).status_code == 200
            said = self.post("/introspect", {"token": tokens["refresh_token"]}, http)
        return access, bool(said.json()["active"])

    def new_code(self, phone: str, before: int) -> str:
        """The code that comes after the first ``before`` texts to a phone."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            texts = inbox(self.inbox, phone=phone)
            if len(texts) > before:
                return texts[0].text.rpartition("#")[2]
            time.sleep(0.01)
        raise AssertionError("no text came")

    def card(self, person: Person) -> SoftwareCard:
        """A card of a citizen, known to the registry."""
        issued, expires = date(2024, 7, 1), date(2039, 1, 31)
        details = CardDetails(
            person.number, person.name, person.birth_date, person.sex, issued, expires
        )
        card = issue_card(self.authority, details)
        public = card.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        known = Card(
            document_number=person.number.digits[-9:],
            issued_on=issued,
            expires_on=expires,
            serial=f"serial-{person.number.digits[-9:]}",
            aa_key_digest=hashlib.sha256(public).hexdigest(),
        )
        Registry(self.database, system_clock).put_card(person.number, known)
        return card

    def presentation(self, card: SoftwareCard, opened: Mapping[str, Any]) -> dict[str, str]:
        """What an agent answers to an opened exchange."""
        nonce = b64url_decode(opened["nonce"])
        challenge = rnd_ifd(opened["origin"], opened["session"], nonce)
        files = {f"dg{number}": b64url(data) for number, data in card.files.data_groups.items()}
        return {**files, "sod": b64url(card.files.sod), "signature": b64url(card.sign(challenge))}

    def card_login(self, person: Person) -> Browser:
        """A browser whose citizen logged in with their card, by a reader on this machine."""
        browser, card = self.browser(), self.card(person)
        with self.http() as agent:
            opened = self.opened(browser, person, agent)
            shown = self.presentation(card, opened)
            answer = agent.post(f"/card/{opened['session']}/presentation", json=shown)
        done = browser.send("GET", answer.json()["return_url"].removeprefix(self.issuer))
        assert "code" in response(done), done.text
        return browser

    def opened(self, browser: Browser, person: Person, agent: httpx.Client) -> dict[str, Any]:
        """What an agent is told that opens the exchange of a login which the browser begins."""
        number = person.number.digits
        page = browser.submit(browser.authorize(), id_number=number, method="card")
        token = page.text.partition("launch_token=")[2].partition('"')[0]
        answer = agent.post("/card/launch", json={"launch_token": token})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def command(self, *arguments: str) -> None:
        """Run an operator's command on the same stores."""
        idp = Path(sys.executable).with_name("idp")
        done = subprocess.run(
            [idp, *arguments], env=self.environment, cwd=ROOT, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def rss(self) -> int:
        """Bytes of memory that the workers hold."""
        pages = (Path(f"/proc/{each}/statm").read_text().split()[1] for each in self.workers())
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    assert found, page.text
    return dict(found)


def action(page: httpx.Response) -> str:
    """Where a page's form goes."""
    found = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def response(answer: httpx.Response) -> dict[str, str]:
    """The members of an authorization response."""
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query, strict_parsing=True))


def at_once(
    live: Live, call: Callable[[httpx.Client, int], Answer], callers: int = 50
) -> list[Answer]:
    """What ``callers`` calls answer that start together, each with a warm connection."""
    start = threading.Barrier(callers)
    answers: list[Answer] = []
    failed: list[BaseException] = []

    def run(number: int) -> None:
        try:
            with live.http() as http:
                http.get("/jwks")
                start.wait(30)
                answers.append(call(http, number))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert not failed, failed[0]
    assert len(answers) == callers
    return answers


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The Authorization header of client_secret_basic."""
    plain = f"{client_id}:{secret}".encode()
    return {"authorization": "Basic " + base64.b64encode(plain).decode()}


def s256(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return b64url(hashlib.sha256(verifier.encode()).digest())


def encoded(pairs: list[tuple[str, str]]) -> str:
    """A query or a form that may repeat a name."""
    return urlencode(pairs)


def quickest(
    call: Callable[[], Answer], enough: float = 0.1, tries: int = 20
) -> tuple[Answer, float]:
    """An answer, and the least seconds it took; again and again while a busy machine is slow."""
    least = math.inf
    while True:
        before = time.perf_counter()
        answer = call()
        least = min(least, time.perf_counter() - before)
        tries -= 1
        if least < enough or not tries:
            return answer, least


def raw(live: Live, request: bytes, *, wait: float = 5.0) -> bytes:
    """What comes back for exactly these bytes, until the server closes or has said enough."""
    received = b""
    with socket.create_connection(("127.0.0.1", live.port), timeout=wait) as connection:
        with suppress(ConnectionError):  # it may answer and close before it has read everything
            connection.sendall(request)
        with suppress(TimeoutError, ConnectionError):
            while part := connection.recv(65_536):
                received += part
    return received


@contextmanager
def serve(
    directory: Path, certificate: Path | None = None, *, sandbox: bool = False
) -> Iterator[Live]:
    """A provider over ``directory`` until the block ends; ``certificate`` and key in one file."""
    with EmbeddedValkey(directory / "valkey") as valkey:
        port = free_port()
        issuer = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        database = open_database(f"sqlite:///{directory}/idp.db")
        authority = _prepare(directory, database)
        pepper = KeyStore(directory / "keys").derive("passcode")
        hashed = hash_passcode(PASSCODE, pepper)
        people = list(synthetic(400, seed=7, passcode_hash=hashed))
        Registry(database, system_clock).write(Record(person) for person, _ in people)
        Accounts(database).put_all(account for _, account in people)
        transient = RedisStore(valkey)
        environment = {
            **_environment(directory, issuer, valkey),
            "IDP_SANDBOX": str(sandbox).lower(),
        }
        process = _start(directory, port, environment, certificate)
        live = Live(
            issuer,
            directory,
            process,
            database,
            transient,
            valkey,
            authority,
            iter(people),
            ssl.create_default_context(cafile=certificate),
            environment,
        )
        try:
            _wait(live)
            yield live
        finally:
            for each in live.open:
                each.close()
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            transient.close()
            database.close()


def _prepare(directory: Path, database: Database) -> Authority:
    keys = directory / "keys"
    keys.mkdir(mode=0o700)
    rotate(keys, system_clock(), Policy(algs=("ES256", "RS256")))
    upgrade(database)
    pepper = KeyStore(keys).derive("client")
    for client_id, members in CLIENTS.items():
        raw = {
            "client_name": client_id,
            "require_pkce": False,
            "id_token_signed_response_alg": "ES256",
            "redirect_uris": [f"https://{client_id}.example.vn/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            **members,
        }
        digest = secret_digest(pepper, client_id, SECRET)
        client = replace(register(raw, client_id=client_id), secrets=(Secret(digest),))
        Clients(database, system_clock).create(client)
    authority = Authority.found(system_clock())
    trust = directory / "trust"
    trust.mkdir()
    (trust / "csca.der").write_bytes(authority.csca_der())
    (trust / "csca.crl").write_bytes(authority.revocation_list(now=system_clock(), number=1))
    return authority


def _environment(directory: Path, issuer: str, valkey: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "IDP_ISSUER": issuer,
        "IDP_STATE_DIRECTORY": str(directory),
        "IDP_DATABASE__URL": f"sqlite:///{directory}/idp.db",
        "IDP_REDIS__URL": valkey,
        "IDP_KEYS__DIRECTORY": str(directory / "keys"),
        "IDP_TRUST__DIRECTORY": str(directory / "trust"),
        "IDP_OTP__MAX_SENDS": "1000",
        "IDP_THROTTLE__PER_ADDRESS": "100000",
        "IDP_OUTBOUND__ALLOW_LOOPBACK": "true",
        "IDP_MANAGEMENT__BIND": "127.0.0.1:0",
    }


def _start(
    directory: Path, port: int, environment: Mapping[str, str], certificate: Path | None
) -> subprocess.Popen[bytes]:
    idp = Path(sys.executable).with_name("idp")
    command = [str(idp), "serve", "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    if certificate:
        command += ["--certificate", str(certificate), "--private-key", str(certificate)]
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with(os.getpid()),
        )


def _wait(live: Live) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert live.process.poll() is None, live.log
        try:
            with live.http() as http:
                if http.get("/jwks").status_code == 200:
                    return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(live.log)

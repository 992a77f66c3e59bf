"""The front channel over HTTP: a provider, two relying parties, and citizens' browsers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import text
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.accounts.model import Account, new_id
from idp.accounts.passcode import hash_passcode
from idp.accounts.repository import Accounts
from idp.accounts.settings import PasscodeSettings
from idp.authn.otp.settings import OtpSettings
from idp.composition import Composition, FeatureSettings, Outside, compose
from idp.core.clock import FixedClock
from idp.core.handles import b64url_decode
from idp.core.person import Address, BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.deps import Deps
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Client, Secret, Text
from idp.oidc.clients.repository import ClientCache, Clients
from idp.oidc.services import Services
from idp.oidc.settings import ProviderSettings
from idp.outbound.client import OutboundClient
from idp.registry.model import Person
from idp.registry.repository import Record, Registry
from idp.storage.database import Database, metadata, open_database
from idp.storage.memory import MemoryStore
from idp.web.adapter import create_app, mount
from idp.web.edge import Edge
from idp.web.errors import Failure, Failures
from idp.web.forwarded import Trust
from tests.parts import deps, outside

ISSUER = "https://id.example.vn"
CALLBACK = "https://portal.example.vn/cb"
GOODBYE = "https://portal.example.vn/bye"
OTHER_CALLBACK = "https://clinic.example.vn/cb"
CODE, PASSCODE, SECRET = "000000", "246813", "a-secret-of-the-portal"
X, Y = PersonalNumber("000199000001"), PersonalNumber("000099000002")
CHEAP = PasscodeSettings(memory=64, passes=1)

PORTAL = Client(
    client_id="portal",
    client_name=Text("Cổng dịch vụ công", "Public services"),
    client_uri="https://portal.example.vn/",
    sector="portal.example.vn",
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(GOODBYE,),
    grant_types=("authorization_code", "refresh_token"),
    scope=("openid", "profile", "pid", "phone"),
    purpose=Text("Nộp hồ sơ trực tuyến", "To file applications"),
)
CLINIC = Client(
    client_id="clinic",
    client_name=Text("Phòng khám"),
    sector="clinic.example.vn",
    redirect_uris=(OTHER_CALLBACK,),
    scope=("openid", "profile"),
)


class Page(HTMLParser):
    """The form of a page: where it goes, its hidden fields, its checkboxes and buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.boxes: dict[str, bool] = {}
        self.buttons: list[tuple[str, str]] = []
        self.ids: dict[str, str] = {}
        self._at = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._at = found.get("id", "")
        match tag, found.get("type"):
            case "form", _:
                self.action = found["action"]
            case "input", "hidden":
                self.hidden[found["name"]] = found["value"]
            case "input", "checkbox":
                self.boxes[found["value"]] = "checked" in found
            case "button", _ if "name" in found:
                self.buttons.append((found["name"], found["value"]))

    def handle_data(self, data: str) -> None:
        self.ids.setdefault(self._at, data.strip())


@dataclass
class Browser:
    """One cookie jar. It follows our own redirects and stops where one leads to somebody else."""

    http: Http
    at: str = ""

    def get(self, path: str, **members: str) -> TestResponse:
        return self._go("GET", f"{path}?{urlencode(members)}" if members else path)

    def post(self, path: str, data: dict[str, Any], **headers: str) -> TestResponse:
        return self._go("POST", path, data=data, headers=headers)

    def submit(self, response: TestResponse, **fields: Any) -> TestResponse:
        """Fill in the form of the page in ``response``."""
        page = Page(response.text)
        return self.post(page.action, {**page.hidden, **fields})

    def once(self, method: str, path: str, **options: Any) -> TestResponse:
        """One request; no redirect is followed."""
        options["environ_overrides"] = {"REMOTE_ADDR": "127.0.0.1"}
        return self.http.open(path, method=method, base_url=ISSUER, **options)

    def _go(self, method: str, path: str, **options: Any) -> TestResponse:
        response = self.once(method, path, **options)
        for _ in range(12):
            location = response.headers.get("Location", "")
            if not location.startswith("/"):
                return response
            self.at = location
            response = self.once("GET", location)
        raise AssertionError("redirects without end")

    def log_in(self, page: TestResponse, number: PersonalNumber = X) -> TestResponse:
        """From the first page of a login by one-time code, and passcode where it is asked."""
        if "id_number" in page.text:
            asked = self.submit(page, id_number=number.digits, method="otp")
            page = self.submit(asked, otp=CODE, action="verify")
        if 'name="passcode"' in page.text:
            page = self.submit(page, passcode=PASSCODE)
        return page


def resume_url(page: TestResponse) -> str:
    """Where the login of a page would come back to."""
    return f"/authorize/resume?t={Page(page.text).action.split('/')[2]}"


def answer(response: TestResponse) -> dict[str, str]:
    """The members of an authorization response."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query, strict_parsing=True))


def error(response: TestResponse, state: str = "s") -> str:
    """The error of an authorization response that is as it must be."""
    found = answer(response)
    assert response.headers["Location"].startswith(CALLBACK)
    assert (found.get("state"), found["iss"]) == (state, ISSUER)
    assert "code" not in found
    return found["error"]


def claims_of(id_token: str) -> dict[str, Any]:
    """The payload of a token that our own token endpoint just gave."""
    found: dict[str, Any] = json.loads(b64url_decode(id_token.split(".")[1]))
    return found


@dataclass
class Front:
    """The provider under test."""

    services: Services
    clock: FixedClock
    store: MemoryStore
    database: Database
    app: Any
    citizens: dict[PersonalNumber, Account]
    failures: list[Failure]
    deps: Deps
    outside: Outside

    def reaching(self, outbound: OutboundClient) -> "Front":
        """The same provider, that calls relying parties by ``outbound``."""
        composition = composed(self.deps, replace(self.outside, outbound=outbound))
        app = served(composition, self.failures)
        return replace(self, services=composition.services, app=app)

    def browser(self) -> Browser:
        return Browser(Http(self.app))

    def request(self, client: Client = PORTAL, **changes: str) -> dict[str, str]:
        """An authorization request; an empty value takes a parameter away."""
        members = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid",
            "state": "s",
            "nonce": "n",
        }
        return {name: value for name, value in {**members, **changes}.items() if value}

    def authorize(self, browser: Browser, client: Client = PORTAL, **changes: str) -> TestResponse:
        return browser.get("/authorize", **self.request(client, **changes))

    def tokens(self, response: TestResponse, **form: str) -> dict[str, Any]:
        """What the token endpoint gives the portal for the code in ``response``."""
        redeemed = self.redeem(response, **form)
        assert redeemed.status_code == 200, redeemed.text
        found: dict[str, Any] = redeemed.get_json()
        return found

    def redeem(self, response: TestResponse, **form: str) -> TestResponse:
        members = {
            "grant_type": "authorization_code",
            "code": answer(response)["code"],
            "redirect_uri": CALLBACK,
        }
        return self.token({**members, **form})

    def token(self, form: dict[str, str]) -> TestResponse:
        return Http(self.app).post("/token", base_url=ISSUER, data=form, auth=("portal", SECRET))

    def signed_in(self, number: PersonalNumber = X) -> Browser:
        """A browser whose citizen logged in at the portal a moment ago."""
        browser = self.browser()
        done = browser.log_in(self.authorize(browser), number)
        assert "code" in answer(done)
        return browser

    def change(self, client: Client) -> None:
        """Register other metadata for a client, at once for everybody."""
        kept = self.services.clients.get(client.client_id)
        assert kept is not None
        Clients(self.database, self.clock).update(replace(client, secrets=kept.secrets))
        self.services.clients.refresh()

    def events(self) -> list[dict[str, Any]]:
        """The audit log, oldest first."""
        self.services.audit.flush()
        with self.database.read() as connection:
            rows = connection.execute(text("SELECT entry FROM audit_entries ORDER BY rowid"))
            return [json.loads(each[0]) for each in rows]


def citizens(database: Database, clock: FixedClock, pepper: bytes) -> dict[PersonalNumber, Account]:
    """X, a woman with everything, and Y, a man of whom only the year of birth is known."""
    people = (
        Person(
            X,
            Name("Nguyễn Thị Minh Khai", "Nguyễn", "Thị Minh", "Khai"),
            BirthDate(1999, 3, 8),
            Sex.FEMALE,
            address=Address(province="Hà Nội", commune="Ba Đình", street="1 Hoàng Diệu"),
            phone="+84912345678",
        ),
        Person(Y, Name("Y Bih", "", "", "Bih"), BirthDate(1999), Sex.MALE),
    )
    Registry(database, clock).write(Record(each) for each in people)
    found = {}
    for each in people:
        account = Account(
            id=new_id(),
            number=each.number,
            level=2,
            created_at=clock(),
            activated_at=clock(),
            phone="+84912345678",
            passcode_hash=hash_passcode(PASSCODE, pepper, CHEAP),
        )
        Accounts(database).create(account)
        found[each.number] = account
    return found


def register(database: Database, keys: KeyStore, clock: FixedClock) -> None:
    """The portal and the clinic."""
    clients = Clients(database, clock)
    digest = secret_digest(keys.derive("client"), "portal", SECRET)
    clients.create(replace(PORTAL, secrets=(Secret(digest),)))
    clients.create(CLINIC)


def composed(deps: Deps, outside: Outside) -> Composition:
    """The provider, whose codes are known."""
    otp = OtpSettings(max_sends=1_000, fixed_code=CODE)
    settings = FeatureSettings(ProviderSettings(ISSUER), otp=otp)
    return compose(deps, outside, settings, ClientCache(deps.database))


def served(composition: Composition, failures: list[Failure]) -> Any:
    """The application: every endpoint of the provider, and the login's pages."""
    edge = Edge(Failures(composition.services.pages, failures.append), Trust())
    app = create_app(edge)
    for rule, route in composition.routes.items():
        mount(app, rule, route, edge)
    return app


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that every test may share."""
    directory = tmp_path_factory.mktemp("keys")
    directory.chmod(0o700)
    rotate(directory, 1_800_000_000, Policy(algs=("ES256", "ECDH-ES")))
    return directory


@pytest.fixture
def front(key_directory: Path, clock: FixedClock, tmp_path: Path) -> Iterator[Front]:
    """A provider by https that nobody has used yet."""
    database = open_database(f"sqlite:///{tmp_path}/idp.db")
    with database.begin() as connection:
        metadata.create_all(connection)
    keys = KeyStore(key_directory)
    found = citizens(database, clock, keys.derive("passcode"))
    register(database, keys, clock)
    transient = MemoryStore(clock)
    made = deps(database, transient, clock, keys, ISSUER)
    reached = outside(tmp_path / "inbox.jsonl")
    composition, failures = composed(made, reached), list[Failure]()
    app = served(composition, failures)
    yield Front(
        composition.services, clock, transient, database, app, found, failures, made, reached
    )
    database.close()

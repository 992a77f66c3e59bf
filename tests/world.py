"""The provider without a network: every shipped part, on memory and SQLite, with a clock to move.

What stands in for the outside is what the product ships for it: the console inbox for phones, the
memory store for Redis, SQLite for the database.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from idp.accounts.model import Account, new_id
from idp.accounts.passcode import hash_passcode
from idp.accounts.repository import Accounts
from idp.accounts.settings import PasscodeSettings
from idp.authn.card.authenticator import CardLogin
from idp.authn.otp.authenticator import Otp
from idp.composition import METHODS, FeatureSettings, compose_login
from idp.core.clock import FixedClock
from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.login.build import Login
from idp.login.build import build as build_login
from idp.login.desk import Desk
from idp.login.pages import first_page
from idp.login.requirement import Requirement
from idp.login.ticket import client_tag
from idp.login.visit import ClientView
from idp.mrtd.certificate import parse as parse_certificate
from idp.mrtd.certificate import parse_crl
from idp.mrtd.testing.authority import Authority
from idp.mrtd.testing.software_card import CardDetails, SoftwareCard, issue_card
from idp.mrtd.trust import TrustStore
from idp.notify.console import inbox
from idp.oidc.settings import ProviderSettings
from idp.registry.model import Card, CardStatus, Person
from idp.registry.repository import Record, Registry
from idp.storage.database import Database
from idp.storage.memory import MemoryStore
from idp.web.edge import Route
from idp.web.errors import Failures
from idp.web.http import Params, Request, Response
from tests.parts import deps, outside

ORIGIN = "https://idp.example"
CHEAP = PasscodeSettings(passes=1, memory=8, lanes=1)
NUMBER = "000199000001"
EVERYBODY: Mapping[str, str] = {"portal": "Cổng dịch vụ", "other": "Another service"}


class _Forms(HTMLParser):
    """The fields and buttons of a page, as a browser without script sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.ids.add(said.get("id", ""))
        if tag == "form":
            self.action = said.get("action", "")
        if tag == "input" and said.get("type") != "checkbox":
            self.fields[said.get("name", "")] = said.get("value", "")
        if tag == "button":
            self.buttons.append((said.get("name", ""), said.get("value", "")))


@dataclass
class Browser:
    """A browser with a cookie jar that follows nothing by itself."""

    routes: Mapping[str, Route]
    failures: Failures
    peer: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def keep(self, response: Response) -> Response:
        for each in response.cookies:
            name, _, value = each.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def request(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Request:
        parts = urlsplit(url)
        return Request(
            method=method,
            path=parts.path,
            query=Params(parse_qsl(parts.query)),
            form=Params((form or {}).items()),
            headers={"accept-language": "vi", "sec-fetch-site": "same-origin"},
            cookies=dict(self.cookies),
            peer=self.peer,
            secure=True,
        )

    def send(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Response:
        request = self.request(method, url, form)
        route, variables = self._find(request.path)
        return self.keep(
            self.failures.attempt(
                lambda: request,
                lambda: route.handler(request, **variables),
                html=route.html,
                translate=route.translate,
            )
        )

    def post_json(self, url: str, body: object) -> Response:
        """What an agent sends: JSON, and no cookie."""
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = Request("POST", url, headers=headers, body=data, peer=self.peer, secure=True)
        route, variables = self._find(url)
        return self.failures.attempt(
            lambda: request,
            lambda: route.handler(request, **variables),
            html=False,
            translate=route.translate,
        )

    def get(self, url: str) -> Response:
        return self.send("GET", url)

    def submit(self, page: Response, **fields: str) -> Response:
        """Fill in the page's form and press the button that ``fields`` name."""
        form = forms(page)
        return self.send("POST", form.action, {**form.fields, **fields})

    def _find(self, path: str) -> tuple[Route, dict[str, str]]:
        for rule, route in self.routes.items():
            wanted, given = rule.split("/"), path.split("/")
            pairs = list(zip(wanted, given, strict=False))
            if len(wanted) == len(given) and all(a == b or a[:1] == "<" for a, b in pairs):
                return route, {a[1:-1]: b for a, b in pairs if a[:1] == "<"}
        raise LookupError(path)


def forms(page: Response) -> _Forms:
    """The forms of a page."""
    found = _Forms()
    found.feed(page.text if hasattr(page, "text") else page.body.decode())
    return found


@dataclass
class World:
    """The desk and its methods; ``store`` counts round trips."""

    clock: FixedClock
    store: MemoryStore
    accounts: Accounts
    registry: Registry
    login: Login
    otp: Otp
    card: CardLogin
    authority: Authority
    routes: dict[str, Route]
    failures: Failures
    inbox: Path
    pepper: bytes

    @property
    def desk(self) -> Desk:
        return self.login.desk

    def browser(self, peer: str = "192.0.2.1") -> Browser:
        return Browser(self.routes, self.failures, peer)

    def citizen(self, number: str = NUMBER, **changes: object) -> Account:
        """A person in the registry with an account that can do everything."""
        digits = PersonalNumber(number)
        name = Name("Trần Thị Mẫu", "Trần", "Thị", "Mẫu")
        person = Person(digits, name, BirthDate(1990, 1, 31), Sex.FEMALE)
        account = Account(
            new_id(),
            digits,
            level=2,
            created_at=self.clock(),
            activated_at=self.clock(),
            phone="+84912345678",
            passcode_hash=hash_passcode("246813", self.pepper, CHEAP),
        )
        about = {name: each for name, each in changes.items() if name in Person.__slots__}
        own = {name: each for name, each in changes.items() if name in Account.__slots__}
        self.registry.write([Record(replace(person, **(about | {"number": digits})))])
        account = replace(account, **(own | {"number": digits}))
        self.accounts.create(account)
        return account

    def issue(self, account: Account, status: CardStatus = CardStatus.VALID) -> SoftwareCard:
        """A card of the account's person, known to the registry."""
        person = self.login.proofs.registry.person(account.number)
        assert person is not None
        issued_on, expires_on = date(2024, 7, 1), date(2039, 1, 31)
        card = issue_card(
            self.authority,
            CardDetails(
                account.number, person.name, person.birth_date, person.sex, issued_on, expires_on
            ),
        )
        number = account.number.digits[-9:]
        self.registry.put_card(account.number, Card(number, issued_on, expires_on, status))
        return card

    def begin(self, browser: Browser, requirement: Requirement | None = None) -> Response:
        """A relying party begins a login."""
        visit, cookies = self.desk.begin(
            browser.request("GET", "/authorize"),
            client_id="portal",
            requirement=requirement or Requirement(),
            return_path="/authorize/resume",
            payload={},
        )
        return browser.keep(first_page(self.desk, visit, cookies))

    def code(self) -> str:
        """The newest code in the inbox."""
        self.otp.sender.close()
        return inbox(self.inbox)[0].text.rpartition("#")[2]


def build(tmp_path: Path, database: Database, clock: FixedClock) -> World:
    """A fresh world."""
    store, keys = MemoryStore(clock), tmp_path / "keys"
    rotate(keys, clock(), Policy(algs=("ES256",)))
    made = deps(database, store, clock, KeyStore(keys), ORIGIN)
    described = {
        client_tag(each): ClientView({"vi": name}, f"https://{each}.example/")
        for each, name in EVERYBODY.items()
    }
    authority = Authority.found(clock())
    trust = TrustStore(
        [parse_certificate(authority.csca_der())],
        [parse_crl(authority.revocation_list(now=clock(), number=1))],
    )
    settings = FeatureSettings(ProviderSettings(ORIGIN))
    login = build_login(made, settings.login, methods=METHODS, describe=described.get, endings={})
    inbox_path = tmp_path / "inbox.jsonl"
    pages = compose_login(made, outside(inbox_path, trust), settings, login)
    otp, card = pages.methods["otp"].authenticator, pages.methods["card"].authenticator
    assert isinstance(otp, Otp)
    assert isinstance(card, CardLogin)
    failures = Failures(made.pages, lambda failure: None)
    return World(
        clock,
        store,
        made.accounts,
        Registry(database, clock),
        login,
        otp,
        card,
        authority,
        dict(pages.routes),
        failures,
        inbox_path,
        made.keys.derive("passcode"),
    )

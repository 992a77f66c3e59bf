"""What a login costs, counted over the whole application: round trips, signatures, queries."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import event
from sqlalchemy.orm import Session as OrmSession
from werkzeug.test import Client, TestResponse

from idp import app as application
from idp.accounts.repository import Accounts
from idp.audit import log
from idp.cli.context import Context
from idp.core.handles import b64url, b64url_decode
from idp.core.personal_number import PersonalNumber
from idp.demo import cards, parties
from idp.demo.citizens import Stores, seed_citizens
from idp.jose.signer import LocalSigner
from idp.mrtd.challenge import rnd_ifd
from idp.mrtd.testing.software_card import SoftwareCard
from idp.oidc.clients.repository import Clients
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry
from idp.sandbox import recorder
from idp.storage.processes import Refresher
from idp.storage.redis import RedisStore
from tests.counting import commits, statements
from tests.world import forms

NUMBER = "000199000001"
ISSUER = "http://localhost:8000"
VERIFIER = "v" * 43


@dataclass
class Costs:
    """The application, and what it has spent."""

    client: Client
    store: RedisStore
    card: SoftwareCard
    statements: list[str]
    commits: list[None]
    requests: int = 0
    signatures: int = 0
    orm_queries: int = 0

    def get(self, url: str) -> TestResponse:
        self.requests += 1
        return self.client.get(url)

    def submit(self, page: TestResponse, **fields: str) -> TestResponse:
        form = forms(page)
        self.requests += 1
        return self.client.post(form.action, data={**form.fields, **fields})

    def begin(self) -> TestResponse:
        asked = {
            "client_id": parties.TERMINAL,
            "redirect_uri": parties.TERMINAL_REDIRECT,
            "response_type": "code",
            "scope": "openid",
            "code_challenge": create_s256_code_challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        return self.get(f"/authorize?{urlencode(asked)}")

    def reads(self) -> int:
        return sum(each.startswith("SELECT") for each in self.statements)

    def redeem(self, answered: TestResponse) -> dict[str, Any]:
        code = parse_qs(urlsplit(answered.headers["Location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": parties.TERMINAL,
            "redirect_uri": parties.TERMINAL_REDIRECT,
            "code_verifier": VERIFIER,
        }
        self.requests += 1
        answer = self.client.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        return answer.json


def _path(response: TestResponse) -> str:
    return response.headers["Location"].removeprefix(ISSUER)


@pytest.fixture
def costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_SANDBOX", "true")
    context = Context()
    database, keys = context.database, context.keys
    registry, source = Registry(database, context.clock), SqlRegistry(database)
    seed_citizens(Stores(registry, source, Accounts(database), keys.derive("passcode")))
    parties.register_terminal(Clients(database, context.clock))
    authority = cards.open_authority(context.settings.card_authority, context.clock())
    number = PersonalNumber(NUMBER)
    issued = cards.issue(authority, source, registry, number, now=context.clock())
    opened: list[RedisStore] = []
    real = application.open_transient

    def remember(*arguments: Any, **options: Any) -> RedisStore:
        opened.append(real(*arguments, **options))
        return opened[0]

    monkeypatch.setattr(application, "open_transient", remember)
    only_requests = partial(Refresher, tick=3600.0)  # what it does between them is not counted
    monkeypatch.setattr(application, "Refresher", only_requests)
    monkeypatch.setattr(recorder, "PAUSE", 3600.0)
    monkeypatch.setattr(log, "LATER_SECONDS", 3600.0)
    built = application.create_app(context.settings)
    keys.signer("ES256")
    opened[0].round_trips = 0
    stack = ExitStack()
    asked, written = stack.enter_context(statements()), stack.enter_context(commits())
    counted = Costs(Client(built), opened[0], issued.software, asked, written)
    sign = LocalSigner.sign

    def count_signature(self: LocalSigner, message: bytes) -> bytes:
        counted.signatures += 1
        return sign(self, message)

    def count_query(_: object) -> None:
        counted.orm_queries += 1

    monkeypatch.setattr(LocalSigner, "sign", count_signature)
    event.listen(OrmSession, "do_orm_execute", count_query)
    with stack:
        yield counted
    event.remove(OrmSession, "do_orm_execute", count_query)
    built.close()
    context.close()


def test_a_login_by_code(costs: Costs) -> None:
    asked = costs.submit(costs.begin(), id_number=NUMBER, method="otp")
    proved = costs.submit(costs.get(_path(asked)), otp="000000", action="verify")
    tokens = costs.redeem(proved)
    assert "id_token" in tokens
    assert costs.store.round_trips <= 7
    assert costs.requests == 5
    assert len(costs.commits) == 2  # the session, the tokens; each with what waited
    assert costs.reads() <= 6  # one of them where the writer's audit chain begins
    assert costs.signatures <= 2
    assert costs.orm_queries == 0


def test_userinfo(costs: Costs) -> None:
    asked = costs.submit(costs.begin(), id_number=NUMBER, method="otp")
    tokens = costs.redeem(costs.submit(costs.get(_path(asked)), otp="000000", action="verify"))
    before = costs.store.round_trips, costs.reads(), len(costs.commits), costs.signatures
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert costs.client.get("/userinfo", headers=bearer).status_code == 200
    after = costs.store.round_trips, costs.reads(), len(costs.commits), costs.signatures
    assert tuple(b - a for a, b in zip(before, after, strict=True)) == (1, 1, 0, 0)


def present(costs: Costs, page: TestResponse, **more: str) -> dict[str, Any]:
    """What the agent does, and what it is told."""
    token = re.search(r"launch_token=([\w-]+)", page.text)
    opened = costs.client.post("/card/launch", json={"launch_token": token[1]}).json
    challenge = rnd_ifd(ISSUER, opened["session"], b64url_decode(opened["nonce"]))
    files = {f"dg{n}": b64url(data) for n, data in costs.card.files.data_groups.items()}
    signature = b64url(costs.card.sign(challenge))
    body = {**files, "sod": b64url(costs.card.files.sod), "signature": signature, **more}
    return costs.client.post(f"/card/{opened['session']}/presentation", json=body).json


def test_a_login_by_card_costs_no_more(costs: Costs) -> None:
    """Begin, ask, launch, present and return 1 each, the answer 1, the token 2.

    The page's polling is not in it: one for each, while a citizen looks for their card.
    """
    asked = costs.submit(costs.begin(), id_number=NUMBER, method="card")
    presented = present(costs, costs.get(_path(asked)))
    back = presented["return_url"].removeprefix(ISSUER)
    assert "id_token" in costs.redeem(costs.get(back))
    assert costs.store.round_trips <= 8
    assert costs.signatures <= 2
    assert costs.orm_queries == 0


def test_a_login_by_a_card_at_a_phone_costs_one_more(costs: Costs) -> None:
    """The page goes on by a request of its own."""
    asked = costs.submit(costs.begin(), id_number=NUMBER, method="card")
    page = costs.get(_path(asked))
    match_code = re.search(r'id="match-code">(\d\d)<', page.text)
    assert "return_code" in present(costs, page, match_code=match_code[1])
    done = costs.get(f"{_path(asked).removesuffix('/card')}/continue")
    assert "id_token" in costs.redeem(done)
    assert costs.store.round_trips <= 9

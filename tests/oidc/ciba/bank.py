"""A bank that asks its customers on their phones, and the phones."""

import re
from dataclasses import replace
from typing import Any

from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.core.personal_number import PersonalNumber
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Client, Secret, Text
from idp.oidc.clients.repository import Clients
from idp.oidc.vocabulary import CIBA
from tests.oidc.front import ISSUER, SECRET, Browser, Front, Page, X

BANK = Client(
    client_id="bank",
    client_name=Text("Ngân hàng Đồng Xuân", "Spring Bank"),
    client_uri="https://bank.example.vn/",
    sector="client:bank",
    grant_types=(CIBA, "refresh_token"),
    response_types=(),
    scope=("openid", "profile"),
    backchannel_token_delivery_mode="poll",
)
NOBODY = "000199999999"


def add(front: Front, client: Client) -> None:
    digest = secret_digest(front.services.keys.derive("client"), client.client_id, SECRET)
    Clients(front.database, front.clock).create(replace(client, secrets=(Secret(digest),)))
    front.services.clients.refresh()


def ask(front: Front, client_id: str = "bank", **form: str) -> TestResponse:
    members = {"scope": "openid profile", "login_hint": X.digits, **form}
    return Http(front.app).post(
        "/bc-authorize",
        base_url=ISSUER,
        data={name: value for name, value in members.items() if value},
        auth=(client_id, SECRET),
    )


def begin(front: Front, client_id: str = "bank", **form: str) -> dict[str, Any]:
    answer = ask(front, client_id, **form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def poll(front: Front, begun: dict[str, Any], client_id: str = "bank") -> TestResponse:
    form = {"grant_type": CIBA, "auth_req_id": begun["auth_req_id"]}
    return Http(front.app).post("/token", base_url=ISSUER, data=form, auth=(client_id, SECRET))


def error(answer: TestResponse, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    found: str = answer.get_json()["error"]
    return found


def outcome(page: TestResponse) -> str:
    found = re.search(r'data-outcome="([a-z]+)"', page.text)
    assert found, page.text
    return found[1]


def phone(front: Front, number: PersonalNumber = X) -> tuple[Browser, TestResponse]:
    """A citizen opens the page of requests and logs in."""
    browser = front.browser()
    login = browser.submit(browser.get("/ciba"), action="login")
    return browser, browser.log_in(login, number)


def requests(page: TestResponse) -> list[str]:
    return re.findall(r'href="(/ciba/[^"]+)"', page.text)


def choices(page: TestResponse) -> list[str]:
    return [value for name, value in Page(page.text).buttons if name == "match_number"]


def allow(browser: Browser, page: TestResponse, number: str) -> TestResponse:
    """From one request's page to its end: number, passcode where it is asked, consent."""
    page = browser.log_in(browser.submit(page, match_number=number))
    if 'value="allow"' in page.text:
        page = browser.submit(page, decision="allow", claims=["name"])
    return page

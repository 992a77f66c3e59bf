"""The nine citizens of the sandbox: what each of them ends on, by code and by card."""

import json
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from idp.web.i18n import catalogue
from tests.conformance.suite import Browser, Callback, Page, RelyingParty
from tests.e2e.sandbox import Sandbox, launch_token

MAI, MINH, HONG, HAN, Y_BRIT, KHANH, TIN, THO, RINH = (
    "000199000001",
    "000099000002",
    "000158000003",
    "000311000004",
    "000085000005",
    "000090000006",
    "000090000007",
    "000040000008",
    "000190000009",
)
NOBODY = "000199999999"
CODE = "000000"
LEVEL_1, LEVEL_2 = "urn:vn:eid:level:1", "urn:vn:eid:level:2"
SAID = catalogue("vi")


@pytest.fixture(scope="session")
def provider(sandbox: Sandbox) -> tuple[dict[str, object], dict[str, object]]:
    """The metadata of the provider, and of a relying party that asks for everything."""
    file = sandbox.program.directory / "client.json"
    asked = {
        "client_name": "Sở Xây dựng",
        "require_pkce": False,
        "redirect_uris": ["https://rp.example/callback"],
        "scope": "openid profile pid phone email address age",
        "id_token_signed_response_alg": "ES256",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    file.write_text(json.dumps(asked))
    made = sandbox.program.idp("client", "create", "--file", str(file), "--format", "json")
    assert made.returncode == 0, made.stderr
    sandbox.issue_card(THO)
    url = f"{sandbox.issuer}/.well-known/openid-configuration"
    return httpx.get(url, trust_env=False).json(), json.loads(made.stdout)


@pytest.fixture
def rp(
    sandbox: Sandbox, provider: tuple[dict[str, object], dict[str, object]]
) -> Iterator[RelyingParty]:
    """The relying party, in front of it a browser nobody has used."""
    metadata, client = provider
    with httpx.Client(trust_env=False, timeout=20) as http:
        keys = jwt.PyJWKSet.from_dict(http.get(str(metadata["jwks_uri"])).json())
        yield RelyingParty(Browser(sandbox.issuer, http), client, metadata, keys)


def choose(rp: RelyingParty, method: str, number: str, **asked: str) -> Page:
    """The page that follows a typed number."""
    asked = {"scope": str(rp.client["scope"]), **asked}
    first = rp.open(**asked)
    assert isinstance(first, Page)
    page = rp.browser.submit(first, ("method", method), id_number=number)
    assert isinstance(page, Page)
    assert page.status == 200
    return page


def by_code(rp: RelyingParty, number: str, **asked: str) -> Page | Callback:
    """Where the citizen is after the sandbox's code."""
    page = choose(rp, "otp", number, **asked)
    return rp.browser.submit(page, ("action", "verify"), otp=CODE)


def by_card(sandbox: Sandbox, rp: RelyingParty, number: str, **asked: str) -> Page | Callback:
    """Where the citizen is after their card was read beside the browser."""
    page = choose(rp, "card", number, **asked)
    read = sandbox.read_card(number, launch_token(page.links["open-agent"]))
    assert read.returncode == 0, read.stderr
    return rp.browser.open(read.stdout.strip().rpartition("\n")[2])


def claims(rp: RelyingParty, at: Page | Callback) -> tuple[dict[str, object], dict[str, object]]:
    """What the relying party ends on: the ID token's claims, and UserInfo's but the subject."""
    tokens = rp.exchange(rp.granted(rp.browser.log_in(at)))
    told = rp.userinfo(tokens)
    del told["sub"]
    return dict(tokens.id_token), told


def code_is_refused(rp: RelyingParty, number: str) -> None:
    """The page that wants a code is like everybody's, and takes none."""
    at = by_code(rp, number)
    assert isinstance(at, Page)
    assert at.status == 422
    assert SAID["otp.error.wrong"] in at.html
    assert at.form("otp"), "another code may be typed"


def card_is_refused(
    sandbox: Sandbox, rp: RelyingParty, number: str, reason: str, *, card: str = ""
) -> None:
    """The agent learns that the card is not accepted, the page too, the audit log the reason."""
    page = choose(rp, "card", number)
    read = sandbox.read_card(card or number, launch_token(page.links["open-agent"]))
    assert read.returncode == 1
    assert "The card is not accepted for this login." in read.stderr
    assert rp.http.get(f"{page.url}/status").json() == {"state": "failed"}
    last = json.loads(sandbox.program.idp("audit", "export").stdout.strip().rpartition("\n")[2])
    assert reason in json.dumps(last), last


def given_up(rp: RelyingParty, page: Page | Callback, kind: str, error: str) -> None:
    """A page explains why it cannot go on, and its button tells the relying party."""
    assert isinstance(page, Page)
    assert page.status == 403
    assert SAID[f"notice.{kind}.title"] in page.html
    assert page.texts["notice"] == SAID[f"notice.{kind}.text"]
    rp.refused(rp.browser.submit(page, ("action", "cancel")), error)


@pytest.mark.parametrize("method", ["otp", "card"])
def test_01_adult_woman_reaches_level_2_both_ways(
    method: str, sandbox: Sandbox, rp: RelyingParty
) -> None:
    if method == "otp":
        at = by_code(rp, MAI, acr_values=LEVEL_2)
    else:
        at = by_card(sandbox, rp, MAI, acr_values=LEVEL_2)
    token, told = claims(rp, at)
    assert rp.browser.seen[0] == "passcode"
    assert token["acr"] == LEVEL_2
    proof = {"otp": ["mfa", "otp", "pin", "sms"], "card": ["hwk", "mfa", "pin", "sc"]}
    assert token["amr"] == proof[method]
    assert "account_level" not in token
    assert told == {
        "account_level": 2,
        "name": "Trần Thị Mai",
        "family_name": "Trần",
        "middle_name": "Thị",
        "given_name": "Mai",
        "gender": "female",
        "birthdate": "1999-05-17",
        "nationality": "VNM",
        "updated_at": 1_751_302_800,
        "pid": MAI,
        "phone_number": "+84530000001",
        "phone_number_verified": True,
        "email": "mai.tran@example.org",
        "email_verified": False,
        "address": {
            "formatted": "Số 8, đường Hoàng Diệu, Phường Ba Đình, Hà Nội",
            "street_address": "Số 8, đường Hoàng Diệu",
            "locality": "Phường Ba Đình",
            "region": "Hà Nội",
        },
        "age_over_14": True,
        "age_over_18": True,
        "age_over_60": False,
    }


def test_02_adult_man_without_card_logs_in_by_code(sandbox: Sandbox, rp: RelyingParty) -> None:
    token, told = claims(rp, by_code(rp, MINH))
    assert (token["acr"], token["amr"]) == (LEVEL_1, ["otp", "sms"])
    assert (told["name"], told["pid"]) == ("Nguyễn Văn Minh", MINH)


def test_02_somebody_elses_card_is_no_card_of_his(sandbox: Sandbox, rp: RelyingParty) -> None:
    card_is_refused(sandbox, rp, MINH, "number-mismatch", card=MAI)


def test_03_card_without_expiry_date_is_good(sandbox: Sandbox, rp: RelyingParty) -> None:
    token, told = claims(rp, by_card(sandbox, rp, HONG))
    assert (token["acr"], token["amr"]) == (LEVEL_1, ["hwk", "sc"])
    assert (told["name"], told["age_over_60"]) == ("Phạm Thị Hồng", True)


def test_03_without_passcode_level_2_is_explained(sandbox: Sandbox, rp: RelyingParty) -> None:
    at = by_card(sandbox, rp, HONG, acr_values=LEVEL_2)
    given_up(rp, at, "no_passcode", "unmet_authentication_requirements")


def test_04_girl_logs_in_by_card(sandbox: Sandbox, rp: RelyingParty) -> None:
    token, told = claims(rp, by_card(sandbox, rp, HAN, scope="openid age phone"))
    assert token["acr"] == LEVEL_1
    assert told == {"age_over_14": True, "age_over_18": False, "age_over_60": False}


def test_04_girl_without_phone_gets_no_code(rp: RelyingParty) -> None:
    code_is_refused(rp, HAN)


@pytest.mark.parametrize("method", ["otp", "card"])
def test_05_minority_name_is_told_exactly(method: str, sandbox: Sandbox, rp: RelyingParty) -> None:
    asked = {"scope": "openid profile pid"}
    at = by_code(rp, Y_BRIT, **asked) if method == "otp" else by_card(sandbox, rp, Y_BRIT, **asked)
    _, told = claims(rp, at)
    assert told == {
        "account_level": 2,
        "name": "Y Br\u012dt Ni\u00ea K\u2019\u0111\u0103m",
        "family_name": "Ni\u00ea K\u2019\u0111\u0103m",
        "given_name": "Y Br\u012dt",
        "gender": "male",
        "birthdate": "1985-10-20",
        "nationality": "VNM",
        "updated_at": 1_751_302_800,
        "pid": Y_BRIT,
        "former_ids": ["000000005"],
    }
    assert unicodedata.is_normalized("NFC", str(told["name"]))


def test_05_old_number_gets_a_sentence_that_helps(rp: RelyingParty) -> None:
    first = rp.open()
    assert isinstance(first, Page)
    page = rp.browser.submit(first, ("method", "otp"), id_number="000 000 005")
    assert isinstance(page, Page)
    assert page.status == 422
    assert SAID["identify.error.former"] in page.html
    again = rp.browser.submit(page, ("method", "otp"), id_number=Y_BRIT)
    assert isinstance(again, Page)
    assert again.form("otp"), "the same page goes on with the right number"


def test_06_locked_account_is_told_to_its_holder_alone(rp: RelyingParty) -> None:
    given_up(rp, by_code(rp, KHANH), "account_locked", "access_denied")


def test_07_revoked_card_leaves_the_code(sandbox: Sandbox, rp: RelyingParty) -> None:
    card_is_refused(sandbox, rp, TIN, "card-revoked")
    token, told = claims(rp, by_code(rp, TIN))
    assert token["amr"] == ["otp", "sms"]
    assert told["name"] == "Đỗ Hữu Tín"


def test_08_nobody_logs_in_as_the_deceased(sandbox: Sandbox, rp: RelyingParty) -> None:
    code_is_refused(rp, THO)
    card_is_refused(sandbox, rp, THO, "deceased")


def test_09_without_phone_the_card_is_the_way(sandbox: Sandbox, rp: RelyingParty) -> None:
    code_is_refused(rp, RINH)
    token, told = claims(rp, by_card(sandbox, rp, RINH))
    assert token["amr"] == ["hwk", "sc"]
    assert told["name"] == "Thạch Sa Rinh"
    assert not told.keys() & {"phone_number", "phone_number_verified"}


def neutral(page: Page) -> str:
    """A page's bytes but for what is random: ticket, form token, card token, picture, code."""
    ticket = urlsplit(page.url).path.split("/")[2]
    html = page.html.replace(ticket, "<ticket>")
    html = re.sub(r'(name="csrf_token" value=)"[^"]+"', r"\1", html)
    html = re.sub(r"launch_token=[\w.-]+|data:image/[^\"]+", "", html)
    html = re.sub(r"\d+ giây", "120 giây", html)  # of the card's code: they run
    return re.sub(r'(id="match-code">)\d\d', r"\1", html)


@pytest.mark.attack("L10")
@pytest.mark.parametrize("number", [NOBODY, HAN, KHANH, THO, RINH])
def test_L10_nobody_can_tell_who_there_is(number: str, rp: RelyingParty) -> None:
    def walk(typed: str) -> list[tuple[int, str]]:
        asked = choose(rp, "otp", typed)
        wrong = rp.browser.submit(asked, ("action", "verify"), otp="123456")
        again = rp.browser.submit(asked, ("action", "resend"))
        card = choose(rp, "card", typed)
        pages = [each for each in (asked, wrong, again, card) if isinstance(each, Page)]
        return [(each.status, neutral(each)) for each in pages]

    told = walk(number)
    assert [status for status, _ in told] == [200, 422, 200, 200]
    assert told == walk(MAI)

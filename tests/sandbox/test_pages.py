"""/sandbox: what its pages show and do, without JavaScript."""

import pytest
from werkzeug.test import Client as Http

from idp.app import Application
from idp.demo.citizens import CITIZENS
from tests.oidc.front import Page
from tests.sandbox.portal import ISSUER, MINH, Portal


def test_every_test_citizen_is_listed_with_code_passcode_and_card(app: Application) -> None:
    page = Http(app).get("/sandbox", base_url=ISSUER).text
    for each in CITIZENS:
        assert each.person.number.digits in page
    assert "000000" in page
    assert "111111" in page


@pytest.mark.parametrize(
    ("language", "words"), [("vi", "Công dân thử nghiệm"), ("en", "Test citizens")]
)
def test_it_speaks_vietnamese_first_and_english(
    app: Application, language: str, words: str
) -> None:
    assert words in Http(app).get(f"/sandbox?lang={language}", base_url=ISSUER).text
    assert "Công dân thử nghiệm" in Http(app).get("/sandbox", base_url=ISSUER).text


def test_a_client_is_found_by_its_id_and_has_a_page(app: Application, portal: Portal) -> None:
    page = Http(app).get(f"/sandbox?q={portal.client_id}", base_url=ISSUER).text
    assert page.count("/sandbox/client?client_id=") == 1
    assert portal.metadata["redirect_uris"][0] in page
    pasted = f"/sandbox?q=%E2%80%8B{portal.client_id}%C2%A0"  # U+200B, U+00A0
    assert Http(app).get(pasted, base_url=ISSUER).text.count("/sandbox/client?client_id=") == 1
    assert 'id="no-clients"' in Http(app).get("/sandbox?q=nothing-like-it", base_url=ISSUER).text
    shown = Http(app).get(f"/sandbox/client?client_id={portal.client_id}", base_url=ISSUER)
    assert shown.status_code == 200
    assert Http(app).get("/sandbox/client?client_id=nobody", base_url=ISSUER).status_code == 404


def at(portal: Portal) -> str:
    return f"/sandbox/client?client_id={portal.client_id}"


def test_a_result_is_set_by_the_form_shown_as_waiting_and_forgotten(portal: Portal) -> None:
    page = portal.go("GET", at(portal))
    assert 'id="pending"' not in page.text
    done = portal.submit(
        page, result="missing_claim", claim="birthdate", citizen=MINH, action="force"
    )
    assert 'id="pending"' in done.text
    assert portal.pending() == [{"result": "missing_claim", "citizen": MINH, "claim": "birthdate"}]
    assert 'id="pending"' not in portal.submit(done, action="clear").text
    assert portal.pending() == []


def test_a_mistake_in_the_form_is_told_beside_its_field(portal: Portal) -> None:
    page = portal.submit(portal.go("GET", at(portal)), result="missing_claim", action="force")
    assert page.status_code == 422
    assert 'id="claim-error"' in page.text


def test_a_form_from_elsewhere_is_refused(portal: Portal) -> None:
    form = Page(portal.go("GET", at(portal)).text).hidden
    sent = {**form, "result": "access_denied", "action": "force"}
    stolen = Http(portal.app).post(at(portal), base_url=ISSUER, data=sent)
    assert stolen.status_code == 403
    forged = portal.go("POST", at(portal), data={**sent, "csrf_token": "A" * 43})
    assert forged.status_code == 403
    assert portal.pending() == []


def test_exchanges_are_shown_with_tokens_and_reasons(portal: Portal) -> None:
    portal.tokens()
    portal.redeem({"code": "no code of ours"})
    page = portal.go("GET", at(portal)).text
    assert "malformed_code" in page
    assert "id_token" in page
    assert portal.metadata["client_secret"] not in page
    emptied = portal.submit(portal.go("GET", at(portal)), action="forget").text
    assert 'id="no-exchanges"' in emptied


def test_the_page_reloads_itself_where_that_is_wanted(portal: Portal) -> None:
    assert "Refresh" not in portal.go("GET", at(portal)).headers
    assert portal.go("GET", f"{at(portal)}&refresh=1").headers["Refresh"] == "10"


def test_the_banner_leads_to_the_sandbox(portal: Portal) -> None:
    assert 'href="/sandbox"' in portal.authorize().text

"""Rendering: strict, escaped, in the reader's language."""

from html.parser import HTMLParser

import jinja2
import pytest

from idp.web.http import Params, Request
from idp.web.i18n import LOCALES, catalogue
from idp.web.templates import FormError, Pages, environment
from tests.web.samples import SAMPLES

HOSTILE = (
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    "{{7*7}}",
    "${7*7}",
    "%s%n{client}{0}",
    "</title><img src=x onerror=alert(1)>",
)


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def shown(pages: Pages, name: str, locale: str = "vi", **changes: object) -> Tags:
    sample = SAMPLES[name]
    request = Request("GET", "/x", query=Params([("lang", locale)]))
    answer = pages.render(request, sample.template, **{**sample.context, **changes})
    return Tags(answer.body.decode())


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_has_one_heading_and_an_unmistakable_title(
    pages: Pages, name: str, locale: str
) -> None:
    page = shown(pages, name, locale)
    assert len(page.all("h1")) == 1
    assert len(page.all("title")) == 1
    assert page.all("html") == [{"lang": locale}]
    assert "{" not in page.text.replace("{\n", "")


@pytest.mark.parametrize(
    "kind", sorted({key.split(".")[1] for key in catalogue("vi") if key.startswith("notice.")})
)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_notice_says_what_to_do(pages: Pages, kind: str, locale: str) -> None:
    page = shown(pages, "notice", locale, kind=kind)
    assert catalogue(locale)[f"notice.{kind}.title"] in page.text  # type: ignore[index]
    assert {"id": "onward", "href": "/page/identify", "class": "button"} in page.all("a")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_form_carries_its_token_and_every_button_submits(pages: Pages, name: str) -> None:
    page = shown(pages, name)
    tokens = [each for each in page.all("input") if each.get("name") == "csrf_token"]
    leaves = name == "form-post"  # to a relying party, which knows nothing of our tokens
    forms = [each for each in page.all("form") if each.get("role") != "search"]
    assert len(tokens) == len(forms) - leaves
    assert all(each.get("method") == "post" for each in forms)
    assert all(each.get("type") == "submit" for each in page.all("button"))


def buttons(page: Tags) -> list[tuple[str | None, str | None]]:
    return [(each.get("name"), each.get("value")) for each in page.all("button")]


def test_fields_and_buttons_are_those_of_the_contract(pages: Pages) -> None:
    cancel = ("action", "cancel")
    assert buttons(shown(pages, "identify")) == [("method", "otp"), ("method", "card"), cancel]
    assert buttons(shown(pages, "identify-level-2")) == [("method", "card"), cancel]
    assert buttons(shown(pages, "otp")) == [("action", "verify"), ("action", "resend"), cancel]
    assert buttons(shown(pages, "consent")) == [("decision", "allow"), ("decision", "deny")]
    assert buttons(shown(pages, "logout")) == [("decision", "logout"), ("decision", "stay")]
    for name, field in (("identify", "id_number"), ("otp", "otp"), ("passcode", "passcode")):
        assert field in [each.get("name") for each in shown(pages, name).all("input")]
    card = {each.get("id") for _, each in shown(pages, "card").found}
    assert {"open-agent", "card-qr", "match-code"} <= card
    error = {each.get("id") for _, each in shown(pages, "error").found}
    assert {"error-code", "reference"} <= error


def test_consent_has_nothing_ticked(pages: Pages) -> None:
    boxes = [each for each in shown(pages, "consent").all("input") if each["type"] == "checkbox"]
    assert [each["value"] for each in boxes] == ["phone_number", "email", "address"]
    assert not any("checked" in each for each in boxes)


@pytest.mark.attack("P12")
@pytest.mark.attack("J17")
@pytest.mark.parametrize("text", HOSTILE)
def test_P12_J17_whatever_is_shown_is_shown_literally(pages: Pages, text: str) -> None:
    fresh = {
        "identify": {"client_name": text, "id_number": text, "action": text},
        "consent": {"client_name": text, "client_host": text, "purpose": text},
        "error": {"detail": text, "code": text},
        "logout": {"client": text, "fields": (("state", text), (text, "x"))},
        "form-post": {"client": text, "members": (("state", text),), "action": text},
    }
    for name, changes in fresh.items():
        usual, page = shown(pages, name), shown(pages, name, **changes)
        assert len(page.all("script")) == len(usual.all("script"))
        assert len(page.all("img")) == len(usual.all("img"))
        assert text in page.text


@pytest.mark.attack("J17")
def test_J17_hostile_query_and_path_stay_in_the_links(pages: Pages) -> None:
    for text in HOSTILE:
        request = Request("GET", "/login/" + text, query=Params([("state", text), (text, "x")]))
        sample = SAMPLES["error"]
        page = Tags(pages.render(request, sample.template, **sample.context).body.decode())
        assert len(page.all("script")) == 0
        assert len(page.all("img")) == 1


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("//evil.example/x", "/evil.example/x?lang=en"),
        ("/\\evil.example", "/%5Cevil.example?lang=en"),
        ("/a?b#c", "/a%3Fb%23c?lang=en"),
        ("/\xe1\xbb\x85", "/%E1%BB%85?lang=en"),
        ("", "/?lang=en"),
    ],
)
def test_language_links_never_leave_us(pages: Pages, path: str, link: str) -> None:
    sample = SAMPLES["error"]
    answer = pages.render(Request("GET", path), sample.template, **sample.context)
    assert {"href": link, "lang": "en", "hreflang": "en"} in Tags(answer.body.decode()).all("a")


def test_language_is_chosen_on_the_page_and_kept_in_a_cookie(pages: Pages) -> None:
    sample = SAMPLES["stayed"]
    chosen = Request("GET", "/logout", query=Params([("lang", "en"), ("state", "a b")]))
    answer = pages.render(chosen, sample.template, **sample.context)
    assert answer.cookies == ("__Host-eid_lang=en; Path=/; HttpOnly; SameSite=Lax; Secure",)
    assert b"/logout?state=a+b&amp;lang=vi" in answer.body
    later = Request("GET", "/logout", cookies={"__Host-eid_lang": "en"})
    assert pages.locale(later) == "en"
    unknown = Request("GET", "/", query=Params([("lang", "xx"), ("lang", "yy")]))
    assert pages.render(unknown, sample.template, **sample.context).cookies == ()


def test_language_links_lead_where_the_page_says_it_is(pages: Pages) -> None:
    request = Request("POST", "/authorize", query=Params([("request_uri", "once")]))
    sample = SAMPLES["identify"]
    answer = pages.render(request, sample.template, here="/login/t1", **sample.context)
    assert b'href="/login/t1?lang=en"' in answer.body


def test_mistakes_mark_title_summary_and_field(pages: Pages) -> None:
    page = shown(pages, "otp", errors=(FormError("otp", "otp.error.wrong"),))
    assert "Lỗi: Nhập mã OTP" in page.text
    assert {"href": "#otp"} in page.all("a")
    field = next(each for each in page.all("input") if each["name"] == "otp")
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "otp-hint otp-error-1"
    assert "value" not in field or not field["value"]


def test_incomplete_context_is_an_error(pages: Pages) -> None:
    with pytest.raises(jinja2.UndefinedError):
        pages.render(Request("GET", "/"), "login/otp.html", csrf_token="x")


def test_every_template_is_shown_by_a_sample() -> None:
    parts = {"base.html", "forms.html", "demo/base.html"}
    assert {each.template for each in SAMPLES.values()} | parts == set(
        environment().list_templates()
    )

"""Every page in a real browser: no accessibility violation, nothing cut off, nothing blocked."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from idp.web.security import form_target, page_policy
from tests.browser.chromium import ROOT
from tests.browser.driver import Contexts
from tests.browser.inspection import AXE, RUN_AXE, SCREENSHOTS, TOO_WIDE, inspect, shot
from tests.web.samples import SAMPLES


def stay(page: Page) -> None:
    """Keep a page that would leave at once, before anybody could look at it."""
    page.route("**/form_post.js", lambda route: route.fulfill(body=""))


@pytest.mark.parametrize("locale", ["vi", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_accessible_and_fits(
    name: str, locale: str, samples: str, open_context: Contexts
) -> None:
    page = open_context(bypass_csp=True).new_page()  # for axe's own script only
    stay(page)
    page.goto(f"{samples}/page/{name}?lang={locale}")
    assert page.locator("html").get_attribute("lang") == locale
    inspect(page, f"{name}-{locale}")


@pytest.mark.parametrize("name", ["identify", "card", "consent", "otp-error", "demo-profile"])
def test_dark_page_is_accessible(name: str, samples: str, open_context: Contexts) -> None:
    page = open_context(bypass_csp=True, color_scheme="dark").new_page()
    page.goto(f"{samples}/page/{name}")
    shot(page, f"{name}-dark")
    page.evaluate(AXE.read_text())
    assert page.evaluate(RUN_AXE) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_policy_blocks_nothing_of_ours(name: str, samples: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on(
        "response",
        lambda answer: answer.ok or complaints.append(f"{answer.status} {answer.url}"),
    )
    stay(page)
    page.goto(f"{samples}/page/{name}")
    page.wait_for_load_state("networkidle")
    assert complaints == []


def test_J15_inline_script_does_not_run(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/otp")
    page.evaluate(
        "() => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"name=1\">')"
    )
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )
    assert page.evaluate("window.ran") is None


def posted(page: Page) -> list[list[str]]:
    page.wait_for_url("**/post")
    found: list[list[str]] = json.loads(page.locator("body").inner_text())
    return found


@pytest.mark.parametrize("script", [True, False])
def test_login_by_keyboard_alone(script: bool, samples: str, open_context: Contexts) -> None:
    page = open_context(java_script_enabled=script).new_page()
    page.goto(f"{samples}/page/identify")
    expect(page.locator("#id_number")).to_be_focused()
    page.keyboard.type("000199000001")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert ["id_number", "000199000001"] in posted(page)
    assert posted(page)[-1] == ["method", "otp"]
    page.goto(f"{samples}/page/otp")
    expect(page.locator("#otp")).to_be_focused()
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    assert posted(page)[1:] == [["otp", "000000"], ["action", "verify"]]


def test_order_of_focus_is_the_order_of_reading(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/identify-step-up")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.className === 'skip' ? 'skip' : e.hreflang || e.value || e.name"
                " || e.pathname }"
            )
        )
    assert seen[:3] == ["skip", "/sandbox", "en"]
    assert seen[3:7] == ["id_number", "otp", "card", "cancel"]


def test_skip_link_leads_to_the_content(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/consent")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_mistake_is_linked_to_its_field(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/otp-error")
    assert page.title().startswith("Lỗi: ")
    assert page.evaluate("document.activeElement.id") == "otp"
    page.locator(".summary a").click()
    assert page.evaluate("document.activeElement.id") == "otp"
    described = page.locator("#otp").get_attribute("aria-describedby") or ""
    texts = [page.locator(f"#{each}").inner_text() for each in described.split()]
    assert "Mã OTP không đúng hoặc đã hết hạn" in texts[1]


def test_language_switch_keeps_the_page_and_is_remembered(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/logout?state=a%26b")
    page.locator(".languages a").click()
    assert page.url.endswith("/page/logout?state=a%26b&lang=en")
    expect(page.locator("h1")).to_have_text("Log out?")
    page.goto(f"{samples}/page/otp")
    expect(page.locator("h1")).to_have_text("Enter the one-time code")


def test_nothing_voluntary_is_ticked(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/consent")
    boxes = page.locator("input[name=claims]")
    expect(boxes).to_have_count(3)
    assert not any(box.is_checked() for box in boxes.all())
    boxes.first.check()
    page.locator("button[name=decision][value=allow]").click()
    assert posted(page)[1:] == [["claims", "phone_number"], ["decision", "allow"]]


@pytest.mark.parametrize("script", [True, False])
def test_an_answer_sends_itself_or_waits_for_its_button(
    script: bool, samples: str, open_context: Contexts
) -> None:
    page = open_context(java_script_enabled=script).new_page()
    page.goto(f"{samples}/page/form-post")
    if not script:
        page.get_by_role("button", name="Tiếp tục").click()
    assert posted(page) == [
        ["code", "x" * 66],
        ["state", "xyz"],
        ["iss", "https://id.example.vn"],
    ]


@pytest.mark.attack("J18")
@pytest.mark.parametrize(("named", "leaves"), [("localhost", True), ("evil.example", False)])
def test_J18_an_answer_leaves_for_the_origin_its_policy_names(
    named: str, leaves: bool, samples: str, page: Page
) -> None:
    elsewhere = f"{samples.replace('127.0.0.1', 'localhost')}/post"
    target = form_target(elsewhere.replace("localhost", named))

    def for_elsewhere(route: Route) -> None:
        answer = route.fetch()
        policy = page_policy((target,), own_forms=False)
        headers = {**answer.headers, "content-security-policy": policy}
        body = answer.text().replace('action="/post"', f'action="{elsewhere}"')
        route.fulfill(response=answer, headers=headers, body=body)

    page.route("**/page/form-post", for_elsewhere)
    if leaves:
        page.goto(f"{samples}/page/form-post", wait_until="commit")
        assert posted(page)[1] == ["state", "xyz"]
        assert page.url == elsewhere
    else:
        with page.expect_console_message(lambda message: "form-action" in message.text):
            page.goto(f"{samples}/page/form-post", wait_until="commit")
        assert page.url == f"{samples}/page/form-post"


def test_card_page_moves_on_by_itself(samples: str, page: Page) -> None:
    states = iter(["waiting", "opened", "done"])
    page.route("**/status", lambda route: route.fulfill(json={"state": next(states, "done")}))
    page.goto(f"{samples}/page/card")
    expect(page.locator("#card-state")).to_contain_text("Đã kết nối")
    page.wait_for_url("**/page/passcode")


def test_card_page_says_when_the_code_is_over(samples: str, page: Page) -> None:
    page.route("**/status", lambda route: route.fulfill(json={"state": "expired"}))
    page.goto(f"{samples}/page/card")
    expect(page.locator("#card-state")).to_have_attribute("data-state", "expired")
    expect(page.get_by_role("status").filter(visible=True)).to_contain_text("Mã QR đã hết hạn.")
    expect(page.get_by_text("Đang chờ bạn đọc thẻ…")).to_be_hidden()


def test_card_page_without_script_can_go_on(samples: str, open_context: Contexts) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{samples}/page/card")
    page.get_by_role("link", name="Tôi đã đọc thẻ xong").click()
    page.wait_for_url("**/page/passcode")


def test_text_can_be_twice_as_large(samples: str, open_context: Contexts) -> None:
    page = open_context(viewport={"width": 640, "height": 800}).new_page()
    page.goto(f"{samples}/page/consent")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(TOO_WIDE) <= 0


def test_vietnamese_and_minority_letters_have_our_font(samples: str, page: Page) -> None:
    page.goto(f"{samples}/page/identify")
    page.evaluate("document.fonts.load('600 16px \"Be Vietnam Pro\"', 'ễợ H’Hen Niê Ŏ č')")
    check = "document.fonts.check('600 16px \"Be Vietnam Pro\"', 'ễợ Niê Ŏ č')"
    assert page.evaluate(check)


def test_screenshots_are_kept_out_of_git() -> None:
    ignored = (ROOT / ".gitignore").read_text()
    assert f"/{SCREENSHOTS.relative_to(ROOT)}/" in ignored
    assert isinstance(SCREENSHOTS, Path)

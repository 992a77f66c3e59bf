"""A citizen in a real Chromium: from the portal to the provider, the card reader, and back."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import (
    APIResponse,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Route,
    expect,
)

from idp.demo.portal import CLIENT_ID
from idp.keystore.file import KeyStore
from idp.login.ticket import Ticket
from idp.web.i18n import catalogue
from tests.browser.driver import Contexts
from tests.browser.inspection import inspect
from tests.e2e.sandbox import Sandbox, launch_token

pytestmark = pytest.mark.browser

MAI, MINH, HONG, HAN, Y_BRIT, KHANH, RINH = (
    "000199000001",
    "000099000002",
    "000158000003",
    "000311000004",
    "000085000005",
    "000090000006",
    "000190000009",
)
CODE, PASSCODE = "000000", "111111"
LOCALES = {"vi": "vi-VN", "en": "en-GB"}
ALLOW = "button[name=decision][value=allow]"
VERIFY = "button[value=verify]"
LOGIN_TTL = 30 * 60
MOST_PAGES = 6


@dataclass
class Tab:
    """A tab at the portal; ``complaints`` are what the browser said about our own pages."""

    page: Page
    portal: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._told)

    def _told(self, message: ConsoleMessage) -> None:
        refused = "the server responded with a status of 4" in message.text  # a page like others
        if message.type == "error" and not refused:
            self.complaints.append(message.text)

    def __getitem__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def begin(self, link: str = "#login") -> None:
        """Go to the portal and press its button."""
        self.page.goto(self.portal)
        self[link].click()

    def identify(self, number: str, method: str = "otp") -> None:
        """Say who is there and how they will prove it."""
        self["#id_number"].fill(number)
        self[f"button[name=method][value={method}]"].click()

    def code(self, code: str = CODE) -> None:
        """Type the one-time code."""
        self["#otp"].fill(code)
        self[VERIFY].click()

    def log_in(self, number: str) -> None:
        """The whole way by code."""
        self.begin()
        self.identify(number)
        self.code()
        self.arrive()

    def arrive(self) -> None:
        """Allow what the portal asks for, if it is asked for now, and see the portal's profile."""
        expect(self[f"{ALLOW}, #level"]).to_be_visible()
        if self[ALLOW].count():
            self[ALLOW].click()
        expect(self["#level"]).to_be_visible()
        assert self.page.url == f"{self.portal}/profile"

    def muddle_through(self) -> None:
        """Press the one button that each page offers to go on, until the portal's profile."""
        for _ in range(MOST_PAGES):
            on = self[f"#onward, #login, {ALLOW}, #level"]
            expect(on).to_be_visible()
            if self["#level"].count():
                return
            on.click()
        raise AssertionError(f"no way on at {self.page.url}")

    def notice(self, kind: str, locale: str = "vi") -> None:
        """See the page that explains ``kind``."""
        said = catalogue("vi" if locale == "vi" else "en")
        expect(self["h1"]).to_have_text(said[f"notice.{kind}.title"])
        expect(self["#notice"]).to_be_visible()

    def reach(self, selector: str) -> None:
        """Come to an element by the Tab key alone."""
        expect(self[selector]).to_be_visible()
        for _ in range(40):
            if self[f"{selector}:focus"].count():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached by keyboard")


Enter = Callable[..., Tab]


@pytest.fixture
def enter(portal: str, open_context: Contexts) -> Iterator[Enter]:
    """Opens tabs: in a browser of its own, or in one that is given. None may have complained."""
    tabs: list[Tab] = []

    def enter(context: BrowserContext | None = None, **options: object) -> Tab:
        tab = Tab((context or open_context(**options)).new_page(), portal)
        tabs.append(tab)
        return tab

    yield enter
    assert [each for tab in tabs for each in tab.complaints] == []


@pytest.mark.parametrize("script", [True, False])
def test_login_by_keyboard_alone(script: bool, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter(java_script_enabled=script)
    keyboard = tab.page.keyboard
    tab.page.goto(tab.portal)
    tab.reach("#login")
    keyboard.press("Enter")
    expect(tab["#id_number"]).to_be_focused()
    keyboard.type(sandbox.person())
    tab.reach("button[value=otp]")
    keyboard.press("Enter")
    expect(tab["#otp"]).to_be_focused()
    keyboard.type(CODE)
    keyboard.press("Enter")
    tab.reach("input[value=name]")
    keyboard.press("Space")
    tab.reach(ALLOW)
    keyboard.press("Enter")
    expect(tab["#level"]).to_be_visible()
    assert tab.page.url == f"{tab.portal}/profile"


@pytest.mark.parametrize("script", [True, False])
def test_level_2_by_code_and_passcode(script: bool, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter(java_script_enabled=script)
    tab.begin("#login-level")
    tab.identify(sandbox.person())
    tab.code()
    tab["#passcode"].fill(PASSCODE)
    tab[VERIFY].click()
    tab.arrive()
    expect(tab["#level"]).to_contain_text("2")
    expect(tab["#step-up"]).to_have_count(0)


def test_step_up_asks_for_what_is_missing_alone(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.log_in(sandbox.person())
    expect(tab["#level"]).to_contain_text("1")
    tab["#step-up"].click()
    tab["#passcode"].fill(PASSCODE)
    tab[VERIFY].click()
    expect(tab["#level"]).to_contain_text("2")


@pytest.mark.parametrize(("script", "number"), [(True, MAI), (False, HONG)])
def test_card_in_a_reader_beside_the_browser(
    script: bool, number: str, bridge: int, enter: Enter
) -> None:
    tab = enter(java_script_enabled=script)

    def to_its_port(route: Route) -> None:
        """The link names the one port a reader has on a citizen's machine; tests share theirs."""
        there = route.request.url.replace(":24730/", f":{bridge}/")
        route.fulfill(status=302, headers={"location": there})

    tab.page.route("http://127.0.0.1:24730/**", to_its_port)
    tab.begin()
    tab.identify(number, "card")
    tab["#open-agent"].click()
    expect(tab["body"]).to_contain_text("Cổng dịch vụ công Thành phố Hoa Sen")
    if script:
        inspect(tab.page, "live-bridge")
    tab[f"button[name=card][value='{number}']"].click()
    tab.arrive()


@pytest.mark.parametrize(("script", "number"), [(True, HAN), (False, Y_BRIT)])
def test_card_on_another_machine(script: bool, number: str, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter(java_script_enabled=script)
    tab.begin()
    tab.identify(number, "card")
    read = sandbox.read_card(number, qr_link(sandbox, tab), "--match-code", match_code(tab))
    assert read.returncode == 0, read.stderr
    assert sandbox.issuer not in read.stdout.rpartition("\n")[2], (
        "no link: the browser is elsewhere"
    )
    if not script:
        tab.page.get_by_role("link", name="Tôi đã đọc thẻ xong").click()
    tab.arrive()


def test_wrong_match_code_is_told_and_a_new_code_goes_on(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab.identify(RINH, "card")
    wrong = "10" if match_code(tab) != "10" else "11"
    link = qr_link(sandbox, tab)
    assert sandbox.read_card(RINH, link, "--match-code", wrong).returncode == 1
    expect(tab["#card-state"]).to_have_attribute("data-state", "failed")
    tab.page.get_by_role("link", name="Tạo mã mới").click()
    expect(tab["#card-state"]).to_have_attribute("data-state", "waiting")
    assert qr_link(sandbox, tab) != link
    read = sandbox.read_card(RINH, qr_link(sandbox, tab), "--match-code", match_code(tab))
    assert read.returncode == 0, read.stderr
    tab.arrive()


def qr_link(sandbox: Sandbox, tab: Tab) -> str:
    """What the QR code says: it holds the token of the link beside it."""
    expect(tab["#card-qr"]).to_be_visible()
    href = tab["#open-agent"].get_attribute("href") or ""
    return f"{sandbox.issuer}/card#{launch_token(href)}"


def match_code(tab: Tab) -> str:
    """The two digits that the citizen compares."""
    return tab["#match-code"].inner_text().strip()


def test_portal_gets_what_was_ticked_and_nothing_else(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab.identify(sandbox.person())
    tab.code()
    expect(tab[ALLOW]).to_be_visible()
    boxes = tab["input[name=claims]"].all()
    assert len(boxes) > 5
    assert not any(box.is_checked() for box in boxes)
    tab["input[value=age_over_18]"].check()
    tab[ALLOW].click()
    expect(tab[".claims tbody tr"]).to_have_count(1)


@pytest.mark.parametrize("step", ["identify", "otp", "passcode", "card", "consent"])
def test_giving_up_leads_back_to_the_portal(step: str, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin("#login-level" if step == "passcode" else "#login")
    if step != "identify":
        tab.identify(sandbox.person(), "card" if step == "card" else "otp")
    if step in ("passcode", "consent"):
        tab.code()
    if step == "passcode":
        expect(tab["#passcode"]).to_be_visible()
    button = "[name=decision][value=deny]" if step == "consent" else "[name=action][value=cancel]"
    tab[f"button{button}"].click()
    expect(tab["#failure"]).to_be_visible()
    assert tab.page.url == f"{tab.portal}/"


def test_logout_from_the_portal_ends_the_login_everywhere(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.log_in(sandbox.person())
    tab["#logout"].click()
    tab["#login"].click()
    expect(tab["#id_number"]).to_be_visible()


def test_logout_at_the_provider_is_asked_for(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.log_in(sandbox.person())
    tab.page.goto(f"{sandbox.issuer}/logout")
    tab["button[name=decision][value=stay]"].click()
    expect(tab["h1"]).to_have_text(catalogue("vi")["logout.stayed"])
    tab.begin()
    tab.arrive()  # still logged in
    tab.page.goto(f"{sandbox.issuer}/logout")
    tab["button[name=decision][value=logout]"].click()
    expect(tab["h1"]).to_have_text(catalogue("vi")["logout.done"])
    tab.begin()
    expect(tab["#id_number"]).to_be_visible()


def test_language_can_be_switched_in_the_middle(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab[".languages a"].click()
    expect(tab["html"]).to_have_attribute("lang", "en")
    tab.identify(sandbox.person())
    tab[".languages a"].click()
    expect(tab["html"]).to_have_attribute("lang", "vi")
    tab.code()
    tab.arrive()


def test_reload_changes_nothing(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab.page.reload()
    tab.identify(sandbox.person())
    expect(tab["#otp"]).to_be_visible()
    tab.page.reload()
    tab.code("123456")
    expect(tab[".summary"]).to_be_visible()
    tab.page.reload()  # sends the wrong code again
    expect(tab[".summary"]).to_be_visible()
    tab.code()
    expect(tab[ALLOW]).to_be_visible()
    tab.page.reload()
    tab.arrive()


def test_back_to_the_number_begins_again(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab.identify(sandbox.person())
    expect(tab["#otp"]).to_be_visible()
    tab.page.go_back()
    tab.identify(sandbox.person())
    tab.code()
    tab.arrive()


def test_back_after_the_end_explains_and_goes_on(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.log_in(sandbox.person())
    tab.page.go_back()
    tab.notice("over")
    tab.page.go_back()
    tab.code()  # the page is as it was; its answer explains
    tab.notice("over")
    tab["#onward"].click()
    expect(tab["#login"]).to_be_visible()
    assert tab.page.url == f"{tab.portal}/"
    tab["#login"].click()
    expect(tab["#level"]).to_be_visible()


def test_two_logins_in_two_tabs_both_arrive(sandbox: Sandbox, enter: Enter) -> None:
    first = enter()
    second = enter(first.page.context)
    number = sandbox.person()
    first.begin()
    second.begin()
    first.identify(number)
    first.code()
    first.arrive()
    second.identify(number)
    second.arrive()  # logged in meanwhile: no second code is asked for


def test_two_people_in_two_tabs_each_get_their_own(sandbox: Sandbox, enter: Enter) -> None:
    first = enter()
    second = enter(first.page.context)
    first.begin()
    second.begin()
    first.identify(sandbox.person())
    first.code()
    first.arrive()
    second.identify(sandbox.person())
    second.code()  # somebody else is logged in meanwhile, who is not taken for them
    expect(second[ALLOW]).to_be_visible()
    second.arrive()


def test_one_login_in_two_tabs_ends_once(sandbox: Sandbox, enter: Enter) -> None:
    first = enter()
    second = enter(first.page.context)
    first.begin()
    first.identify(sandbox.person())
    expect(first["#otp"]).to_be_visible()
    second.page.goto(first.page.url)
    second.code()
    second.arrive()
    first.code()
    first.notice("over")
    first.muddle_through()


@pytest.mark.parametrize("button", [VERIFY, ALLOW])
def test_second_click_while_the_first_is_answered(
    button: str, sandbox: Sandbox, enter: Enter
) -> None:
    tab = enter()
    answered: list[APIResponse] = []

    def slowly(route: Route) -> None:
        """The first form arrives and does its work, but its answer does not come back in time."""
        if route.request.method == "POST" and not answered:
            answered.append(route.fetch())
        else:
            route.fallback()

    tab.begin()
    before = grants(sandbox)
    tab.identify(sandbox.person())
    if button == ALLOW:
        tab.code()
    else:
        tab["#otp"].fill(CODE)
    expect(tab[button]).to_be_visible()
    tab[button].scroll_into_view_if_needed()
    box = tab[button].bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.route(f"{sandbox.issuer}/**", slowly)
    tab.page.mouse.click(*middle)
    while not answered:
        tab.page.wait_for_timeout(20)
    tab.page.mouse.click(*middle)
    tab.muddle_through()
    assert answered[0].ok
    flows = grants(sandbox)[len(before) :]
    assert flows
    assert len(set(flows)) == len(flows), "one code for each login"


@pytest.mark.parametrize("button", [VERIFY, ALLOW])
def test_double_click_is_one_click(button: str, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    tab.identify(sandbox.person())
    if button == ALLOW:
        tab.code()
    else:
        tab["#otp"].fill(CODE)
    tab[button].dblclick()
    tab.muddle_through()


def grants(sandbox: Sandbox) -> list[str]:
    """The login of every authorization granted so far."""
    lines = sandbox.program.idp("audit", "export").stdout.splitlines()
    events = [json.loads(each)["entry"] for each in lines]
    return [each["flow"] for each in events if each["event"] == "AuthorizationGranted"]


def test_expired_login_explains_and_goes_on(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    expect(tab["#id_number"]).to_be_visible()
    (login,) = (each for each in tab.page.context.cookies() if each.get("name") == "eid_login")
    key = KeyStore(sandbox.program.directory / "keys").derive("login")
    begun_at = int(time.time()) - LOGIN_TTL
    old = Ticket.issue(key, str(login.get("value")), client_id=CLIENT_ID, now=begun_at).text
    for step in ("", "/otp", "/passcode", "/card", "/continue"):
        tab.page.goto(f"{sandbox.issuer}/login/{old}{step}")
        tab.notice("expired")
    tab.page.goto(f"{sandbox.issuer}/consent/{old}")
    tab.notice("expired")
    tab["#onward"].click()
    expect(tab["#login"]).to_be_visible()


def test_browser_without_cookies_is_told_so(sandbox: Sandbox, enter: Enter) -> None:
    tab = enter()
    tab.begin()
    expect(tab["#id_number"]).to_be_visible()
    tab.page.context.clear_cookies()
    tab.identify(sandbox.person())
    tab.notice("no_cookie")
    tab["#onward"].click()
    expect(tab["#login"]).to_be_visible()


def test_link_of_another_browser_is_refused(sandbox: Sandbox, enter: Enter) -> None:
    mine, theirs = enter(), enter()
    mine.begin()
    mine.identify(sandbox.person())
    theirs.begin()
    expect(mine["#otp"]).to_be_visible()
    expect(theirs["#id_number"]).to_be_visible()
    theirs.page.goto(mine.page.url)
    theirs.notice("other_browser")
    mine.code()
    mine.arrive()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_of_a_login_is_accessible(locale: str, sandbox: Sandbox, enter: Enter) -> None:
    tab = enter(locale=LOCALES[locale])

    def seen(name: str, mark: str) -> None:
        expect(tab[mark]).to_be_visible()
        expect(tab["html"]).to_have_attribute("lang", locale)
        inspect(tab.page, f"live-{name}-{locale}")

    tab.begin("#login-level")
    seen("identify", "#id_number")
    tab.identify("12")
    seen("identify-error", ".summary")
    tab.identify(MAI, "card")
    seen("card", "#card-qr")
    tab["a.plain"].click()
    tab.identify(sandbox.person())
    seen("otp", "#otp")
    tab.code("123456")
    seen("otp-error", ".summary")
    tab.code()
    seen("passcode", "#passcode")
    tab["#passcode"].fill("999999")
    tab[VERIFY].click()
    seen("passcode-error", ".summary")
    tab["#passcode"].fill(PASSCODE)
    tab[VERIFY].click()
    seen("consent", ALLOW)
    tab[ALLOW].click()
    seen("profile", "#level")
    tab.page.go_back()
    seen("notice-over", "#onward")
    tab.page.goto(f"{sandbox.issuer}/logout")
    seen("logout", "button[value=logout]")
    tab["button[value=logout]"].click()
    seen("logged-out", "h1")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_that_explains_is_accessible(
    locale: str, sandbox: Sandbox, enter: Enter
) -> None:
    tab = enter(locale=LOCALES[locale])

    def seen(name: str, mark: str) -> None:
        expect(tab[mark]).to_be_visible()
        expect(tab["html"]).to_have_attribute("lang", locale)
        inspect(tab.page, f"live-{name}-{locale}")

    tab.page.goto(f"{sandbox.issuer}/authorize?client_id=nobody")
    seen("error", "#error-code")
    tab.page.goto(f"{sandbox.issuer}/card")
    seen("card-app", ".warning")
    tab.begin()
    tab.identify(KHANH)
    tab.code()
    tab.notice("account_locked", locale)
    seen("notice-account_locked", "button[value=cancel]")
    tab["button[value=cancel]"].click()
    seen("portal-failure", "#failure")
    tab["#login-level"].click()
    tab.identify(HONG)
    tab.code()
    tab.notice("no_passcode", locale)
    seen("notice-no_passcode", "button[value=cancel]")
    tab.begin()
    tab.identify(MINH)
    for _ in range(5):
        tab.code("123456")
    tab.notice("code_spent", locale)
    seen("notice-code_spent", "#onward")
    tab.begin()
    tab.page.context.clear_cookies()
    tab.identify(MINH)
    tab.notice("no_cookie", locale)
    seen("notice-no_cookie", "#notice")

"""``idp demo up``, which ``make run`` starts: two logins, and a portal to use by hand."""

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from idp.demo.login import Page, code_from_phone, simulated_reader
from tests.e2e.programs import BIN, Program, alive, free_port, until
from tests.interop.documented import ROOT


class Demo(Program):
    """The demo, its portal at ``portal``."""

    portal: str
    reader: int


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    program = Demo.under(tmp_path_factory.mktemp("demo"))
    portal, program.reader = free_port(), free_port()
    program.portal = f"http://localhost:{portal}"
    options = ("--portal", f"127.0.0.1:{portal}", "--reader-port", str(program.reader))
    ready = f"http://127.0.0.1:{portal}/"
    keyboard, terminal = pty.openpty()  # as from a shell: what is started must not wait for keys
    with program.running("demo", "up", *options, ready=ready, stdin=terminal) as process:
        until(lambda: "Ctrl-C" in program.log or process.poll() is not None, program)
        yield program
        children = program.descendants()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, program.log
        until(lambda: not any(map(alive, children)), program)
    os.close(keyboard)
    os.close(terminal)


def test_it_logs_in_by_code_and_by_card(demo: Demo) -> None:
    assert demo.log.count("verified ID token: {") == 2
    assert "logs in by otp" in demo.log
    assert '"amr": ["otp", "sms"]' in demo.log
    assert '"amr": ["hwk", "sc"]' in demo.log
    assert re.search(r"POST /token +200", demo.log)
    assert "000190000009" in demo.log
    assert "Traceback" not in demo.log


def test_it_tells_programs_all_of_it_too(tmp_path: Path) -> None:
    program, port = Demo.under(tmp_path), free_port()
    portal = f"127.0.0.1:{port}"
    options = ("--portal", portal, "--reader-port", str(free_port()), "--format", "json")
    with program.running("demo", "up", *options, ready=f"http://{portal}/") as process:
        until(lambda: '"phone"' in program.log or process.poll() is not None, program)
    ready, code, card, welcome, stopped = map(json.loads, program.log.splitlines())
    assert ready["ready"] == welcome["provider"] == program.url
    assert [each["login"] for each in (code, card)] == ["otp", "card"]
    assert code["claims"]["amr"] == ["otp", "sms"]
    assert any("POST /token" in each for each in code["hops"])
    assert welcome["portal"] == f"http://localhost:{port}"
    assert "000190000009" in welcome["citizens"]
    assert stopped == {"stopped": True}


def test_it_opens_registration_and_the_sandbox_to_a_portals_developer(demo: Demo) -> None:
    assert f"POST its metadata to {demo.url}/register" in demo.log
    assert f"{demo.url}/sandbox" in demo.log
    metadata = {
        "client_name": "My portal",
        "redirect_uris": ["http://localhost:3000/callback"],
        "scope": "openid profile",
    }
    with httpx.Client(base_url=demo.url) as http:
        registered = http.post("/register", json=metadata)
        assert registered.status_code == 201, registered.text
        page = http.get("/sandbox", params={"q": registered.json()["client_id"]})
        assert "http://localhost:3000/callback" in page.text


def test_a_second_one_is_refused_in_one_sentence(demo: Demo) -> None:
    done = demo.idp("demo", "up", "--reader-port", str(demo.reader))
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_login_from_the_terminal(demo: Demo) -> None:
    done = demo.idp("demo", "login", "--method", "otp", "--as", "000158000003", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"acr": "urn:vn:eid:level:1"' in done.stdout


def test_trying_it_again_and_again_is_not_too_often(demo: Demo) -> None:
    for _ in range(5):
        done = demo.idp("demo", "login", "--method", "otp", "--as", "000099000002")
        assert done.returncode == 0, done.stdout + done.stderr
    assert '  "aud": "demo-terminal",' in done.stdout.splitlines()  # claims, a line each


def test_a_card_that_is_issued_or_revoked_does_no_lasting_harm(demo: Demo) -> None:
    card = ("--as", "000311000004", "--method", "card")
    issued = demo.idp("card", "issue", "000311000004", "--out", "chip", "--format", "json")
    assert demo.idp("demo", "login", *card).returncode == 0
    demo.idp("card", "revoke", json.loads(issued.stdout)["serial"])
    assert demo.idp("demo", "login", *card).returncode == 1
    assert demo.idp("demo", "seed").returncode == 0
    done = demo.idp("demo", "login", *card)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_citizen_whose_card_cuts_the_name_at_a_word_gap_logs_in(
    demo: Demo, tmp_path: Path
) -> None:
    number, file = "000190020008", tmp_path / "people.jsonl"
    person = {
        "number": number,
        "name": "Nguyễn Thị Hoàng Anh Thư Mai Châu",
        "birth_date": "1990-02-03",
        "sex": "female",
    }
    file.write_text(json.dumps(person))
    assert demo.idp("registry", "import", str(file)).returncode == 0
    assert demo.idp("card", "issue", number, "--out", str(tmp_path / "chip")).returncode == 0
    login = ("demo", "login", "--method", "card", "--as", number)
    assert demo.idp(*login).returncode == 1
    assert '"reason": "account-unknown"' in demo.idp("audit", "tail").stdout
    assert demo.idp("account", "open", number).returncode == 0
    done = demo.idp(*login)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", ["000040000008", "000199999999"])
def test_a_login_that_cannot_be_says_so(demo: Demo, number: str) -> None:
    done = demo.idp("demo", "login", "--method", "card", "--as", number)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


class Browser:
    """A browser without script, at the portal."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.http = httpx.Client(follow_redirects=True, timeout=20)
        self.at = self.http.get(demo.portal)
        self.since = int(time.time())

    def follow(self, link: str) -> None:
        found = re.search(rf'<a [^>]*id="{link}" href="([^"]*)"', self.at.text)
        assert found, self.at.text
        self.at = self.http.get(urljoin(str(self.at.url), unescape(found[1])))

    def submit(self, **fields: object) -> None:
        page = Page(self.at.text)
        url = urljoin(str(self.at.url), page.action)
        self.at = self.http.post(url, data={**page.hidden, **fields})

    def type_code(self, phone: str) -> None:
        inbox = self.demo.directory / "var" / "inbox.jsonl"
        self.submit(otp=code_from_phone(inbox, phone, self.since), action="verify")

    def allow(self) -> None:
        if "/consent/" in str(self.at.url):
            self.submit(claims=Page(self.at.text).boxes, decision="allow")


@pytest.fixture
def browser(demo: Demo) -> Iterator[Browser]:
    opened = Browser(demo)
    yield opened
    opened.http.close()


def test_a_citizen_uses_the_portal_by_code_steps_up_and_leaves(
    demo: Demo, browser: Browser
) -> None:
    browser.follow("login")
    browser.submit(id_number="000085000005", method="otp")
    browser.type_code("+84530000005")
    browser.allow()
    assert browser.at.url.path == "/profile"
    assert "K’đăm" in browser.at.text
    assert "000085000005" in browser.at.text
    browser.follow("step-up")
    browser.submit(passcode="111111")
    browser.allow()
    assert browser.at.url.path == "/profile"
    assert 'id="step-up"' not in browser.at.text
    assert "urn:vn:eid:level:2" in browser.at.text
    browser.follow("logout")
    assert str(browser.at.url).startswith(f"{demo.portal}/")
    browser.follow("login")
    assert "/profile" not in str(browser.at.url), "the session ended"


def test_the_portal_of_README_works_as_written_beside_the_demo_in_the_same_browser(
    demo: Demo, browser: Browser, tmp_path: Path
) -> None:
    """Cookies do not know ports: the provider, the demo's portal and this one share `localhost`."""
    port = free_port()
    put = {"http://localhost:8000": demo.url, "http://localhost:5000": f"http://localhost:{port}"}
    text = (ROOT / "README.md").read_text("utf-8")
    for name, instead in put.items():
        text = text.replace(name, instead)
    [command] = re.findall(r"^curl .*?^}'$", text, re.M | re.S)
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)
    [program] = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "portal.py").write_text(program)
    browser.follow("login")  # at the demo's portal first
    browser.submit(id_number="000099000002", method="otp")
    browser.submit(otp="000000", action="verify")
    browser.allow()
    assert browser.at.url.path == "/profile"
    flask = [str(BIN / "flask"), "--app", "portal", "run", "--port", str(port)]
    with subprocess.Popen(flask, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: listens(port), demo)
            browser.at = browser.http.get(f"http://localhost:{port}/login")
            browser.allow()
            assert str(browser.at.url).startswith(f"http://localhost:{port}/callback?")
            claims = browser.at.json()
        finally:
            process.terminate()
    assert claims["id_token"]["iss"] == demo.url
    assert claims["id_token"]["acr"] == "urn:vn:eid:level:1"
    assert claims["userinfo"]["sub"] == claims["id_token"]["sub"]
    browser.at = browser.http.get(demo.portal)
    browser.follow("login")
    browser.allow()
    assert browser.at.url.path == "/profile", "the demo's portal still knows its citizen"


def test_a_portal_on_this_machine_hears_of_logouts_and_publishes_its_keys(demo: Demo) -> None:
    here = f"http://localhost:{free_port()}"
    metadata = {
        "client_name": "Portal",
        "redirect_uris": [f"{here}/callback"],
        "backchannel_logout_uri": f"{here}/logged-out",
        "jwks_uri": f"{here}/jwks",
    }
    answer = httpx.post(f"{demo.url}/register", json=metadata)
    assert answer.status_code == 201, answer.text


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_citizen_uses_the_portal_by_card(demo: Demo, browser: Browser) -> None:
    browser.follow("login")
    browser.submit(id_number="000190000009", method="card")
    token = parse_qs(urlsplit(Page(browser.at.text).agent).query)["launch_token"][0]
    card = demo.directory / "var" / "cards" / "000190000009.json"
    browser.at = browser.http.get(simulated_reader(BIN / "idp-agent", card, demo.url, token))
    browser.allow()
    assert "Thạch Sa Rinh" in browser.at.text


def test_the_phone_shows_codes_and_hides_numbers(demo: Demo, browser: Browser) -> None:
    browser.follow("login")
    browser.submit(id_number="000099000002", method="otp")
    inbox = demo.directory / "var" / "inbox.jsonl"
    code = code_from_phone(inbox, "+84530000002", browser.since)
    page = browser.http.get(f"{demo.portal}/phone").text
    assert code in page
    assert "530000002" not in page


def test_cancelling_comes_back_to_the_portal(demo: Demo, browser: Browser) -> None:
    browser.follow("login")
    browser.submit(action="cancel")
    assert str(browser.at.url).rstrip("/") == demo.portal
    assert 'id="failure"' in browser.at.text

"""A citizen in the terminal: logs in over HTTP as a browser without script would, hop by hop."""

import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from idp.demo.parties import TERMINAL, TERMINAL_REDIRECT
from idp.demo.phone import code_in
from idp.jose.jwk import JwkSet, parse_jwk_set
from idp.jose.jwt import verify_jwt
from idp.notify.console import inbox
from idp.oidc.vocabulary import SIGNING_ALGS

MOST_HOPS = 20
TIMEOUT = 10.0


class LoginFailed(Exception):
    """The login did not end at the relying party; the message says where it stopped."""


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who logs in and what they can do when a page asks.

    ``read_code`` finds the code last sent to them, ``present_card`` answers a launch token with
    the URL that the reader sends the browser to.
    """

    number: str
    method: str
    passcode: str
    read_code: Callable[[], str]
    present_card: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Hop:
    """One request and its answer, in words for a line. Tickets and codes are cut short."""

    method: str
    url: str
    status: int
    what: str

    def __str__(self) -> str:
        return f"{self.method:<4} {self.url:<44} {self.status}  {self.what}"


class Page(HTMLParser):
    """A page's title, first form and links, as far as a citizen needs them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.title = ""
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.boxes: list[str] = []
        self.agent = ""
        self._in_title = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        match tag, said.get("type"):
            case "form", _:
                self.action = self.action or said.get("action", "")
            case "input", "hidden":
                self.hidden[said["name"]] = said.get("value", "")
            case "input", "checkbox":
                self.boxes.append(said.get("value", ""))
            case "a", _ if said.get("id") == "open-agent":
                self.agent = said["href"]

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


@dataclass
class Walk:
    """One login, from the relying party and back to it."""

    issuer: str
    citizen: Citizen
    client: httpx.Client
    tell: Callable[[Hop], None]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    nonce: str = field(default_factory=secrets.token_urlsafe, repr=False)
    state: str = field(default_factory=secrets.token_urlsafe, repr=False)

    def _metadata(self) -> dict[str, Any]:
        try:
            found = self.client.get(f"{self.issuer}/.well-known/openid-configuration").json()
        except ValueError as error:
            raise LoginFailed(f"{self.issuer} is no OpenID provider") from error
        return dict(found)

    def log_in(self, acr: str = "") -> dict[str, Any]:
        """Log in and redeem the code; the verified claims of the ID token.

        Raises:
            LoginFailed: it ended elsewhere.
        """
        metadata = self._metadata()
        asked = {
            "client_id": TERMINAL,
            "redirect_uri": TERMINAL_REDIRECT,
            "response_type": "code",
            "scope": "openid profile pid",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **({"acr_values": acr} if acr else {}),
        }
        answer = self._send("GET", metadata["authorization_endpoint"], params=asked)
        returned = parse_qs(urlsplit(self._to_the_end(answer)).query)
        if returned.get("state") != [self.state] or returned.get("iss") != [self.issuer]:
            raise LoginFailed("the answer is not to our request")
        if "code" not in returned:
            raise LoginFailed(f"refused: {returned.get('error', ['?'])[0]}")
        form = {
            "grant_type": "authorization_code",
            "code": returned["code"][0],
            "redirect_uri": TERMINAL_REDIRECT,
            "client_id": TERMINAL,
            "code_verifier": self.verifier,
        }
        tokens = self._send("POST", metadata["token_endpoint"], data=form)
        if tokens.status_code != 200:
            raise LoginFailed(f"no token: {tokens.json().get('error')}")
        keys = parse_jwk_set(self.client.get(metadata["jwks_uri"]).json())
        return self._verified(tokens.json()["id_token"], keys)

    def _to_the_end(self, answer: httpx.Response) -> str:
        """Do what each page asks until the browser is sent back to the relying party."""
        for _ in range(MOST_HOPS):
            location = answer.headers.get("location", "")
            if location.startswith(TERMINAL_REDIRECT):
                return str(location)
            if location:
                answer = self._send("GET", urljoin(str(answer.url), location))
            elif answer.status_code == 200:
                answer = self._act(answer)
            else:
                raise LoginFailed(f"stopped at: {Page(answer.text).title or answer.status_code}")
        raise LoginFailed("too many pages")

    def _act(self, answer: httpx.Response) -> httpx.Response:
        page = Page(answer.text)
        if page.agent:
            token = parse_qs(urlsplit(page.agent).query)["launch_token"][0]
            return self._send("GET", self.citizen.present_card(token))
        fields = self._fields(urlsplit(page.action).path, page)
        return self._send("POST", urljoin(self.issuer, page.action), data={**page.hidden, **fields})

    def _fields(self, path: str, page: Page) -> Mapping[str, Any]:
        match path.strip("/").split("/"):
            case ["login", _]:
                return {"id_number": self.citizen.number, "method": self.citizen.method}
            case ["login", _, "otp"]:
                return {"otp": self.citizen.read_code(), "action": "verify"}
            case ["login", _, "passcode"]:
                return {"passcode": self.citizen.passcode}
            case ["consent", _]:
                return {"claims": page.boxes, "decision": "allow"}
        raise LoginFailed(f"stopped at: {page.title}")

    def _send(self, method: str, url: str, **what: Any) -> httpx.Response:
        answer = self.client.request(method, url, **what)
        self.tell(_hop(answer))
        return answer

    def _verified(self, id_token: str, keys: JwkSet) -> dict[str, Any]:
        claims = verify_jwt(
            id_token,
            keys,
            algorithms=SIGNING_ALGS,
            issuer=self.issuer,
            audience=TERMINAL,
            typ=("", "JWT"),
            now=int(time.time()),
            leeway=10,
            required=("sub", "iat", "exp", "nonce", "acr"),
        )
        if claims["nonce"] != self.nonce:
            raise LoginFailed("the ID token is of another login")
        return dict(claims)


def code_from_phone(path: Path, phone: str | None, since: int) -> str:
    """The code of the newest text to ``phone`` that was sent at ``since`` or later.

    Raises:
        LoginFailed: none came within a few seconds.
    """
    deadline = time.monotonic() + TIMEOUT
    while phone and time.monotonic() < deadline:
        for each in inbox(path, phone=phone):
            if each.at >= since and code_in(each.text):
                return code_in(each.text)
        time.sleep(0.05)
    raise LoginFailed("no code came")


def simulated_reader(agent: Path, card: Path, issuer: str, launch_token: str) -> str:
    """Run ``idp-agent`` with a software card as the reader beside the browser: where it leads.

    Raises:
        LoginFailed: the card was not accepted.
    """
    said = ("--origin", issuer, "--launch-token", launch_token)
    command = (str(agent), "--simulate", str(card), *said)
    try:
        done = subprocess.run(  # noqa: S603 -- our own program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoginFailed("the card reader did not answer") from error
    if done.returncode:
        raise LoginFailed(done.stderr.strip().rpartition("\n")[2])
    return done.stdout.strip().rpartition("\n")[2]


def _hop(answer: httpx.Response) -> Hop:
    location = answer.headers.get("location", "")
    if location:
        what = f"→ {_short(location)}"
    elif answer.headers.get("content-type", "").startswith("text/html"):
        what = Page(answer.text).title
    else:
        what = ", ".join(answer.json())
    return Hop(answer.request.method, _short(answer.url.path), answer.status_code, what)


def _short(url: str) -> str:
    """A URL without its query, whose long parts are tickets."""
    parts = url.partition("?")[0].split("/")
    return "/".join(each if len(each) < 30 else f"{each[:6]}…" for each in parts)

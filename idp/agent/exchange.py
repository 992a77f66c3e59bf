"""The agent's half of the card exchange: launch, challenge, presentation.

The agent talks to origins that it was built or started with, never to one that a link names; the
challenge it has the chip sign is derived from the origin it talks to, so that what a false
provider passes on is of no use at the true one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from idp.core.handles import b64url, b64url_decode
from idp.mrtd.challenge import rnd_ifd

ORIGINS = ("http://localhost:8000",)
"""Origins the agent trusts as built: a country adds its own here."""

TIMEOUT = 15.0
MAX_ANSWER = 16 * 1024


class AgentError(Exception):
    """The exchange failed; the message for the citizen, in both languages."""

    def __init__(self, sentence: tuple[str, str]) -> None:
        super().__init__(sentence[1])
        self.vi, self.en = sentence


OVER = (
    "Lần đăng nhập này đã kết thúc. Hãy bắt đầu lại trong trình duyệt.",
    "This login is over. Start again in the browser.",
)
NOT_ACCEPTED = (
    "Thẻ không được chấp nhận cho lần đăng nhập này.",
    "The card is not accepted for this login.",
)
UNREADABLE = ("Không đọc được thẻ.", "The card cannot be read.")
_SENTENCES = {
    "session-unknown": OVER,
    "session-used": OVER,
    "card-not-genuine": ("Không xác minh được thẻ.", "The card could not be verified."),
    "throttled": (
        "Quá nhiều lần thử. Hãy chờ một lát rồi bắt đầu lại.",
        "Too many tries. Wait a while and start again.",
    ),
}
_UNREACHABLE = ("Không kết nối được với hệ thống.", "The provider cannot be reached.")
_NONSENSE = ("Hệ thống trả lời không hợp lệ.", "The provider's answer cannot be read.")
_IMPOSTOR = (
    "Hệ thống không đúng như đã khai. Không có dữ liệu nào được gửi.",
    "The provider says it is somebody else. Nothing was sent.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a card gave: its files by their member names, and the signature."""

    files: dict[str, bytes]
    signature: bytes


class Reader(Protocol):
    """A card in a reader: the simulator, or PC/SC."""

    def read(self, challenge: bytes) -> Reading:
        """Read the files and have the chip sign the 8-byte ``challenge``."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An exchange that was launched: who asks, at which level, and what to sign."""

    origin: str
    session: str
    challenge: bytes
    client_name: str
    acr: str
    match_code_choices: tuple[str, ...]


def launch(client: httpx.Client, origins: Iterable[str], launch_token: str) -> Opened:
    """Trade a launch token for an exchange, at the first origin that knows it.

    Raises:
        AgentError: none does, or the provider answers nonsense.
    """
    for origin in origins:
        response = _post(client, f"{origin}/card/launch", {"launch_token": launch_token})
        if response.status_code == 200:
            return _opened(origin, response)
    raise AgentError(OVER)


def _opened(origin: str, response: httpx.Response) -> Opened:
    said = _members(response)
    try:
        if said["origin"] != origin:
            raise AgentError(_IMPOSTOR)
        session, nonce = str(said["session"]), b64url_decode(said["nonce"])
        return Opened(
            origin=origin,
            session=session,
            challenge=rnd_ifd(origin, session, nonce),
            client_name=str(said["client_name"]),
            acr=str(said["acr"]),
            match_code_choices=tuple(str(each) for each in said["match_code_choices"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AgentError(_NONSENSE) from error


def present(
    client: httpx.Client, opened: Opened, reader: Reader, match_code: str | None = None
) -> str:
    """Read the card and hand in what it gave; where the browser goes back to.

    ``match_code`` is given when the browser is on another machine.

    Raises:
        AgentError: the card was not accepted, or the exchange is over.
    """
    reading = reader.read(opened.challenge)
    body = {name: b64url(value) for name, value in reading.files.items()}
    body["signature"] = b64url(reading.signature)
    if match_code is not None:
        body["match_code"] = match_code
    response = _post(client, f"{opened.origin}/card/{opened.session}/presentation", body)
    said = _members(response)
    if response.status_code != 200:
        raise AgentError(_SENTENCES.get(str(said.get("type")), NOT_ACCEPTED))
    back = str(said.get("return_url", ""))
    if not back.startswith(f"{opened.origin}/"):
        raise AgentError(_NONSENSE)
    return back


def _post(client: httpx.Client, url: str, body: dict[str, str]) -> httpx.Response:
    try:
        response = client.post(url, json=body)
    except httpx.HTTPError as error:
        raise AgentError(_UNREACHABLE) from error
    if len(response.content) > MAX_ANSWER:
        raise AgentError(_NONSENSE)
    return response


def _members(response: httpx.Response) -> dict[str, Any]:
    try:
        said = response.json()
    except ValueError as error:
        raise AgentError(_NONSENSE) from error
    if not isinstance(said, dict):
        raise AgentError(_NONSENSE)
    return said

"""What the audit log records: one frozen value for each kind of event.

No event holds a personal number, name, phone, code, token, cookie or chip data. ``account_id`` is
the account's internal id: the log stores a yearly pseudonym in its place. ``reason`` is a short
machine word; the citizen saw less.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event may say: whose login (``flow``), for which relying party, which account.

    ``waits``: it releases nothing, so it may be stored with the next event that must be stored at
    once, or a moment later.
    """

    waits: ClassVar[bool] = False

    flow: str = ""
    client_id: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Event):
    """What every refusal of a relying party's request says, so that its developer can be helped.

    ``reason`` is the true one and ``description`` what the relying party was told. ``seen`` is the
    public value that did not fit (an audience, an algorithm, a key's name, an address without its
    query), printable ASCII of at most 200 characters. ``seconds`` is how far off a time was.
    ``reference`` stands in the answer too.
    """

    reason: str
    reference: str = ""
    description: str = ""
    seen: str = ""
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStarted(Event):
    """A process began a chain of entries; names the chain begun before it and its length then."""

    previous: str
    previous_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStarted(Event):
    """A relying party sent a citizen to log in."""

    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSent(Event):
    """A one-time code was handed to the sender."""

    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeNotSent(Event):
    """No code was sent; the page did not say so."""

    waits: ClassVar[bool] = True
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofAccepted(Event):
    """A proof was accepted; ``factor`` joins several with ``+``."""

    waits: ClassVar[bool] = True
    method: str
    factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRefused(Event):
    """A proof was refused."""

    waits: ClassVar[bool] = True
    method: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused(Refusal):
    """A login ended without a session; ``error`` is the OAuth error of the answer, if one went."""

    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A session began, or reached a higher level."""

    session_id: str
    acr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMoved(Event):
    """A session was used from elsewhere; ``what`` changed: ``user_agent``, ``network``."""

    session_id: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session was ended: by the citizen, an operator, or a lock."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutCompleted(Event):
    """A logout that a relying party or the citizen asked for is done."""

    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingPartyLeft(Event):
    """The citizen logged out of one relying party; the session goes on."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """The citizen let a relying party have these claims, under this version of its purpose.

    ``approved`` are the types of the transactions that went with it (RFC 9396).
    """

    claims: tuple[str, ...]
    purpose: str
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDenied(Event):
    """The citizen said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """The citizen, or an operator for them, took a consent back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationGranted(Event):
    """The authorization endpoint answered with a code."""

    waits: ClassVar[bool] = True
    acr: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Event):
    """Tokens of these kinds left: ``access_token``, ``id_token``, ``refresh_token``."""

    grant_type: str
    kinds: tuple[str, ...]
    acr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused(Refusal):
    """The token endpoint refused: its OAuth ``error`` and the true reason."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRefused(Refusal):
    """A pushed authorization request was refused: its OAuth ``error`` and the true reason."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused(Refusal):
    """Another endpoint refused a client that had authenticated, or a genuine access token.

    ``endpoint`` is its path without the slash.
    """

    endpoint: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """A token was revoked, and its grant with it where it was a refresh token."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReplayed(Event):
    """A single-use fact came a second time; all that hung on it was revoked."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRepeated(Event):
    """A refresh token was used again within its window, and the same successor was given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthenticationFailed(Refusal):
    """Somebody claimed to be this relying party and could not prove it."""

    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(Event):
    """A client registered itself, with this initial access token (``""``: none was asked for)."""

    invitation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientReregistered(Event):
    """A client changed its own registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientUnregistered(Event):
    """A client deleted itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused(Event):
    """A registration, or a call to change one, was refused."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Refusal):
    """A request ended on an error page; ``reference`` is what the page shows."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAction(Event):
    """An operator, or an administrator's program, changed something.

    ``allowed`` names the rules that the operator set aside for it.
    """

    action: str
    actor: str
    object: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoupledRequested(Event):
    """A relying party asked for a login on another device; ``kind``: ``device`` or ``ciba``."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientNotified(Event):
    """A relying party was told that its request was decided: a status, or why it was not told."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelRefused(Refusal):
    """A request to ask a citizen on their phone was refused: its ``error``, the true reason."""

    error: str

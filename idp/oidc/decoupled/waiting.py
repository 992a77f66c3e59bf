"""A request pending for its citizen, and the client's polling for the answer.

RFC 8628 §3.4 and §3.5, CIBA Core §10.1 and §11. The client names a request by a handle, the
citizen's pages by a :class:`Reference`, which does not reveal the handle. A request is decided once
and its answer redeemed once, each in one atomic step of the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from idp.core.handles import FLOW_CHARS, Handle, b64url_decode, digest
from idp.core.records import Record
from idp.oidc.authorization.acr import minimum_level
from idp.oidc.authorization.request import AuthorizationRequest, registered_scope
from idp.oidc.clients.model import Client
from idp.oidc.consent import details
from idp.oidc.consent.model import RequestedClaims
from idp.oidc.errors import OAuthError, invalid_grant
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.resource import narrowed
from idp.oidc.vocabulary import OFFLINE_ACCESS, claims_of, released_by
from idp.storage.transient import Add, Get, Put, Take, Value
from idp.web.http import Params

REMEMBERED = 600
"""Seconds after its end in which an expired request is distinguished from an unknown one."""
EARLY = 1
"""Seconds by which a poll may be early, for clock and network jitter."""


class RequestState(StrEnum):
    """State of a request; expiry follows from the time."""

    WAITING = "waiting"
    DENIED = "denied"
    USED = "used"


class NotYet(OAuthError):
    """The request is undecided: the client polls again. Not a refusal."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Name of a stored request: its flow, and the digest of its handle's secret."""

    flow: str
    digest: str

    @classmethod
    def of(cls, handle: Handle) -> "Reference":
        """The reference of the request whose client holds ``handle``."""
        return cls(handle.flow, digest(handle.secret))

    @classmethod
    def parse(cls, text: str) -> "Reference | None":
        """The reference in ``text``, or None if it is malformed."""
        found = cls(text[:FLOW_CHARS], text[FLOW_CHARS:])
        try:
            sizes = len(b64url_decode(found.flow)), len(b64url_decode(found.digest))
        except ValueError:
            return None
        return found if sizes == (8, 32) else None

    def __str__(self) -> str:
        return self.flow + self.digest

    def key(self, kind: str) -> str:
        """The same key as :meth:`Handle.key` of the handle."""
        return f"{kind}:{{{self.flow}}}:{self.digest}"


@dataclass(frozen=True, slots=True)
class PendingRequest(Record):
    """A pending request. ``payload`` belongs to its ``kind`` and is not read here.

    ``kind`` is the prefix of its keys; ``asked`` is the authorization request, with the reference
    as its ``state``. Times are epoch seconds; ``interval`` is the client's pause between polls.
    """

    kind: str
    asked: AuthorizationRequest
    begun_at: int
    expires_at: int
    interval: int
    payload: Mapping[str, Any]
    state: RequestState = RequestState.WAITING

    @property
    def client_id(self) -> str:
        """The client of the request."""
        return self.asked.client_id

    @property
    def reference(self) -> Reference:
        """The reference of the request."""
        found = Reference.parse(self.asked.state or "")
        if found is None:
            raise ValueError("a pending request must have a reference")
        return found

    def with_payload(self, **members: Any) -> "PendingRequest":
        """The same request with ``members`` added to its payload."""
        return replace(self, payload={**self.payload, **members})

    def open(self, now: int) -> bool:
        """Whether it can still be decided."""
        return self.state is RequestState.WAITING and now < self.expires_at

    def keep(self, now: int) -> tuple[Put, Put]:
        """The operations that store it: its record, and the mark that it is undecided."""
        left = max(1, self.expires_at - now)
        return self._record(left), Put(self.reference.key(f"{self.kind}-open"), {}, left)

    def allow(self, authorization: Authorization, now: int, *beside: Put) -> Take[Value]:
        """The operation that answers it with ``authorization``, if it is undecided.

        ``beside`` is stored with the answer.
        """
        record = {**authorization.dump(), "binding": self.client_id}
        answer = Put(
            self.reference.key(f"{self.kind}-answer"), record, max(1, self.expires_at - now)
        )
        return Take(self.reference.key(f"{self.kind}-open"), put=(answer, *beside))

    def deny(self, now: int, *beside: Put) -> Take[Value]:
        """The operation that denies it, if it is undecided."""
        denied = replace(self, state=RequestState.DENIED)._record(max(1, self.expires_at - now))
        return Take(self.reference.key(f"{self.kind}-open"), put=(denied, *beside))

    def _record(self, left: int) -> Put:
        return Put(self.reference.key(self.kind), self.dump(), left + REMEMBERED)


def request_of(params: Params, client: Client, *, reference: Reference) -> AuthorizationRequest:
    """The authorization request of a client without a browser.

    Raises:
        OAuthError: ``invalid_scope``, ``invalid_authorization_details``, ``invalid_target``,
            ``unmet_authentication_requirements``.
    """
    details.refuse(params)
    scope = registered_scope(params, client)
    if OFFLINE_ACCESS not in client.scope:  # ignored for such a client (OIDC Core §11)
        scope = tuple(each for each in scope if each != OFFLINE_ACCESS)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=client.client_uri or next(iter(client.redirect_uris), ""),
        state=str(reference),
        scope=scope,
        nonce=None,
        code_challenge="",
        prompt=(),
        max_age=client.default_max_age,
        level=minimum_level(params.get("acr_values", ""), (), client),
        claims=tuple(sorted(released_by(scope))),
        id_token_claims=(),
        asked=RequestedClaims.of(claims_of(scope), frozenset(client.required_claims), anew=False),
        subject=None,
        resource=narrowed(params, client.resource),
    )


def find(services: Services, kind: str, reference: Reference | None) -> PendingRequest | None:
    """The request at ``reference``; None if it is unknown or its answer was redeemed."""
    value = services.transient.get(reference.key(kind)) if reference else None
    return PendingRequest.read(value) if value and RequestState.USED not in value else None


def poll(services: Services, client: Client, kind: str, text: str) -> Authorization:
    """Redeem the answer; exactly one poll of the request's client succeeds.

    Raises:
        NotYet: ``authorization_pending``, ``slow_down``.
        OAuthError: ``access_denied``, ``expired_token``, ``invalid_grant``.
    """
    handle, now = Handle.parse(text), services.clock()
    if handle is None:
        raise invalid_grant(f"malformed_{kind}")
    polled = f"{handle.key(f'{kind}-polled')}:{digest(client.client_id)}"
    interval = services.settings.poll_interval
    used = _used(services, kind, handle)
    answer = Take(handle.key(f"{kind}-answer"), client.client_id, put=(used,), kind=Authorization)
    asked: Get[Value] = Get(handle.key(kind))
    first = Add(polled, {}, interval - EARLY)
    services.transient.run(answer, asked, first)
    if answer.value.value is not None:
        return answer.value.value
    waiting = _judge(asked.value, client, kind, now)
    if first.value:
        raise NotYet("authorization_pending", "the citizen has not decided yet")
    # slow_down adds an interval: until it has passed, every poll is too early (§3.5).
    services.transient.put(polled, {}, waiting.interval + interval)
    raise NotYet("slow_down", "polled too often")


def _judge(value: Mapping[str, Any] | None, client: Client, kind: str, now: int) -> PendingRequest:
    """The request, if it is still undecided."""
    if value is not None and RequestState.USED in value:
        raise invalid_grant(f"used_{kind}")
    waiting = PendingRequest.read(value)
    if waiting is None:
        raise invalid_grant(f"unknown_{kind}")
    if waiting.client_id != client.client_id:
        raise invalid_grant(f"foreign_{kind}")
    if waiting.state is RequestState.DENIED:
        raise OAuthError("access_denied", "the citizen denied the request", reason=f"denied_{kind}")
    if now >= waiting.expires_at:
        raise OAuthError("expired_token", "the citizen did not decide in time")
    return waiting


def _used(services: Services, kind: str, handle: Handle) -> Put:
    return Put(handle.key(kind), {RequestState.USED: True}, REMEMBERED)

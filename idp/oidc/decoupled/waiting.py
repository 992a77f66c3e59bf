"""A request that waits for its citizen, and the client that polls for the answer.

RFC 8628 §3.4 and §3.5, CIBA Core §10.1 and §11. A request is named to its client by a handle and
to its citizen by a :class:`Reference`, from which the handle cannot be found. It is decided once
and its answer is taken once: each is one atomic step of the store.
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
"""Seconds after its end in which a request is still told from one that never was."""
EARLY = 1
"""Seconds by which a poll may come too soon: clocks and networks are not that even."""


class RequestState(StrEnum):
    """What became of a request; that it expired follows from the time."""

    WAITING = "waiting"
    DENIED = "denied"
    USED = "used"


class NotYet(OAuthError):
    """Nobody has decided: the client asks again later, and nothing was refused."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a request is kept: its flow, and the digest of its handle's secret."""

    flow: str
    digest: str

    @classmethod
    def of(cls, handle: Handle) -> "Reference":
        """The reference of the request whose client holds ``handle``."""
        return cls(handle.flow, digest(handle.secret))

    @classmethod
    def parse(cls, text: str) -> "Reference | None":
        """The reference that ``text`` spells, or None when it cannot be one."""
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
class Waiting(Record):
    """One request. ``payload`` belongs to its ``kind`` and is never read here.

    ``kind`` is the word its keys begin with; ``asked`` is what the citizen is asked, its ``state``
    the reference. Times are epoch seconds; ``interval`` is how long the client waits between polls.
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
        """Whose request it is."""
        return self.asked.client_id

    @property
    def reference(self) -> Reference:
        """Where it is kept."""
        found = Reference.parse(self.asked.state or "")
        if found is None:
            raise ValueError("a waiting request has a reference")
        return found

    def with_payload(self, **members: Any) -> "Waiting":
        """The same request, with more in its payload."""
        return replace(self, payload={**self.payload, **members})

    def open(self, now: int) -> bool:
        """Whether it can still be decided."""
        return self.state is RequestState.WAITING and now < self.expires_at

    def keep(self, now: int) -> tuple[Put, Put]:
        """The operations that store it: as it is told to the client, and as it may be decided."""
        left = max(1, self.expires_at - now)
        return self._told(left), Put(self.reference.key(f"{self.kind}-open"), {}, left)

    def allow(self, authorization: Authorization, now: int, *beside: Put) -> Take[Value]:
        """The operation that answers it with ``authorization``, if nobody decided before.

        ``beside`` is stored with the answer.
        """
        record = {**authorization.dump(), "binding": self.client_id}
        answer = Put(
            self.reference.key(f"{self.kind}-answer"), record, max(1, self.expires_at - now)
        )
        return Take(self.reference.key(f"{self.kind}-open"), put=(answer, *beside))

    def deny(self, now: int, *beside: Put) -> Take[Value]:
        """The operation that refuses it, if nobody decided before."""
        denied = replace(self, state=RequestState.DENIED)._told(max(1, self.expires_at - now))
        return Take(self.reference.key(f"{self.kind}-open"), put=(denied, *beside))

    def _told(self, left: int) -> Put:
        return Put(self.reference.key(self.kind), self.dump(), left + REMEMBERED)


def request_of(params: Params, client: Client, *, reference: Reference) -> AuthorizationRequest:
    """What a client asks for without a browser: its scope, at the level it wants.

    Raises:
        OAuthError: ``invalid_scope``, ``invalid_authorization_details``, ``invalid_target``,
            ``unmet_authentication_requirements``.
    """
    details.refuse(params)
    scope = registered_scope(params, client)
    if OFFLINE_ACCESS not in client.scope:  # it means nothing to such a client (OIDC Core §11)
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


def find(services: Services, kind: str, reference: Reference | None) -> Waiting | None:
    """The request at ``reference``; None when there is none, or its client has the answer."""
    value = services.transient.get(reference.key(kind)) if reference else None
    return Waiting.read(value) if value and RequestState.USED not in value else None


def poll(services: Services, client: Client, kind: str, text: str) -> Authorization:
    """What the citizen allowed, to exactly one poll of the client whose request it was.

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
    # Until it was left alone for so long, every further poll is too early as well (§3.5).
    services.transient.put(polled, {}, waiting.interval + interval)
    raise NotYet("slow_down", "polled too often")


def _judge(value: Mapping[str, Any] | None, client: Client, kind: str, now: int) -> Waiting:
    """The request, which still waits."""
    if value is not None and RequestState.USED in value:
        raise invalid_grant(f"used_{kind}")
    waiting = Waiting.read(value)
    if waiting is None:
        raise invalid_grant(f"unknown_{kind}")
    if waiting.client_id != client.client_id:
        raise invalid_grant(f"foreign_{kind}")
    if waiting.state is RequestState.DENIED:
        raise OAuthError("access_denied", "the citizen said no", reason=f"denied_{kind}")
    if now >= waiting.expires_at:
        raise OAuthError("expired_token", "the citizen did not decide in time")
    return waiting


def _used(services: Services, kind: str, handle: Handle) -> Put:
    return Put(handle.key(kind), {RequestState.USED: True}, REMEMBERED)

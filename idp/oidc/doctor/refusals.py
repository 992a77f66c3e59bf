"""A client's last refused requests in the audit log: the reason for each, and the remedy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from idp.oidc.clients.model import Client
from idp.oidc.doctor.fetch import now_utc
from idp.oidc.doctor.model import Finding, ok, problem, warning
from idp.oidc.errors import printable
from idp.oidc.reasons import capitalised, sentence

CHECK = "requests"
REFUSALS = frozenset(
    {
        "ClientAuthenticationFailed",
        "TokenRefused",
        "PushRefused",
        "BackchannelRefused",
        "CallRefused",
        "RequestRefused",
        "LoginRefused",
    }
)
SUCCESSES = frozenset({"TokenIssued", "AuthorizationGranted"})
_OF_CITIZENS = frozenset(
    {
        "",
        "access_denied",
        "login_required",
        "consent_required",
        "interaction_required",
        "account_selection_required",
        "unmet_authentication_requirements",
        "temporarily_unavailable",
        "server_error",
        "use_dpop_nonce",
    }
)
"""Errors that are normal results or steps of a login; ``""``: no error was sent."""
_ORDINARY = frozenset({"session_ended", "grant_expired", "consent_withdrawn", "session_revoked"})
MOST_KINDS = 30

Entry = Mapping[str, Any]


@dataclass(slots=True)
class _Kind:
    """Refusals with the same finding: the last of them, and their number."""

    last: Entry
    count: int = 0


def examine(entries: Iterable[Entry], client: Client, *, issuer: str) -> Iterator[Finding]:
    """A finding for each kind of refusal among the client's audit entries (oldest first).

    A kind is only a warning if a later request of the same step succeeded.
    """
    kinds: dict[tuple[str, ...], _Kind] = {}
    went_well: dict[str, int] = {}
    granted: dict[str, int] = {}
    for number, entry in enumerate(entries):
        event = entry["event"]
        if event == "AuthorizationGranted":
            granted[entry.get("flow", "")] = entry["at"]
        if event in SUCCESSES:
            went_well[event] = number
        elif _reported(entry):
            key = (event, entry["reason"], entry.get("method", ""), entry.get("seen", ""))
            kind = kinds.pop(key, None) or _Kind(entry)
            kind.last, kind.count = {**entry, "number": number}, kind.count + 1
            kinds[key] = kind  # ordered by the last refusal
    if not kinds:
        yield ok(CHECK, "refusals", "none of the requests in the audit log was refused")
    for kind in list(kinds.values())[-MOST_KINDS:]:
        yield _finding(kind, client, issuer, went_well, granted)


def _reported(entry: Entry) -> bool:
    if entry["event"] not in REFUSALS or entry.get("reason") in _ORDINARY:
        return False
    return entry["event"] != "LoginRefused" or entry.get("error", "") not in _OF_CITIZENS


def _finding(
    kind: _Kind,
    client: Client,
    issuer: str,
    went_well: Mapping[str, int],
    granted: Mapping[str, int],
) -> Finding:
    entry = kind.last
    front = entry["event"] in ("LoginRefused", "RequestRefused", "PushRefused")
    success = went_well.get("AuthorizationGranted" if front else "TokenIssued", -1)
    times = "once" if kind.count == 1 else f"{kind.count} times"
    reference = f", reference {entry['reference']}" if entry.get("reference") else ""
    text = (
        f"{_explain(entry, client, issuer, granted)}."
        f" Refused {times}, last at {now_utc(entry['at'])}{reference}"
    )
    subject = f"{entry['event']} {entry['reason']}"
    if success > entry["number"]:
        return warning(CHECK, subject, f"{text}. A later request succeeded")
    return problem(CHECK, subject, text)


def _explain(entry: Entry, client: Client, issuer: str, granted: Mapping[str, int]) -> str:
    """The sentence, comparing the request with the registration."""
    reason, seen, seconds = entry["reason"], entry.get("seen", ""), entry.get("seconds")
    text = sentence(reason, seen, seconds) or _described(entry)
    match reason:
        case "other_method":
            text = (
                f"the request authenticated with {entry.get('method', 'none')}, the client is"
                f" registered for {client.token_endpoint_auth_method}: change one of the two"
            )
        case "invalid_redirect_uri" | "code_redirect_uri":
            text = f"{text}. {_nearest(seen, client)}"
        case "unknown_code":
            text = _late(entry, granted, client) or text
        case "scope_not_registered":
            text = f"{text}. Registered: {' '.join(client.scope)}"
        case "assertion_algorithm" | "request_object_algorithm":
            text = f"{text}: {_registered_algorithms(reason, client)}"
        case "assertion_aud" | "request_object_aud":
            text = f"{text}. Expected: {issuer}"
    return capitalised(text)


def _described(entry: Entry) -> str:
    """The error sent to the client, for a reason without its own sentence."""
    error = entry.get("error") or entry.get("code") or "refused"
    description = entry.get("description") or entry["reason"]
    return printable(f"the request was refused with {error}: {description}")


def _registered_algorithms(reason: str, client: Client) -> str:
    if reason.startswith("assertion"):
        registered, usual = client.token_endpoint_auth_signing_alg, client.profile.assertion_algs
    else:
        registered, usual = client.request_object_signing_alg, client.profile.request_object_algs
    return registered or " or ".join(usual)


def _late(entry: Entry, granted: Mapping[str, int], client: Client) -> str:
    """The code's age when redeemed; ``""`` if the log does not have its issue."""
    issued_at = granted.get(entry.get("flow", ""))
    if issued_at is None:
        return ""
    return (
        f"the code was redeemed {entry['at'] - issued_at} s after it was issued, but expires after"
        f" {client.profile.code_ttl} s: redeem it as soon as it arrives"
    )


def _nearest(sent: str, client: Client) -> str:
    """The registered redirect URIs, and how the nearest one differs from ``sent``."""
    listed = ", ".join(client.redirect_uris) or "none"
    near = ((difference(sent, each), each) for each in client.redirect_uris)
    found = next(((what, each) for what, each in near if what), None)
    hint = f". It differs from {found[1]} in {found[0]}" if found else ""
    return f"Registered: {listed}{hint}"


def difference(sent: str, registered: str) -> str:
    """The one part in which ``sent`` differs from ``registered``; ``""`` if several differ."""
    try:
        one, two = urlsplit(sent), urlsplit(registered)
        ports = one.port, two.port
    except ValueError:
        return ""
    differing = {
        "the scheme (http or https)": one.scheme != two.scheme,
        "the case of the host": one.netloc != two.netloc and one.netloc.lower() == two.netloc,
        "the port": one.hostname == two.hostname and ports[0] != ports[1],
        "the host": one.hostname != two.hostname,
        "a slash at the end": one.path != two.path and one.path.rstrip("/") == two.path.rstrip("/"),
        "the case of the path": one.path != two.path and one.path.lower() == two.path.lower(),
        "the path": one.path.rstrip("/").lower() != two.path.rstrip("/").lower(),
        "the query": sent.endswith("?") != bool(two.query),
        "a fragment": sent.endswith("#"),
    }
    found = [what for what, differs in differing.items() if differs]
    return found[0] if len(found) == 1 else ""

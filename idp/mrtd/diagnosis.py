"""What is wrong with one card's files, for the person at the desk: each check told apart.

Nothing is let in by a diagnosis. It goes on where a login stops, and computes what a login refuses
to look at, so that "forged", "genuine but too weak" and "not trusted here" can be told apart.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from idp.mrtd import active_auth, certificate, document, passive_auth, sod
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.passive_auth import Comparison
from idp.mrtd.policy import Policy, lenient
from idp.mrtd.signed_data import SignedData
from idp.mrtd.sod import SecurityObject
from idp.mrtd.trust import TrustStore, verify_chain

T = TypeVar("T")

_EMPTY = SecurityObject("sha256", {})
_CHAIN_STATES = {
    "signer-expired": "expired",
    "csca-expired": "expired",
    "crl-expired": "expired",
    "signer-revoked": "revoked",
    "csca-revoked": "revoked",
    "key-unsupported": "unsupported",
    "algorithm-unsupported": "unsupported",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The outcome of each check, and every reason why the card is not accepted."""

    accepted: bool
    passive_authentication: str
    chain: str
    data_groups: dict[str, str]
    active_authentication: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON answer."""
        return asdict(self) | {"reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class _Reasons:
    """The reasons so far, each once."""

    found: dict[str, None]

    def attempt(self, check: Callable[[], T]) -> T | None:
        """What ``check`` returns; None, and its reason kept, when it refuses."""
        try:
            return check()
        except MRTDError as error:
            self.found[error.reason] = None
            return None


def unreadable(reason: str) -> Diagnosis:
    """The diagnosis of files that cannot even be one card's."""
    return Diagnosis(False, "failed", "untrusted", {}, "not-performed", (reason,))


def diagnose(
    files: CardFiles,
    *,
    trust: TrustStore,
    policy: Policy,
    now: int,
    challenge: bytes | None = None,
    signature: bytes | None = None,
) -> Diagnosis:
    """Check all that can be checked of ``files``, at ``now`` (epoch seconds). Never raises.

    A policy with a country asks for all that a login needs; one without, for passive
    authentication, and for active authentication where challenge and signature are given.
    """
    reasons = _Reasons({})
    possible = lenient(policy)
    signed = reasons.attempt(lambda: sod.parse(files.sod))
    listed, passed = _security_object(signed, possible, reasons)
    compared = passive_auth.compare(files, listed)
    reasons.attempt(lambda: passive_auth.check_data_groups(compared))
    sent = {compared[number] for number in files.data_groups}
    chain = _chain(signed, trust, possible, now, reasons)
    chip = _chip(files, compared, policy, challenge, signature, reasons)
    # And now as a login would have it: what was true, but too weak, adds its reason.
    reasons.attempt(lambda: passive_auth.verify(files, trust=trust, policy=policy, now=now))
    if policy.country is not None:
        reasons.attempt(lambda: document.check_complete(files, listed))
        reasons.attempt(lambda: document.read_identity(files, policy=policy, now=now))
        if chip == "not-performed":
            reasons.found["active-authentication-missing"] = None
    return Diagnosis(
        accepted=not reasons.found,
        passive_authentication=_word(passed and sent <= {Comparison.MATCH}),
        chain=chain,
        data_groups={str(number): each.value for number, each in compared.items()},
        active_authentication=chip,
        reasons=tuple(reasons.found),
    )


def _security_object(
    signed: SignedData | None, policy: Policy, reasons: _Reasons
) -> tuple[SecurityObject, bool]:
    """The list of data groups as far as it can be read, and whether its signer signed it."""
    if signed is None:
        return _EMPTY, False
    verified = reasons.attempt(lambda: sod.verify(signed, certificate.parse(signed.signer), policy))
    listed = verified or reasons.attempt(lambda: sod.read(signed.content))
    return listed or _EMPTY, verified is not None


def _chain(
    signed: SignedData | None, trust: TrustStore, policy: Policy, now: int, reasons: _Reasons
) -> str:
    if signed is None:
        return "unsupported" if "algorithm-unsupported" in reasons.found else "untrusted"
    try:
        verify_chain(signed.signer, trust=trust, policy=policy, now=now)
    except MRTDError as error:
        reasons.found[error.reason] = None
        return _CHAIN_STATES.get(error.reason, "untrusted")
    return "trusted"


def _chip(
    files: CardFiles,
    compared: dict[int, Comparison],
    policy: Policy,
    challenge: bytes | None,
    signature: bytes | None,
    reasons: _Reasons,
) -> str:
    """Active authentication, by a key that the security object lists."""
    if challenge is None or signature is None:
        return "not-performed"
    if compared.get(15) is not Comparison.MATCH:
        if 15 not in files.data_groups:
            reasons.found["dg-missing"] = None
        return "failed"
    verified = reasons.attempt(
        lambda: active_auth.verify(
            files, challenge=challenge, signature=signature, policy=lenient(policy)
        )
    )
    reasons.attempt(
        lambda: active_auth.verify(files, challenge=challenge, signature=signature, policy=policy)
    )
    return _word(verified is not None)


def _word(passed: bool) -> str:
    return "passed" if passed else "failed"

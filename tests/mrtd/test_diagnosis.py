"""Diagnosis: forged, too weak, not trusted and not proved are told apart; it never raises."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import tlv
from idp.mrtd.diagnosis import Diagnosis, diagnose, unreadable
from idp.mrtd.errors import REASONS
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import ANY_COUNTRY, DIAGNOSIS, Policy
from idp.mrtd.testing.authority import SIGNER_TTL, Authority, security_object, sign_content
from idp.mrtd.testing.software_card import SoftwareCard, issue_card, sign_iso9796
from idp.mrtd.trust import TrustStore
from tests.mrtd.forgery import CHALLENGE, DAY, DETAILS, NOW, changed, trust_in, with_groups


def _diagnose(
    files: CardFiles,
    trust: TrustStore,
    policy: Policy = DIAGNOSIS,
    *,
    now: int = NOW,
    signature: bytes | None = None,
) -> Diagnosis:
    challenge = CHALLENGE if signature is not None else None
    return diagnose(
        files, trust=trust, policy=policy, now=now, challenge=challenge, signature=signature
    )


def test_a_genuine_card(card: SoftwareCard, trust: TrustStore) -> None:
    assert _diagnose(card.files, trust, signature=card.sign(CHALLENGE)).as_json() == {
        "accepted": True,
        "passive_authentication": "passed",
        "chain": "trusted",
        "data_groups": {"1": "match", "13": "match", "14": "match", "15": "match"},
        "active_authentication": "passed",
        "reasons": [],
    }


def test_without_the_chip_s_proof_a_card_is_not_accepted_but_a_document_is(
    card: SoftwareCard, trust: TrustStore
) -> None:
    found = _diagnose(card.files, trust)
    assert not found.accepted
    assert found.active_authentication == "not-performed"
    assert found.reasons == ("active-authentication-missing",)
    assert _diagnose(card.files, trust, ANY_COUNTRY).accepted


def test_a_wrong_proof_is_never_accepted(card: SoftwareCard, trust: TrustStore) -> None:
    for policy in (DIAGNOSIS, ANY_COUNTRY):
        found = _diagnose(card.files, trust, policy, signature=card.sign(b"01234567"))
        assert not found.accepted
        assert (found.passive_authentication, found.active_authentication) == ("passed", "failed")
        assert found.reasons == ("active-authentication",)


def test_a_proof_by_a_key_that_was_not_sent(card: SoftwareCard, trust: TrustStore) -> None:
    files = with_groups(card, {15: None})
    found = _diagnose(files, trust, ANY_COUNTRY, signature=card.sign(CHALLENGE))
    assert (found.accepted, found.active_authentication) == (False, "failed")
    assert found.data_groups["15"] == "absent"
    assert found.reasons == ("dg-missing",)


def test_a_proof_by_a_key_that_nobody_signed(card: SoftwareCard, trust: TrustStore) -> None:
    other = issue_card(Authority.found(NOW), DETAILS)
    files = with_groups(card, {15: other.files.data_groups[15]})
    found = _diagnose(files, trust, ANY_COUNTRY, signature=other.sign(CHALLENGE))
    assert (found.accepted, found.active_authentication) == (False, "failed")
    assert found.data_groups["15"] == "mismatch"
    assert found.passive_authentication == "failed"


def test_an_unknown_authority_is_not_a_forged_signature(card: SoftwareCard) -> None:
    found = _diagnose(card.files, TrustStore([]), signature=card.sign(CHALLENGE))
    assert (found.passive_authentication, found.chain) == ("passed", "untrusted")
    assert found.active_authentication == "passed"
    assert found.reasons == ("csca-unknown",)


def test_a_forged_signature_is_not_an_unknown_authority(
    card: SoftwareCard, trust: TrustStore
) -> None:
    def flip(_: object, signer: object) -> None:
        signer["signature"] = signer["signature"].native[:-1] + b"\0"  # type: ignore[index]

    files = replace(card.files, sod=changed(card.files.sod, flip))
    found = _diagnose(files, trust, ANY_COUNTRY)
    assert (found.passive_authentication, found.chain) == ("failed", "trusted")
    assert set(found.data_groups.values()) == {"match"}
    assert found.reasons == ("sod-signature",)


@pytest.mark.parametrize(
    ("now", "serials", "chain", "reason"),
    [
        (NOW + SIGNER_TTL + DAY, (), "expired", "crl-expired"),
        (NOW - 2 * DAY, (), "expired", "signer-expired"),
        (NOW, ("signer",), "revoked", "signer-revoked"),
        (NOW, ("csca",), "revoked", "csca-revoked"),
    ],
)
def test_states_of_the_chain(
    authority: Authority,
    card: SoftwareCard,
    now: int,
    serials: tuple[str, ...],
    chain: str,
    reason: str,
) -> None:
    revoked = [getattr(authority, each).serial_number for each in serials]
    crl = authority.revocation_list(now=NOW, number=2, serials=revoked)
    found = _diagnose(card.files, trust_in(authority, crl), ANY_COUNTRY, now=now)
    assert (found.passive_authentication, found.chain) == ("passed", chain)
    assert found.reasons == (reason,)


def test_an_expired_signer_without_any_list(authority: Authority, card: SoftwareCard) -> None:
    late = NOW + SIGNER_TTL + DAY
    found = _diagnose(card.files, trust_in(authority), ANY_COUNTRY, now=late)
    assert (found.chain, found.reasons) == ("expired", ("signer-expired",))


def test_an_algorithm_that_is_not_known(card: SoftwareCard, trust: TrustStore) -> None:
    def md5(_: object, signer: object) -> None:
        signer["digest_algorithm"] = {"algorithm": "md5"}  # type: ignore[index]

    files = replace(card.files, sod=changed(card.files.sod, md5))
    found = _diagnose(files, trust, ANY_COUNTRY)
    assert (found.passive_authentication, found.chain) == ("failed", "unsupported")
    assert "algorithm-unsupported" in found.reasons


def test_genuine_and_too_weak(authority: Authority, card: SoftwareCard, trust: TrustStore) -> None:
    """SHA-1: the signature and the digests are right, and that is not enough for anyone."""
    groups = card.files.data_groups
    found = _diagnose(CardFiles(authority.sign(groups, "sha1"), groups), trust, ANY_COUNTRY)
    assert (found.passive_authentication, found.chain) == ("passed", "trusted")
    assert set(found.data_groups.values()) == {"match"}
    assert (found.accepted, found.reasons) == (False, ("hash-weak",))


def test_a_short_chip_key_is_enough_for_other_states_documents(
    authority: Authority, trust: TrustStore, short_rsa_key: rsa.RSAPrivateKey
) -> None:
    card = issue_card(authority, DETAILS, key=short_rsa_key)
    signature = sign_iso9796(short_rsa_key, CHALLENGE, "sha1", b"\xbc")
    ours = _diagnose(card.files, trust, signature=signature)
    assert (ours.active_authentication, ours.reasons) == ("passed", ("key-weak",))
    assert _diagnose(card.files, trust, ANY_COUNTRY, signature=signature).accepted


def test_every_fault_is_named_at_once(authority: Authority, card: SoftwareCard) -> None:
    files = with_groups(card, {1: b"\x61\x00", 2: b"\x75\x00", 13: None})
    found = _diagnose(files, TrustStore([]), signature=b"")
    assert found.data_groups == {
        "1": "mismatch",
        "2": "not-in-sod",
        "13": "absent",
        "14": "match",
        "15": "match",
    }
    assert found.passive_authentication == "failed"
    assert set(found.reasons) == {
        "dg-mismatch",
        "csca-unknown",
        "active-authentication",
        "dg-missing",
        "dg1-malformed",
    }


@pytest.mark.attack("K16")
def test_K16_another_state_s_document_is_told_apart(card: SoftwareCard) -> None:
    elsewhere = Authority.found(NOW, country="UT")
    files = CardFiles(elsewhere.sign(card.files.data_groups), card.files.data_groups)
    trust, signature = trust_in(elsewhere), card.sign(CHALLENGE)
    ours = _diagnose(files, trust, signature=signature)
    assert (ours.accepted, ours.chain, ours.reasons) == (False, "untrusted", ("country",))
    assert _diagnose(files, trust, ANY_COUNTRY, signature=signature).accepted


def test_another_state_s_document_needs_no_vietnamese_fields(
    authority: Authority, trust: TrustStore
) -> None:
    groups = {1: b"\x61\x02\x5f\x1f", 2: b"\x75\x00", 11: b"\x6b\x00"}
    files = CardFiles(authority.sign(groups), groups)
    assert _diagnose(files, trust, ANY_COUNTRY).accepted
    assert not _diagnose(files, trust).accepted


def test_a_signature_by_a_key_that_does_not_fit(authority: Authority, trust: TrustStore) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    sod = sign_content(security_object({1: b""}), authority.signer, key)
    found = _diagnose(CardFiles(sod, {1: b""}), trust, ANY_COUNTRY)
    assert (found.passive_authentication, found.chain) == ("failed", "trusted")


def test_files_that_cannot_be_a_card_s() -> None:
    found = unreadable("file-too-large")
    assert (found.accepted, found.reasons) == (False, ("file-too-large",))


@given(
    sod=st.binary(max_size=200),
    groups=st.dictionaries(st.integers(1, 16), st.binary(max_size=60)),
    signature=st.none() | st.binary(max_size=100),
)
def test_anything_is_diagnosed(
    sod: bytes, groups: dict[int, bytes], signature: bytes | None
) -> None:
    for outer in (sod, tlv.encode(0x77, sod)):
        found = _diagnose(CardFiles(outer, groups), TrustStore([]), signature=signature)
        assert not found.accepted
        assert set(found.data_groups.values()) <= {"not-in-sod"}
        assert REASONS.keys() >= set(found.reasons)


@given(data=st.data())
def test_any_change_is_diagnosed(
    authority: Authority, card: SoftwareCard, data: st.DataObject
) -> None:
    """Also of signed files: the State may sign nonsense, and nothing but a diagnosis comes."""
    number = data.draw(st.sampled_from([1, 13, 14, 15]))
    original = card.files.data_groups[number]
    at = data.draw(st.integers(0, len(original) - 1))
    change = data.draw(st.binary(min_size=1, max_size=3))
    groups = dict(card.files.data_groups)
    groups[number] = (original[:at] + change + original[at + len(change) :])[:200]
    files = CardFiles(authority.sign(groups), groups)
    found = _diagnose(files, trust_in(authority), signature=card.sign(CHALLENGE))
    assert found.passive_authentication == "passed"
    assert REASONS.keys() >= set(found.reasons)

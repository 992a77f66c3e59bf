"""A whole card: what a login takes, and each thing that must not let it in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.core.person import BirthDate, Name, Sex
from idp.mrtd import dg13, lds, tlv
from idp.mrtd.document import VerifiedCard, verify_for_login
from idp.mrtd.lds import CardFiles
from idp.mrtd.testing.authority import SIGNER_TTL, Authority, PrivateKey
from idp.mrtd.testing.software_card import (
    CardDetails,
    SoftwareCard,
    build_dg1,
    build_dg13,
    issue_card,
)
from idp.mrtd.trust import TrustStore
from tests.mrtd.forgery import CHALLENGE, DETAILS, NOW, refused, resigned, trust_in, with_groups


def _login(files: CardFiles, signature: bytes, trust: TrustStore, now: int = NOW) -> VerifiedCard:
    return verify_for_login(files, trust=trust, challenge=CHALLENGE, signature=signature, now=now)


def _signed(authority: Authority, card: SoftwareCard, groups: dict[int, bytes | None]) -> CardFiles:
    """Data groups changed or left out, and signed by the State as they are."""
    files = with_groups(card, groups)
    return CardFiles(authority.sign(files.data_groups), files.data_groups)


def test_a_genuine_card(card: SoftwareCard, trust: TrustStore) -> None:
    found = _login(card.files, card.sign(CHALLENGE), trust)
    identity = found.identity
    assert identity.number == DETAILS.number
    assert identity.name == DETAILS.name
    assert identity.birth_date == DETAILS.birth_date
    assert identity.sex is Sex.FEMALE
    assert identity.document_number == "199000001"
    assert identity.expires_on == date(2039, 3, 2)
    assert identity.issued_on == date(2024, 7, 1)
    assert identity.former_number == "000000001"
    assert found.country == "VNM"
    assert len(found.chip_key_digest) == 64


def test_nothing_personal_is_in_its_text(card: SoftwareCard, trust: TrustStore) -> None:
    found = _login(card.files, card.sign(CHALLENGE), trust)
    texts = repr(found) + repr(card) + repr(card.files) + repr(DETAILS)
    for personal in ("Nguyễn", "000199000001", "199000001", "1999", "BEGIN"):
        assert personal not in texts


@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_cards_with_an_rsa_chip(
    authority: Authority, trust: TrustStore, rsa_key: rsa.RSAPrivateKey, digest: str
) -> None:
    card = issue_card(authority, DETAILS, key=rsa_key, digest=digest)
    assert 14 not in card.files.data_groups
    again = SoftwareCard.from_json(card.to_json())
    assert _login(again.files, again.sign(CHALLENGE), trust).identity.number == DETAILS.number


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(curve)
        for curve in (
            ec.SECP224R1(),
            ec.SECP384R1(),
            ec.SECP521R1(),
            ec.BrainpoolP256R1(),
            ec.BrainpoolP384R1(),
            ec.BrainpoolP512R1(),
        )
    ],
    ids=lambda key: str(key.curve.name),
)
def test_cards_with_a_chip_on_another_curve(
    authority: Authority, trust: TrustStore, key: PrivateKey
) -> None:
    card = SoftwareCard.from_json(issue_card(authority, DETAILS, key=key).to_json())
    assert _login(card.files, card.sign(CHALLENGE), trust).identity.number == DETAILS.number


@pytest.mark.attack("K05")
def test_K05_an_answer_to_another_challenge(card: SoftwareCard, trust: TrustStore) -> None:
    refused("active-authentication", _login, card.files, card.sign(b"12345678"), trust)
    for given in (b"", CHALLENGE[:7], CHALLENGE + b"\0", bytes(8)):
        refused(
            "challenge",
            verify_for_login,
            card.files,
            trust=trust,
            challenge=given,
            signature=card.sign(given),
            now=NOW,
        )


@pytest.mark.attack("K08")
@pytest.mark.parametrize("number", [1, 13, 14, 15])
def test_K08_the_security_object_of_one_card_and_data_of_another(
    authority: Authority, card: SoftwareCard, trust: TrustStore, number: int
) -> None:
    other_details = replace(DETAILS, number=replace(DETAILS.number, digits="000199000099"))
    other = issue_card(authority, other_details, key=ec.generate_private_key(ec.SECP384R1()))
    files = with_groups(card, {number: other.files.data_groups[number]})
    refused("dg-mismatch", _login, files, other.sign(CHALLENGE), trust)


@pytest.mark.attack("K09")
def test_K09_a_card_whose_chip_key_nobody_signed(
    authority: Authority, card: SoftwareCard, trust: TrustStore
) -> None:
    listed = {number: data for number, data in card.files.data_groups.items() if number != 15}
    files = CardFiles(authority.sign(listed), card.files.data_groups)
    refused("dg-not-signed", _login, files, card.sign(CHALLENGE), trust)


@pytest.mark.attack("K19")
@pytest.mark.parametrize("number", [1, 13, 14, 15])
def test_K19_a_data_group_left_out(card: SoftwareCard, trust: TrustStore, number: int) -> None:
    files = with_groups(card, {number: None})
    refused("dg-missing", _login, files, card.sign(CHALLENGE), trust)


@pytest.mark.attack("K19")
def test_K19_a_card_without_active_authentication(
    authority: Authority, card: SoftwareCard, trust: TrustStore
) -> None:
    """Even where the State signed it so: without a chip's proof there is no chip login."""
    files = _signed(authority, card, {15: None})
    refused("dg-missing", _login, files, b"", trust)
    refused("active-authentication", _login, card.files, b"", trust)


def test_the_security_object_comes_before_the_chip(card: SoftwareCard, trust: TrustStore) -> None:
    """Both wrong: what is refused is the forged key, before it is ever used."""
    files = with_groups(card, {15: tlv.encode(0x6F, b"\x30\x00")})
    refused("dg-mismatch", _login, files, b"", trust)


@pytest.mark.attack("K13")
def test_K13_a_revoked_signer_lets_no_card_in(authority: Authority, card: SoftwareCard) -> None:
    serial = authority.signer.serial_number
    crl = authority.revocation_list(now=NOW, number=2, serials=[serial])
    refused("signer-revoked", _login, card.files, card.sign(CHALLENGE), trust_in(authority, crl))
    refused("crl-missing", _login, card.files, card.sign(CHALLENGE), trust_in(authority))


@pytest.mark.attack("K13")
def test_K13_when_it_was_signed_is_not_for_the_signer_to_say(
    authority: Authority, card: SoftwareCard
) -> None:
    def backdate(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        time = cms.Time("utc_time", core.UTCTime("260922000000Z"))
        attribute = cms.CMSAttribute({"type": "signing_time", "values": [time]})
        signer["signed_attrs"] = cms.CMSAttributes([*signer["signed_attrs"], attribute])

    sod = resigned(card.files.sod, authority.signer_key, backdate)
    files = CardFiles(sod, card.files.data_groups)
    late = NOW + SIGNER_TTL + 1
    trust = trust_in(authority, authority.revocation_list(now=late, number=1))
    refused("signer-expired", _login, files, card.sign(CHALLENGE), trust, late)
    now = trust_in(authority, authority.revocation_list(now=NOW, number=1))
    assert _login(files, card.sign(CHALLENGE), now)


@pytest.mark.attack("K13")
def test_K13_a_document_is_good_through_its_last_day(authority: Authority) -> None:
    card = issue_card(authority, replace(DETAILS, expires_on=date(2026, 12, 31)))
    trust = trust_in(authority, authority.revocation_list(now=NOW, number=1, ttl=200 * 86400))
    last = int(datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC).timestamp())
    assert _login(card.files, card.sign(CHALLENGE), trust, last)
    refused("document-expired", _login, card.files, card.sign(CHALLENGE), trust, last + 1)


def test_a_card_without_an_end(authority: Authority, trust: TrustStore) -> None:
    card = issue_card(authority, replace(DETAILS, expires_on=None))
    assert lds.parse_dg1(card.files.data_groups[1]).expiry == "991231"
    assert _login(card.files, card.sign(CHALLENGE), trust).identity.expires_on is None


@pytest.mark.attack("K16")
def test_K16_a_card_of_another_state(card: SoftwareCard) -> None:
    elsewhere = Authority.found(NOW, country="UT")
    crl = elsewhere.revocation_list(now=NOW, number=1)
    files = CardFiles(elsewhere.sign(card.files.data_groups), card.files.data_groups)
    refused("country", _login, files, card.sign(CHALLENGE), trust_in(elsewhere, crl))


def _zone(change: Callable[[CardDetails], CardDetails]) -> dict[int, bytes | None]:
    return {1: build_dg1(change(DETAILS))}


def _other_state() -> dict[int, bytes | None]:
    zone = replace(lds.parse_dg1(build_dg1(DETAILS)), issuing_state="UTO")
    return {1: lds.build_dg1(zone)}


def _other_document_number() -> dict[int, bytes | None]:
    zone = replace(lds.parse_dg1(build_dg1(DETAILS)), document_number="199000002")
    return {1: lds.build_dg1(zone)}


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (_other_state(), "country"),
        (_other_document_number(), "document-number-mismatch"),
        (
            _zone(lambda it: replace(it, number=replace(it.number, digits="000199000002"))),
            "number-mismatch",
        ),
        (_zone(lambda it: replace(it, name=Name("Trần Thị Đào"))), "name-mismatch"),
        (_zone(lambda it: replace(it, birth_date=BirthDate(1999, 3, 3))), "birth-date-mismatch"),
        (_zone(lambda it: replace(it, birth_date=BirthDate(1999))), "birth-date-mismatch"),
        ({13: dg13.build({dg13.NUMBER: "000199000001"})}, "dg13-name"),
        ({15: tlv.encode(0x6F, b"\x05\x00")}, "key-malformed"),
        ({14: tlv.encode(0x6E, b"\x05\x00")}, "dg14-malformed"),
    ],
)
def test_what_the_state_signed_has_to_agree_with_itself(
    authority: Authority,
    card: SoftwareCard,
    trust: TrustStore,
    groups: dict[int, bytes | None],
    reason: str,
) -> None:
    files = _signed(authority, card, groups)
    refused(reason, _login, files, card.sign(CHALLENGE), trust)


@pytest.mark.parametrize(
    ("name", "born"),
    [
        ("H'Bĭa Niê Kđăm", BirthDate(1985)),
        ("Y Thinh Niê", BirthDate(1985, 7)),
        ("Công Tằng Tôn Nữ Phương Nguyên Thảo", BirthDate(2011, 1, 31)),
        ("Hương", BirthDate(1931, 12, 1)),
    ],
)
def test_other_names_and_dates_of_birth(
    authority: Authority, trust: TrustStore, name: str, born: BirthDate
) -> None:
    card = issue_card(authority, replace(DETAILS, name=Name(name), birth_date=born))
    identity = _login(card.files, card.sign(CHALLENGE), trust).identity
    assert (identity.name.full, identity.birth_date) == (Name(name).full, born)


def test_dg13_in_nfd_is_the_same_name(authority: Authority, trust: TrustStore) -> None:
    decomposed = "Nguye\u0302\u0303n Thi\u0323 \u0110a\u0300o"
    fields = {
        dg13.NUMBER: DETAILS.number.digits,
        dg13.NAME: decomposed,
        dg13.BIRTH_DATE: "02031999",
    }
    card = issue_card(authority, DETAILS)
    files = _signed(authority, card, {13: dg13.build(fields)})
    assert _login(files, card.sign(CHALLENGE), trust).identity.name == DETAILS.name


def test_files_are_no_larger_than_theirs_may_be() -> None:
    refused("file-too-large", CardFiles, bytes(16 * 1024 + 1), {})
    sizes = {1: 200, 2: 30 * 1024, 13: 4096, 14: 4096, 15: 2048}
    for number, size in sizes.items():
        assert CardFiles(b"", {number: bytes(size)})
        refused("file-too-large", CardFiles, b"", {number: bytes(size + 1)})
    for number in (0, 17, -1):
        refused("dg-malformed", CardFiles, b"", {number: b""})


def test_what_is_built_is_what_is_read() -> None:
    holder = dg13.parse(build_dg13(DETAILS))
    assert (holder.number, holder.name) == (DETAILS.number, DETAILS.name)

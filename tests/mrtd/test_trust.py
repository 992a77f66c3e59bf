"""The chain: whose anchor, which key, which country, when, and what the State has taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import certificate, tlv, trust
from idp.mrtd.curves import DOMAINS
from idp.mrtd.policy import ANY_COUNTRY, DAY, DIAGNOSIS, LOGIN, Policy
from idp.mrtd.testing.authority import (
    CRL_TTL,
    CSCA_TTL,
    SIGNER_TTL,
    Authority,
    issue_csca,
    issue_signer,
    sign_content,
)
from idp.mrtd.trust import Chain, TrustStore, verify_chain
from tests.mrtd.forgery import (
    NOW,
    explicit,
    reason_of,
    refused,
    reissued,
    replace_extension,
    trust_in,
)


def _der(found: x509.Certificate) -> bytes:
    return found.public_bytes(Encoding.DER)


def _chain(signer: bytes, store: TrustStore, policy: Policy = LOGIN, now: int = NOW) -> Chain:
    return verify_chain(signer, trust=store, policy=policy, now=now)


def _store(*anchors: bytes, lists: tuple[bytes, ...] = ()) -> TrustStore:
    return TrustStore(
        [certificate.parse(each) for each in anchors],
        [certificate.parse_crl(each) for each in lists],
    )


def test_a_signer_of_our_anchor(authority: Authority) -> None:
    store = trust_in(authority, authority.revocation_list(now=NOW, number=1))
    chain = _chain(_der(authority.signer), store)
    assert chain.csca.der == authority.csca_der()
    assert chain.signer.serial == authority.signer.serial_number
    assert chain.signer.country == "VN"


def test_a_signer_is_verified_once(authority: Authority) -> None:
    store = trust_in(authority)
    first = _chain(_der(authority.signer), store, DIAGNOSIS)
    again = _chain(bytes(bytearray(first.signer.der)), store, DIAGNOSIS)
    assert again is first


def test_the_anchor_comes_from_the_store_only(authority: Authority) -> None:
    signer = _der(authority.signer)
    refused("csca-unknown", _chain, signer, _store())
    stranger = Authority.found(NOW, csca_key=ec.generate_private_key(ec.SECP384R1()))
    refused("csca-unknown", _chain, signer, trust_in(stranger))


def test_name_key_identifier_and_signature_all_have_to_agree(authority: Authority) -> None:
    """A stranger's CSCA under our name, and one that claims our key's identifier as well."""
    key = ec.generate_private_key(ec.SECP384R1())
    same_name = issue_csca(key, country="VN", now=NOW)
    refused("csca-unknown", _chain, _der(authority.signer), _store(_der(same_name)))
    ours = authority.csca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value

    def claim(tbs: asn1_x509.TbsCertificate) -> None:
        replace_extension(tbs, "key_identifier", core.OctetString(ours.digest))

    claimed = reissued(same_name, key, claim)
    refused("signer-signature", _chain, _der(authority.signer), _store(claimed))


@pytest.mark.parametrize("missing", ["authority_key_identifier", "key_usage"])
def test_signers_have_what_the_profile_asks_for(authority: Authority, missing: str) -> None:
    forged = reissued(
        authority.signer, authority.csca_key, lambda tbs: replace_extension(tbs, missing, None)
    )
    reason = "csca-unknown" if missing == "authority_key_identifier" else "signer-not-allowed"
    refused(reason, _chain, forged, trust_in(authority))


def _extended(extension: x509.ExtensionType, critical: bool) -> Callable[[Authority], bytes]:
    def build(authority: Authority) -> bytes:
        signer = authority.signer
        builder = (
            x509.CertificateBuilder()
            .subject_name(signer.subject)
            .issuer_name(signer.issuer)
            .public_key(signer.public_key())
            .serial_number(signer.serial_number)
            .not_valid_before(signer.not_valid_before_utc)
            .not_valid_after(signer.not_valid_after_utc)
        )
        kept = [each for each in signer.extensions if type(each.value) is not type(extension)]
        for each in kept:
            builder = builder.add_extension(each.value, each.critical)
        builder = builder.add_extension(extension, critical)
        return _der(builder.sign(authority.csca_key, hashes.SHA512()))

    return build


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.23.136.1.1.99"), b"\x05\x00")
ENCIPHER = x509.KeyUsage(False, False, True, False, False, False, False, False, False)


@pytest.mark.parametrize(
    ("build", "accepted"),
    [
        (_extended(UNKNOWN, critical=False), True),
        (_extended(UNKNOWN, critical=True), False),
        (_extended(x509.BasicConstraints(False, None), critical=True), True),
        (_extended(x509.BasicConstraints(True, None), critical=True), False),
        (_extended(ENCIPHER, critical=True), False),
    ],
)
def test_a_signer_signs_documents_and_nothing_unknown_is_asked(
    authority: Authority, build: Callable[[Authority], bytes], accepted: bool
) -> None:
    store = trust_in(authority)
    reason = reason_of(lambda: _chain(build(authority), store, DIAGNOSIS))
    assert reason == (None if accepted else "signer-not-allowed")


def test_a_signer_is_no_authority(authority: Authority) -> None:
    """A document signer, put into the store by mistake, cannot have issued another."""
    key = ec.generate_private_key(ec.SECP256R1())
    below = issue_signer(key, authority.signer, authority.signer_key, now=NOW)
    store = _store(authority.csca_der(), _der(authority.signer))
    refused("csca-not-ca", _chain, _der(below), store)


@pytest.mark.parametrize("extension", ["basic_constraints", "key_usage"])
def test_an_anchor_may_sign_certificates(authority: Authority, extension: str) -> None:
    weaker = reissued(
        authority.csca, authority.csca_key, lambda tbs: replace_extension(tbs, extension, None)
    )
    refused("csca-not-ca", _chain, _der(authority.signer), _store(weaker))


@pytest.mark.attack("K16")
def test_K16_the_anchor_of_another_state(authority: Authority) -> None:
    elsewhere = Authority.found(NOW, country="UT")
    crl = elsewhere.revocation_list(now=NOW, number=1)
    both = _store(authority.csca_der(), elsewhere.csca_der(), lists=(crl,))
    refused("country", _chain, _der(elsewhere.signer), both)
    assert _chain(_der(elsewhere.signer), both, ANY_COUNTRY).csca.country == "UT"


@pytest.mark.attack("K16")
def test_K16_a_signer_that_only_says_it_is_ours() -> None:
    """Another State's CSCA signs for a document signer with C=VN, or takes our name."""
    elsewhere = Authority.found(NOW, country="UT")
    ours = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN")])

    def rename(tbs: asn1_x509.TbsCertificate) -> None:
        tbs["subject"] = asn1_x509.Name.load(ours.public_bytes())

    forged = reissued(elsewhere.signer, elsewhere.csca_key, rename)
    store = trust_in(elsewhere, elsewhere.revocation_list(now=NOW, number=1))
    refused("country", _chain, forged, store)


@pytest.mark.attack("K13")
@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOW - 2 * DAY, "signer-expired"),
        (NOW + SIGNER_TTL + DAY, "signer-expired"),
        (NOW + SIGNER_TTL - DAY, None),
    ],
)
def test_K13_the_signer_is_valid_now(authority: Authority, now: int, reason: str | None) -> None:
    store = trust_in(authority)
    assert reason_of(lambda: _chain(_der(authority.signer), store, DIAGNOSIS, now)) == reason


@pytest.mark.attack("K13")
def test_K13_the_anchor_is_valid_now(authority: Authority) -> None:
    def long(tbs: asn1_x509.TbsCertificate) -> None:
        end = datetime.fromtimestamp(NOW + 2 * CSCA_TTL, UTC)
        tbs["validity"]["not_after"] = asn1_x509.Time("general_time", core.GeneralizedTime(end))

    forever = reissued(authority.signer, authority.csca_key, long)
    store = trust_in(authority)
    assert _chain(forever, store, DIAGNOSIS, NOW + CSCA_TTL - DAY)
    refused("csca-expired", _chain, forever, store, DIAGNOSIS, NOW + CSCA_TTL + DAY)


@pytest.mark.attack("K13")
def test_K13_a_signer_on_the_revocation_list(authority: Authority) -> None:
    serial = authority.signer.serial_number
    crl = authority.revocation_list(now=NOW, number=2, serials=[serial])
    refused("signer-revoked", _chain, _der(authority.signer), trust_in(authority, crl))
    root = authority.revocation_list(now=NOW, number=2, serials=[authority.csca.serial_number])
    refused("csca-revoked", _chain, _der(authority.signer), trust_in(authority, root))


@pytest.mark.attack("K13")
def test_K13_an_older_list_hides_nothing(authority: Authority) -> None:
    serial = authority.signer.serial_number
    old = authority.revocation_list(now=NOW, number=1)
    new = authority.revocation_list(now=NOW - DAY, number=2, serials=[serial])
    for lists in ((old, new), (new, old)):
        store = trust_in(authority, *lists)
        refused("signer-revoked", _chain, _der(authority.signer), store)
        refused("crl-older", store.check_newer, certificate.parse_crl(old))
        assert store.check_newer(certificate.parse_crl(new))


@pytest.mark.attack("K13")
def test_K13_without_a_list_a_login_fails_closed(authority: Authority) -> None:
    refused("crl-missing", _chain, _der(authority.signer), trust_in(authority))
    assert _chain(_der(authority.signer), trust_in(authority), DIAGNOSIS)


@pytest.mark.attack("K13")
def test_K13_a_list_past_its_next_update_after_the_grace(authority: Authority) -> None:
    store = trust_in(authority, authority.revocation_list(now=NOW, number=1))
    late = NOW + CRL_TTL + LOGIN.crl_grace
    for policy in (LOGIN, DIAGNOSIS):
        assert _chain(_der(authority.signer), store, policy, late - 1)
        refused("crl-expired", _chain, _der(authority.signer), store, policy, late + 1)


@pytest.mark.attack("K13")
def test_K13_a_list_that_another_signed(authority: Authority) -> None:
    """Under our anchor's name and key identifier; then as cut short."""
    stranger = ec.generate_private_key(ec.BrainpoolP512R1())
    forged = replace(authority, csca_key=stranger).revocation_list(now=NOW, number=9)
    refused("crl-signature", _chain, _der(authority.signer), trust_in(authority, forged))
    good = authority.revocation_list(now=NOW, number=1)
    refused("crl-malformed", certificate.parse_crl, good[:-1])
    refused("crl-malformed", certificate.parse_crl, good + b"\0")


def _crl_with(authority: Authority, *extensions: x509.ExtensionType) -> bytes:
    start = datetime.fromtimestamp(NOW, UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.csca.subject)
        .last_update(start)
        .next_update(datetime.fromtimestamp(NOW + DAY, UTC))
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=True)
    return builder.sign(authority.csca_key, hashes.SHA512()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "extension",
    [
        UNKNOWN,
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
    ],
)
def test_partial_and_unknown_lists_are_refused(
    authority: Authority, extension: x509.ExtensionType
) -> None:
    refused("crl-malformed", certificate.parse_crl, _crl_with(authority, extension))


def test_link_certificates_carry_over_to_the_new_key(authority: Authority) -> None:
    """The State's new key, certified by its old one: an anchor beside the old root."""
    new_key = ec.generate_private_key(ec.BrainpoolP512R1())
    root = issue_csca(new_key, country="VN", now=NOW)
    new = issue_signer(ec.generate_private_key(ec.SECP256R1()), root, new_key, now=NOW)
    link = reissued(root, authority.csca_key, lambda tbs: None)
    store = _store(authority.csca_der(), link)
    assert _chain(_der(new), store, DIAGNOSIS).csca.der == link
    assert _chain(_der(authority.signer), store, DIAGNOSIS).csca.der == authority.csca_der()


def _spelt_out(key: ec.EllipticCurvePublicKey) -> Callable[[asn1_x509.TbsCertificate], None]:
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def put(tbs: asn1_x509.TbsCertificate) -> None:
        spelt = explicit(info, DOMAINS[key.curve.name])
        tbs["subject_public_key_info"] = asn1_x509.PublicKeyInfo.load(spelt)

    return put


def test_certificates_with_curve_parameters_spelt_out(authority: Authority) -> None:
    root_key, key = authority.csca.public_key(), authority.signer.public_key()
    assert isinstance(root_key, ec.EllipticCurvePublicKey)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    root = reissued(authority.csca, authority.csca_key, _spelt_out(root_key))
    signer = reissued(authority.signer, authority.csca_key, _spelt_out(key))
    with pytest.raises(UnsupportedAlgorithm):
        x509.load_der_x509_certificate(root).public_key()
    assert _chain(signer, _store(root), DIAGNOSIS).signer.public_key == key


def test_ecdsa_algorithm_identifiers_with_null(authority: Authority) -> None:
    def null(tbs: asn1_x509.TbsCertificate) -> None:
        tbs["signature"]["parameters"] = core.Null()

    signer = reissued(authority.signer, authority.csca_key, null)
    assert b"\x05\x00" in certificate.parse(signer).algorithm.dump()
    assert _chain(signer, trust_in(authority), DIAGNOSIS)


@pytest.mark.attack("K10")
def test_K10_a_chain_signed_with_sha1(authority: Authority) -> None:
    def weak(tbs: asn1_x509.TbsCertificate) -> None:
        tbs["signature"] = asn1_x509.SignedDigestAlgorithm({"algorithm": "sha1_ecdsa"})

    signer = reissued(authority.signer, authority.csca_key, weak)
    refused("hash-weak", _chain, signer, trust_in(authority))


def test_the_two_algorithm_identifiers_of_a_certificate_agree(authority: Authority) -> None:
    found = asn1_x509.Certificate.load(_der(authority.signer))
    found["signature_algorithm"] = {"algorithm": "sha256_ecdsa"}
    refused("certificate-malformed", certificate.parse, found.dump(force=True))


def test_rsa_anchors(rsa_key: rsa.RSAPrivateKey) -> None:
    authority = Authority.found(NOW, csca_key=rsa_key)
    store = trust_in(authority, authority.revocation_list(now=NOW, number=1))
    assert _chain(_der(authority.signer), store).csca.public_key == rsa_key.public_key()


def test_trust_files_in_der_and_pem(authority: Authority) -> None:
    crl = authority.revocation_list(now=NOW, number=7)
    pem = authority.csca.public_bytes(Encoding.PEM)
    crl_pem = x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM)
    anchor = certificate.parse(authority.csca_der())
    for name, data in (
        ("a.der", anchor.der),
        ("a.cer", anchor.der),
        ("a.pem", pem),
        ("a.cer", pem),
    ):
        assert trust.read_file(name, data).anchors[0].der == anchor.der
    for name, data in (("a.crl", crl), ("a.crl", crl_pem), ("a.pem", crl_pem)):
        assert trust.read_file(name, data).revocation_lists[0].number == 7
    both = trust.read_file("all.pem", pem + crl_pem + pem)
    assert (len(both.anchors), len(both.revocation_lists)) == (2, 1)
    refused("certificate-malformed", trust.read_file, "a.der", crl)
    refused("crl-malformed", trust.read_file, "a.crl", anchor.der)
    refused("certificate-malformed", trust.read_file, "a.pem", pem.replace(b"MII", b"MI!"))


def _master_list(authority: Authority, *certificates: bytes, version: int = 0) -> bytes:
    content = tlv.encode(0x30, tlv.encode_integer(version), tlv.encode_set(certificates))
    wrapped = sign_content(
        content, authority.signer, authority.signer_key, content_type=trust.MASTER_LIST
    )
    return tlv.read(wrapped).value


def test_master_lists(authority: Authority) -> None:
    elsewhere = Authority.found(NOW, country="UT")
    data = _master_list(authority, authority.csca_der(), elsewhere.csca_der())
    anchors = trust.read_file("national.ml", data).anchors
    assert {each.country for each in anchors} == {"VN", "UT"}
    assert _chain(_der(elsewhere.signer), TrustStore(anchors), ANY_COUNTRY)
    forged = data.replace(elsewhere.csca_der(), elsewhere.csca_der()[:-1] + b"\0")
    for wrong in (
        forged,
        data + b"\0",
        data[:-1],
        b"",
        _master_list(authority, authority.csca_der(), version=1),
        _master_list(authority, b"\x05\x00"),
        tlv.read(authority.sign({1: b""})).value,
    ):
        refused("master-list-malformed", trust.read_file, "national.ml", wrong)


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    for name in ("a.der", "a.pem", "a.crl", "a.ml"):
        for candidate in (data, tlv.encode(0x30, data), b"-----BEGIN CERTIFICATE-----\n" + data):
            reasons = {"certificate-malformed", "crl-malformed", "master-list-malformed"}
            assert reason_of(trust.read_file, name, candidate) in reasons


@given(data=st.data())
def test_any_change_to_a_signer_is_refused(authority: Authority, data: st.DataObject) -> None:
    original = _der(authority.signer)
    at = data.draw(st.integers(0, len(original) - 1))
    flip = data.draw(st.integers(1, 255))
    forged = original[:at] + bytes([original[at] ^ flip]) + original[at + 1 :]
    assert reason_of(lambda: _chain(forged, trust_in(authority), DIAGNOSIS)) is not None


def test_a_signature_of_the_test_s_own_makes_a_chain(authority: Authority) -> None:
    """The forger's tools work: signed again unchanged, it is accepted."""
    again = reissued(authority.signer, authority.csca_key, lambda tbs: None)
    assert _chain(again, trust_in(authority), DIAGNOSIS)

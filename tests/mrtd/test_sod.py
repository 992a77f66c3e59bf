"""EF.SOD: one signer, signed attributes, digests and lists that agree; nothing else passes."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import certificate, passive_auth, sod, tlv
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import LOGIN, Policy, lenient
from idp.mrtd.sod import SecurityObject
from idp.mrtd.testing.authority import (
    Authority,
    issue_signer,
    security_object,
    sign_content,
)
from idp.mrtd.testing.software_card import SoftwareCard
from tests.mrtd.forgery import NOW, changed, refused, resigned, sign, with_groups

GROUPS = {1: b"one", 15: b"fifteen"}
Change = Callable[[cms.SignedData, cms.SignerInfo], None]


def _verify(data: bytes, policy: Policy = LOGIN) -> SecurityObject:
    signed = sod.parse(data)
    return sod.verify(signed, certificate.parse(signed.signer), policy)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_security_object_is_read_once_its_signature_holds(
    authority: Authority, digest: str
) -> None:
    found = _verify(authority.sign(GROUPS, digest))
    assert found.digest == digest
    assert found.hashes.keys() == GROUPS.keys()


def _ber(data: bytes, depth: int) -> bytes:
    """The same with its outer layers in the indefinite form, as some States' cards have it."""
    found = tlv.read(data)
    if depth == 0 or not found.raw[0] & 0x20:
        return found.raw
    inside = b"".join(_ber(each.raw, depth - 1) for each in tlv.read_all(found.value))
    return found.raw[:1] + b"\x80" + inside + b"\0\0"


def test_an_envelope_in_ber_is_read(card: SoftwareCard) -> None:
    info = tlv.read(card.files.sod).value
    oid, content = tlv.read_all(tlv.read(info).value)
    signed = tlv.read(content.value)
    version, algorithms, encapsulated, *rest = tlv.read_all(signed.value)
    kind, wrapped = tlv.read_all(encapsulated.value)
    octets = tlv.read(wrapped.value).value
    pieces = tlv.encode(4, octets[:50]) + tlv.encode(4, octets[50:])
    envelope = b"\x30\x80" + kind.raw + b"\xa0\x80\x24\x80" + pieces + b"\0\0" * 3
    inner = b"".join((version.raw, algorithms.raw, envelope, *(each.raw for each in rest)))
    ber = b"\x30\x80" + oid.raw + b"\xa0\x80\x30\x80" + inner + b"\0\0" * 3
    assert _verify(tlv.encode(0x77, ber)) == _verify(card.files.sod)
    refused("sod-malformed", sod.parse, tlv.encode(0x77, ber + b"\0\0"))


def test_signed_attributes_that_are_not_der_are_refused(card: SoftwareCard) -> None:
    info = cms.ContentInfo.load(tlv.read(card.files.sod).value)
    raw = info["content"]["signer_infos"][0]["signed_attrs"].dump()
    # A length in two bytes where one would do, and the outer lengths one more.
    longer = raw[:1] + b"\x81" + raw[1:]
    data = card.files.sod.replace(raw, longer)
    for outer in _lengths_to(data, data.index(longer)):
        value = int.from_bytes(data[outer : outer + 2]) + 1
        data = data[:outer] + value.to_bytes(2) + data[outer + 2 :]
    refused("sod-signed-attributes", sod.parse, data)


def _lengths_to(data: bytes, target: int) -> list[int]:
    """Where the two length bytes of each element around ``target`` are (all in 82 form)."""
    found, offset = [], 0
    while offset < target:
        if data[offset] & 0x20 and data[offset + 1] == 0x82:
            size = int.from_bytes(data[offset + 2 : offset + 4])
            if offset + 4 + size > target:
                found.append(offset + 2)
                offset += 4
                continue
        offset = _after(data, offset)
    return found


def _after(data: bytes, offset: int) -> int:
    """The end of the element at ``offset``."""
    first = data[offset + 1]
    if first < 0x80:
        return offset + 2 + first
    size = first & 0x7F
    return offset + 2 + size + int.from_bytes(data[offset + 2 : offset + 2 + size])


def _two_signers(signed: cms.SignedData, signer: cms.SignerInfo) -> None:
    signed["signer_infos"] = cms.SignerInfos([signer, signer])


def _no_signer(signed: cms.SignedData, _: cms.SignerInfo) -> None:
    signed["signer_infos"] = cms.SignerInfos([])


def _version_1(signed: cms.SignedData, _: cms.SignerInfo) -> None:
    signed["version"] = "v1"


def _signer_version_3(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["version"] = "v3"


def _no_certificates(signed: cms.SignedData, _: cms.SignerInfo) -> None:
    signed["certificates"] = cms.CertificateSet([])


def _other_serial(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["sid"].chosen["serial_number"] = 42


def _same_certificate_twice(signed: cms.SignedData, _: cms.SignerInfo) -> None:
    one = signed["certificates"][0].chosen
    signed["certificates"] = cms.CertificateSet([one, one.copy()])


def _content_type_differs(signed: cms.SignedData, _: cms.SignerInfo) -> None:
    signed["encap_content_info"]["content_type"] = "1.2.840.113549.1.7.1"


def _other_digest_algorithm(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": "sha512"})


def _unknown_digest_algorithm(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": "md5"})


def _attribute_twice(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    attributes = list(signer["signed_attrs"])
    digest = next(each for each in attributes if each["type"].native == "message_digest")
    signer["signed_attrs"] = cms.CMSAttributes([*attributes, digest.copy()])


def _attribute_with_two_values(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    for each in signer["signed_attrs"]:
        if each["type"].native == "message_digest":
            each["values"] = cms.SetOfOctetString([each["values"][0].native, b"other"])


def _attribute_missing(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    kept = [each for each in signer["signed_attrs"] if each["type"].native == "content_type"]
    signer["signed_attrs"] = cms.CMSAttributes(kept)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_two_signers, "sod-signers"),
        (_no_signer, "sod-signers"),
        (_version_1, "sod-malformed"),
        (_signer_version_3, "sod-malformed"),
        (_no_certificates, "sod-signer-unknown"),
        (_other_serial, "sod-signer-unknown"),
        (_same_certificate_twice, "sod-signer-unknown"),
        (_content_type_differs, "sod-content-type"),
        (_other_digest_algorithm, "algorithm-inconsistent"),
        (_unknown_digest_algorithm, "algorithm-unsupported"),
    ],
)
def test_parts_that_do_not_agree_are_refused(
    card: SoftwareCard, change: Change, reason: str
) -> None:
    refused(reason, sod.parse, changed(card.files.sod, change))


@pytest.mark.attack("K10")
@pytest.mark.parametrize(
    "change", [_attribute_twice, _attribute_with_two_values, _attribute_missing]
)
def test_K10_signed_attributes_are_there_once_each(
    card: SoftwareCard, authority: Authority, change: Change
) -> None:
    data = resigned(card.files.sod, authority.signer_key, change)
    refused("sod-signed-attributes", sod.parse, data)


@pytest.mark.attack("K10")
def test_K10_no_signed_attributes_at_all(card: SoftwareCard, authority: Authority) -> None:
    info = cms.ContentInfo.load(tlv.read(card.files.sod).value)
    old = info["content"]["signer_infos"][0]
    content = bytes(info["content"]["encap_content_info"]["content"])
    kept = {name: old[name] for name in ("version", "sid", "digest_algorithm")}
    kept["signature_algorithm"] = old["signature_algorithm"]
    kept["signature"] = sign(authority.signer_key, content)
    info["content"]["signer_infos"] = cms.SignerInfos([cms.SignerInfo(kept)])
    refused("sod-signed-attributes", sod.parse, tlv.encode(0x77, info.dump(force=True)))


@pytest.mark.attack("K10")
def test_K10_the_signed_digest_is_the_content_s(card: SoftwareCard, authority: Authority) -> None:
    def other_digest(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        for each in signer["signed_attrs"]:
            if each["type"].native == "message_digest":
                each["values"] = cms.SetOfOctetString([bytes(32)])

    refused("sod-digest", _verify, resigned(card.files.sod, authority.signer_key, other_digest))

    def other_content(signed: cms.SignedData, _: cms.SignerInfo) -> None:
        forged = core.ParsableOctetString(security_object({1: b"forged"}))
        signed["encap_content_info"]["content"] = forged

    refused("sod-digest", _verify, changed(card.files.sod, other_content))


@pytest.mark.attack("K10")
def test_K10_a_signature_over_other_attributes(card: SoftwareCard) -> None:
    def sign_later(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        time = cms.CMSAttribute(
            {
                "type": "signing_time",
                "values": [cms.Time("utc_time", core.UTCTime("260921000000Z"))],
            }
        )
        signer["signed_attrs"] = cms.CMSAttributes([*signer["signed_attrs"], time])

    refused("sod-signature", _verify, changed(card.files.sod, sign_later))


@pytest.mark.attack("K10")
@pytest.mark.parametrize("digest", ["sha1", "sha224"])
def test_K10_weak_digests_are_refused_but_can_be_named(authority: Authority, digest: str) -> None:
    data = authority.sign(GROUPS, digest)
    refused("hash-weak", _verify, data)
    assert _verify(data, lenient(LOGIN)).digest == digest
    only_inside = sign_content(
        security_object(GROUPS, digest), authority.signer, authority.signer_key
    )
    refused("hash-weak", _verify, only_inside)


@pytest.fixture(scope="module")
def rsa_authority(authority: Authority, rsa_key: rsa.RSAPrivateKey) -> Authority:
    signer = issue_signer(rsa_key, authority.csca, authority.csca_key, now=NOW)
    return replace(authority, signer=signer, signer_key=rsa_key)


@pytest.mark.parametrize("pss", [False, True])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_rsa_signers(rsa_authority: Authority, digest: str, pss: bool) -> None:
    signer, key = rsa_authority.signer, rsa_authority.signer_key
    content = security_object(GROUPS, digest)
    data = sign_content(content, signer, key, digest=digest, pss=pss)
    assert _verify(data).hashes.keys() == GROUPS.keys()
    refused("sod-signature", _verify, changed(data, _flip_signature))


def _flip_signature(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signature = bytearray(signer["signature"].native)
    signature[-1] ^= 1
    signer["signature"] = bytes(signature)


@pytest.mark.attack("K10")
def test_K10_an_rsa_signer_with_1024_bits(
    authority: Authority, short_rsa_key: rsa.RSAPrivateKey
) -> None:
    signer = issue_signer(short_rsa_key, authority.csca, authority.csca_key, now=NOW)
    data = sign_content(security_object(GROUPS), signer, short_rsa_key)
    refused("key-weak", _verify, data)
    assert _verify(data, lenient(LOGIN))


def _signed_with(authority: Authority, data: bytes, make: Callable[[bytes], bytes]) -> bytes:
    def put(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        signer["signature"] = make(signer["signed_attrs"].untag().dump(force=True))

    return changed(data, put)


@pytest.mark.attack("K10")
def test_K10_padding_with_something_after_the_digest(rsa_authority: Authority) -> None:
    """Bleichenbacher's forgery of 2006: a reader of PKCS #1 that does not look at the end."""
    key = rsa_authority.signer_key
    assert isinstance(key, rsa.RSAPrivateKey)
    info = bytes.fromhex("3031300d060960864801650304020105000420")

    def make(message: bytes) -> bytes:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(message)
        block = b"\0\1" + b"\xff" * 8 + b"\0" + info + digest.finalize()
        number = int.from_bytes(block.ljust(256, b"\xab"))
        numbers = key.private_numbers()
        return pow(number, numbers.d, numbers.public_numbers.n).to_bytes(256)

    refused("sod-signature", _verify, _signed_with(rsa_authority, rsa_authority.sign(GROUPS), make))


@pytest.mark.attack("K10")
def test_K10_pss_with_another_salt_than_it_says(rsa_authority: Authority) -> None:
    key = rsa_authority.signer_key
    assert isinstance(key, rsa.RSAPrivateKey)
    signer = rsa_authority.signer
    data = sign_content(security_object(GROUPS), signer, key, pss=True)

    def make(salt: int) -> Callable[[bytes], bytes]:
        mask = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        return lambda message: key.sign(message, mask, hashes.SHA256())

    assert _verify(_signed_with(rsa_authority, data, make(32)))
    for salt in (0, 20, 64):
        refused("sod-signature", _verify, _signed_with(rsa_authority, data, make(salt)))

    def says(salt: int) -> Change:
        def put(_: cms.SignedData, signer: cms.SignerInfo) -> None:
            signer["signature_algorithm"]["parameters"]["salt_length"] = salt

        return put

    short = _signed_with(rsa_authority, changed(data, says(0)), make(0))
    refused("pss-salt-short", _verify, short)
    refused("algorithm-unsupported", sod.parse, changed(data, _mask_of_another_kind))


def _mask_of_another_kind(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["signature_algorithm"]["parameters"]["trailer_field"] = 2


def test_the_signature_algorithm_fits_the_key(rsa_authority: Authority) -> None:
    def ecdsa(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        signer["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})

    refused("algorithm-inconsistent", _verify, changed(rsa_authority.sign(GROUPS), ecdsa))


def test_only_a_security_object_of_its_own_type(authority: Authority) -> None:
    def typed(content_type: str) -> bytes:
        return sign_content(
            security_object(GROUPS),
            authority.signer,
            authority.signer_key,
            content_type=content_type,
        )

    refused("sod-content-type", _verify, typed("1.2.840.113549.1.7.1"))
    refused("sod-content-type", _verify, typed("2.23.136.1.1.2"), lenient(LOGIN))
    assert _verify(typed("1.2.840.113549.1.7.1"), lenient(LOGIN))


def _listed(*rows: tuple[int, bytes], version: int = 0, rest: bytes = b"") -> bytes:
    algorithm = algos.DigestAlgorithm({"algorithm": "sha256"}).dump()
    listed = (
        tlv.encode(0x30, tlv.encode_integer(number), tlv.encode(0x04, digest))
        for number, digest in rows
    )
    body = (tlv.encode_integer(version), algorithm, tlv.encode(0x30, *listed), rest)
    return tlv.encode(0x30, *body)


INFO = tlv.encode(0x30, tlv.encode(0x13, b"0108"), tlv.encode(0x13, b"040000"))


@pytest.mark.attack("K09")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(_listed((15, bytes(32)), (15, bytes(32))), "dg-duplicate", id="twice"),
        pytest.param(_listed((15, bytes(32)), (15, b"\1" * 32)), "dg-duplicate", id="two digests"),
        pytest.param(_listed((0, bytes(32))), "dg-duplicate", id="DG0"),
        pytest.param(_listed((17, bytes(32))), "dg-duplicate", id="DG17"),
        pytest.param(_listed((1, bytes(31))), "sod-malformed", id="short digest"),
        pytest.param(_listed((1, bytes(64))), "sod-malformed", id="long digest"),
        pytest.param(_listed((1, bytes(32)), version=2), "sod-malformed", id="version 2"),
        pytest.param(_listed((1, bytes(32)), version=1), "sod-malformed", id="1 without info"),
        pytest.param(_listed((1, bytes(32)), rest=INFO), "sod-malformed", id="0 with info"),
        pytest.param(b"\x30\x81" + _listed((1, bytes(32)))[1:], "sod-malformed", id="not DER"),
        pytest.param(_listed((1, bytes(32))) + b"\0", "sod-malformed", id="something after it"),
    ],
)
def test_K09_a_list_of_digests_that_is_none(
    authority: Authority, content: bytes, reason: str
) -> None:
    data = sign_content(content, authority.signer, authority.signer_key)
    refused(reason, _verify, data)


def test_version_1_names_its_lds(authority: Authority) -> None:
    content = _listed((1, bytes(32)), version=1, rest=INFO)
    assert _verify(sign_content(content, authority.signer, authority.signer_key))


@pytest.mark.attack("K09")
def test_K09_a_list_that_was_reordered_or_extended_after_signing(card: SoftwareCard) -> None:
    hashes_of = _verify(card.files.sod).hashes
    rows = [*hashes_of.items()]
    for forged in (_listed(*reversed(rows)), _listed(*rows, (2, bytes(32))), _listed(*rows[1:])):

        def put(signed: cms.SignedData, _: cms.SignerInfo, content: bytes = forged) -> None:
            signed["encap_content_info"]["content"] = core.ParsableOctetString(content)

        refused("sod-digest", _verify, changed(card.files.sod, put))


@pytest.mark.attack("K09")
def test_K09_dg15_sent_and_not_listed(authority: Authority, card: SoftwareCard) -> None:
    groups = {number: data for number, data in card.files.data_groups.items() if number != 15}
    files = CardFiles(authority.sign(groups), card.files.data_groups)
    compared = passive_auth.compare(files, _verify(files.sod))
    assert compared[15] is passive_auth.Comparison.NOT_IN_SOD
    refused("dg-not-signed", passive_auth.check_data_groups, compared)


@pytest.mark.attack("K08")
@pytest.mark.parametrize("number", [1, 13, 14, 15])
def test_K08_one_byte_of_a_data_group_changed(card: SoftwareCard, number: int) -> None:
    data = bytearray(card.files.data_groups[number])
    data[-1] ^= 1
    files = with_groups(card, {number: bytes(data)})
    compared = passive_auth.compare(files, _verify(files.sod))
    assert compared[number] is passive_auth.Comparison.MISMATCH
    refused("dg-mismatch", passive_auth.check_data_groups, compared)


@pytest.mark.parametrize("tail", [b"\0", b"\x05\x00", b"\x77\x00"])
def test_nothing_after_the_security_object(card: SoftwareCard, tail: bytes) -> None:
    refused("sod-malformed", sod.parse, card.files.sod + tail)
    inside = tlv.encode(0x77, tlv.read(card.files.sod).value + tail)
    refused("sod-malformed", sod.parse, inside)


def _with_issuer(name: bytes) -> Callable[[bytes], bytes]:
    def change(der: bytes) -> bytes:
        tbs, *rest = tlv.read(der).children(tlv.SEQUENCE)
        fields = [each.raw for each in tbs.children(tlv.SEQUENCE)]
        fields[3] = name
        inner = tlv.encode(tlv.SEQUENCE, *fields)
        return tlv.encode(tlv.SEQUENCE, inner, *(each.raw for each in rest))

    return change


def _rebuilt(data: bytes, certificates: Callable[[bytes], bytes], algorithms: bytes = b"") -> bytes:
    """EF.SOD with other certificates, and other digest algorithms where given."""
    oid, content = tlv.read_all(tlv.read(tlv.read(data).value).value)
    version, digests, encapsulated, signers_own, signers = tlv.read_all(
        tlv.read(content.value).value
    )
    parts = (version.raw, algorithms or digests.raw, encapsulated.raw)
    certificate_set = tlv.encode(0xA0, certificates(signers_own.value))
    signed = tlv.encode(tlv.SEQUENCE, *parts, certificate_set, signers.raw)
    return tlv.encode(0x77, tlv.encode(tlv.SEQUENCE, oid.raw, tlv.encode(0xA0, signed)))


LIGATURES = tlv.encode(
    tlv.SEQUENCE,
    *(
        tlv.encode(
            tlv.SET,
            tlv.encode(
                tlv.SEQUENCE,
                tlv.encode(tlv.OID, b"\x55\x04\x03"),
                tlv.encode(tlv.UTF8_STRING, ("\ufdfa" * 60).encode()),
            ),
        )
        for _ in range(70)
    ),
)
ENDLESS_OID = tlv.encode(
    tlv.SET, tlv.encode(tlv.SEQUENCE, tlv.encode(tlv.OID, b"\x2a" + b"\xff" * 13000 + b"\x01"))
)


@pytest.mark.attack("K17")
@pytest.mark.parametrize(
    ("certificates", "algorithms"),
    [
        pytest.param(lambda der: b"\x30\x00" * 4000, b"", id="4000 certificates"),
        pytest.param(_with_issuer(LIGATURES), b"", id="a name that takes long to fold"),
        pytest.param(lambda der: der, ENDLESS_OID, id="an endless OID"),
    ],
)
def test_K17_well_formed_and_made_to_take_long(
    card: SoftwareCard, certificates: Callable[[bytes], bytes], algorithms: bytes
) -> None:
    bomb = _rebuilt(card.files.sod, certificates, algorithms)
    start = time.thread_time()
    refused("sod-malformed", sod.parse, bomb)
    assert time.thread_time() - start < 0.2
    assert _verify(_rebuilt(card.files.sod, lambda der: der)) == _verify(card.files.sod)


def test_a_signer_named_by_its_key(card: SoftwareCard, authority: Authority) -> None:
    identifier = certificate.parse(sod.parse(card.files.sod).signer).key_identifier

    def by_key(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        signer["version"] = "v3"
        signer["sid"] = cms.SignerIdentifier("subject_key_identifier", core.OctetString(identifier))

    data = resigned(card.files.sod, authority.signer_key, by_key)
    assert _verify(data) == _verify(card.files.sod)

    def by_another(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        signer["version"] = "v3"
        signer["sid"] = cms.SignerIdentifier("subject_key_identifier", core.OctetString(b"other"))

    refused("sod-signer-unknown", sod.parse, changed(card.files.sod, by_another))


def test_a_signer_named_with_the_parts_of_its_issuer_turned_round(card: SoftwareCard) -> None:
    def turn(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        issuer = signer["sid"].chosen["issuer"]
        parts = asn1_x509.RDNSequence(list(reversed(list(issuer.chosen))))
        signer["sid"].chosen["issuer"] = asn1_x509.Name("", parts)

    assert _verify(changed(card.files.sod, turn)) == _verify(card.files.sod)


def test_of_several_certificates_the_named_one_signs(
    card: SoftwareCard, authority: Authority
) -> None:
    root = authority.csca_der()
    for order in (lambda der: root + der, lambda der: der + root):
        data = _rebuilt(card.files.sod, order)
        assert _verify(data) == _verify(card.files.sod)
        assert sod.parse(data).signer == sod.parse(card.files.sod).signer


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for candidate in (data, tlv.encode(0x77, data), tlv.encode(0x77, tlv.encode(0x30, data))):
        refused("sod-malformed", sod.parse, candidate)


@given(data=st.data())
def test_any_change_is_refused(card: SoftwareCard, data: st.DataObject) -> None:
    """A changed byte anywhere: refused, or it was in something that nobody signed or reads."""
    original = card.files.sod
    at = data.draw(st.integers(0, len(original) - 1))
    change = data.draw(st.binary(min_size=1, max_size=4))
    forged = original[:at] + change + original[at + len(change) :]
    try:
        assert _verify(forged) == _verify(original)
    except MRTDError:
        assert forged != original

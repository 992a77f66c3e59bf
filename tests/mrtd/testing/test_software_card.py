"""What the development authority makes, a third party accepts; what is saved comes back."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from idp.core.handles import b64url
from idp.mrtd import tlv
from idp.mrtd.testing.authority import Authority, issue_signer, security_object, sign_content
from idp.mrtd.testing.software_card import SoftwareCard, issue_card
from tests.mrtd.forgery import DETAILS, NOW, refused


def _openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("openssl")
    assert program is not None
    return subprocess.run([program, *arguments], capture_output=True, timeout=30, check=False)


def _verify(directory: Path, authority: Authority, sod: bytes) -> bytes:
    """The content that ``openssl cms -verify`` accepts, at NOW, from EF.SOD without its tag."""
    (directory / "sod.der").write_bytes(tlv.read(sod).value)
    (directory / "csca.pem").write_bytes(authority.csca.public_bytes(Encoding.PEM))
    command = ["cms", "-verify", "-binary", "-inform", "DER", "-in", directory / "sod.der"]
    command += ["-CAfile", directory / "csca.pem", "-purpose", "any", "-attime", str(NOW)]
    done = _openssl(*command)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_accepts_the_security_object(
    authority: Authority, tmp_path: Path, digest: str
) -> None:
    groups = {1: b"one", 13: b"thirteen"}
    content = _verify(tmp_path, authority, authority.sign(groups, digest))
    assert content == security_object(groups, digest)


@pytest.mark.parametrize("pss", [False, True])
def test_openssl_accepts_rsa_signers(
    authority: Authority, rsa_key: rsa.RSAPrivateKey, tmp_path: Path, pss: bool
) -> None:
    signer = issue_signer(rsa_key, authority.csca, authority.csca_key, now=NOW)
    content = security_object({1: b"one"})
    sod = sign_content(content, signer, rsa_key, pss=pss)
    assert _verify(tmp_path, authority, sod) == content


def test_openssl_refuses_another_content(authority: Authority, tmp_path: Path) -> None:
    sod = authority.sign({1: b"one"})
    with pytest.raises(AssertionError):
        _verify(tmp_path, authority, sod.replace(security_object({1: b"one"})[-8:], b"12345678"))


def test_openssl_accepts_the_revocation_list(authority: Authority, tmp_path: Path) -> None:
    serial = authority.signer.serial_number
    crl = authority.revocation_list(now=NOW, number=3, serials=[serial])
    (tmp_path / "crl.der").write_bytes(crl)
    (tmp_path / "csca.pem").write_bytes(authority.csca.public_bytes(Encoding.PEM))
    command = ["crl", "-inform", "DER", "-in", tmp_path / "crl.der", "-noout", "-text"]
    done = _openssl(*command, "-CAfile", tmp_path / "csca.pem")
    assert b"verify OK" in done.stderr
    assert f"{serial:X}".encode() in done.stdout


def test_certificates_have_the_extensions_of_9303_12(authority: Authority) -> None:
    common = {
        ExtensionOID.KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.PRIVATE_KEY_USAGE_PERIOD,
    }
    root = {each.oid for each in authority.csca.extensions}
    signer = {each.oid for each in authority.signer.extensions}
    assert root == common | {ExtensionOID.BASIC_CONSTRAINTS}
    assert signer == common | {x509.ObjectIdentifier("2.23.136.1.1.6.2")}
    root_key = authority.csca.public_key()
    assert isinstance(root_key, ec.EllipticCurvePublicKey)
    assert root_key.curve.name == "brainpoolP512r1"


def test_an_authority_comes_back_from_its_file(authority: Authority) -> None:
    again = Authority.from_pem(authority.to_pem())
    assert (again.csca, again.signer) == (authority.csca, authority.signer)
    assert again.sign({1: b""})
    for data in (b"", authority.to_pem()[:-200], authority.csca.public_bytes(Encoding.PEM)):
        refused("card-file-malformed", Authority.from_pem, data)


def test_a_card_comes_back_from_its_file(card: SoftwareCard) -> None:
    text = card.to_json()
    members = json.loads(text)
    expected = {"sod", "dg1", "dg13", "dg14", "dg15", "private_key", "digest"}
    assert members.keys() == expected
    assert members["dg1"] == b64url(card.files.data_groups[1])
    again = SoftwareCard.from_json(text)
    assert again.files == card.files
    assert again.to_json() == text


@pytest.mark.parametrize(
    "change",
    [{"sod": "???"}, {"sod": 1}, {"private_key": "none"}, {"digest": "md5"}, {"dg15": None}],
)
def test_files_that_are_no_card_s_are_refused(
    card: SoftwareCard, change: dict[str, object]
) -> None:
    members = json.loads(card.to_json()) | change
    refused("card-file-malformed", SoftwareCard.from_json, json.dumps(members))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{" * 5000])
def test_other_json_is_refused(text: str) -> None:
    refused("card-file-malformed", SoftwareCard.from_json, text)


def test_an_endless_file_is_refused() -> None:
    refused("file-too-large", SoftwareCard.from_json, " " * 70_000)


def test_each_card_has_its_own_key(authority: Authority) -> None:
    keys = {issue_card(authority, DETAILS).files.data_groups[15] for _ in range(3)}
    assert len(keys) == 3
    assert issue_card(authority, replace(DETAILS, former_number="")).files.data_groups[13]

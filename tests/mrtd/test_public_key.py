"""Public keys: curves by name and by all six parameters, no other point, no other kind."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from asn1crypto.keys import ECDomainParameters
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import dg15, public_key, tlv
from idp.mrtd.curves import CURVES, DOMAINS, Domain
from idp.mrtd.errors import MRTDError
from tests.mrtd.forgery import explicit, reason_of, refused

OPENSSL = {"secp192r1": "prime192v1", "secp256r1": "prime256v1"}
KEY = ec.generate_private_key(ec.SECP256R1()).public_key()


def _info(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey)
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("name", DOMAINS)
def test_the_table_of_curves_is_openssl_s(name: str) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None
    command = [openssl, "ecparam", "-name", OPENSSL.get(name, name)]
    command += ["-param_enc", "explicit", "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
    told = ECDomainParameters.load(der).chosen
    base = told["base"].native
    size = len(base) // 2
    assert DOMAINS[name] == Domain(
        p=told["field_id"]["parameters"].native,
        a=int.from_bytes(told["curve"]["a"].native),
        b=int.from_bytes(told["curve"]["b"].native),
        x=int.from_bytes(base[1 : size + 1]),
        y=int.from_bytes(base[size + 1 :]),
        n=told["order"].native,
        h=told["cofactor"].native,
    )


@pytest.mark.parametrize("name", CURVES)
def test_keys_on_named_and_on_spelt_out_curves(name: str) -> None:
    key = ec.generate_private_key(CURVES[name]).public_key()
    for info in (_info(key), explicit(_info(key), DOMAINS[name])):
        found = public_key.parse(info)
        assert isinstance(found, ec.EllipticCurvePublicKey)
        assert found.public_numbers() == key.public_numbers()
        assert public_key.order(found) == DOMAINS[name].n


@pytest.mark.attack("K12")
@pytest.mark.parametrize("parameter", ["p", "a", "b", "x", "y", "n", "h"])
def test_K12_spelt_out_parameters_have_to_be_a_known_curve_s_all_of_them(parameter: str) -> None:
    known = DOMAINS["secp256r1"]
    forged = replace(known, **{parameter: getattr(known, parameter) ^ 2})
    refused("key-unsupported", public_key.parse, explicit(_info(KEY), forged))


@pytest.mark.attack("K12")
def test_K12_the_victim_s_key_as_the_generator() -> None:
    numbers = KEY.public_numbers()
    forged = replace(DOMAINS["secp256r1"], x=numbers.x, y=numbers.y)
    refused("key-unsupported", public_key.parse, explicit(_info(KEY), forged))


@pytest.mark.attack("K12")
@pytest.mark.parametrize(
    "point",
    [
        pytest.param(b"\0", id="infinity"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\4" + bytes(64), id="zero"),
        pytest.param(b"\4" + b"\1" * 64, id="off the curve"),
        pytest.param(b"\4" + b"\xff" * 64, id="out of the field"),
        pytest.param(b"\4" + b"\1" * 63, id="short"),
    ],
)
def test_K12_points_that_are_none_are_refused(point: bytes) -> None:
    algorithm, _ = tlv.read(_info(KEY)).children(tlv.SEQUENCE)
    bits = tlv.encode(tlv.BIT_STRING, b"\0", point)
    refused("key-malformed", public_key.parse, tlv.encode(tlv.SEQUENCE, algorithm.raw, bits))


def test_other_kinds_of_key_are_not_supported() -> None:
    other = ed25519.Ed25519PrivateKey.generate().public_key()
    refused("key-unsupported", public_key.parse, _info(other))
    koblitz = ec.generate_private_key(ec.SECP256K1()).public_key()
    refused("key-unsupported", public_key.parse, _info(koblitz))


def _rsa_info(modulus: int, exponent: int) -> bytes:
    pair = tlv.encode(tlv.SEQUENCE, tlv.encode_integer(modulus), tlv.encode_integer(exponent))
    oid = tlv.encode(tlv.OID, bytes.fromhex("2a864886f70d010101"))
    algorithm = tlv.encode(tlv.SEQUENCE, oid, tlv.encode(tlv.NULL))
    return tlv.encode(tlv.SEQUENCE, algorithm, tlv.encode(tlv.BIT_STRING, b"\0", pair))


@pytest.mark.parametrize("exponent", [0, 1, 2, 65536, (1 << 65) + 1])
def test_rsa_exponents_are_odd_at_least_three_and_not_huge(
    rsa_key: rsa.RSAPrivateKey, exponent: int
) -> None:
    modulus = rsa_key.public_key().public_numbers().n
    assert isinstance(public_key.parse(_rsa_info(modulus, 3)), rsa.RSAPublicKey)
    refused("key-malformed", public_key.parse, _rsa_info(modulus, exponent))


def test_rsa_moduli_are_odd_and_of_bounded_length() -> None:
    refused("key-malformed", public_key.parse, _rsa_info(1 << 2047, 65537))
    refused("key-malformed", public_key.parse, _rsa_info((1 << 8192) + 1, 65537))


def test_dg15_is_hashed_as_it_stands() -> None:
    info = _info(KEY)
    named, spelt = (
        dg15.parse(dg15.build(info)),
        dg15.parse(dg15.build(explicit(info, DOMAINS["secp256r1"]))),
    )
    assert named.key.public_numbers() == spelt.key.public_numbers()
    assert named.digest != spelt.digest


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for candidate in (data, tlv.encode(0x6F, data), tlv.encode(0x6F, tlv.encode(0x30, data))):
        with pytest.raises(MRTDError):
            dg15.parse(candidate)


@given(st.integers(0, 90), st.binary(min_size=1, max_size=3))
def test_any_change_is_read_or_refused(at: int, change: bytes) -> None:
    info = _info(KEY)
    forged = info[:at] + change + info[at + len(change) :]
    assert reason_of(public_key.parse, forged) in {None, "key-malformed", "key-unsupported"}

"""Active authentication: ISO 9796-2 scheme 1 and plain ECDSA, and every way to get round them."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import active_auth, challenge, dg14, dg15, iso9796, public_key, tlv
from idp.mrtd.curves import CURVES
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import ANY_COUNTRY, LOGIN, Policy
from idp.mrtd.testing.authority import PrivateKey
from idp.mrtd.testing.software_card import sign_iso9796, sign_plain_ecdsa
from tests.mrtd.forgery import CHALLENGE, reason_of, refused

RSA_DIGESTS = ("sha1", "sha224", "sha256", "sha384", "sha512")


def _files(key: PrivateKey, infos: bytes | None = None) -> CardFiles:
    info = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return CardFiles(b"", {15: dg15.build(info)} | ({14: infos} if infos is not None else {}))


def _verify(
    files: CardFiles,
    signature: bytes,
    signed: bytes = CHALLENGE,
    policy: Policy = LOGIN,
) -> dg15.ChipKey:
    return active_auth.verify(files, challenge=signed, signature=signature, policy=policy)


def _raw(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    numbers = key.private_numbers()
    number = pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n)
    return number.to_bytes(key.key_size // 8)


# The worked example of 9303-11 Appendix F.
F_M1 = (
    "9D2784A67F8E7C659973EA1AEA25D95B6C8F91E5002F369F0FBDCE8A3CEC1991B543F1696546C5524CF23A5303CD6C"
    "98599F40B79F377B5F3A1406B3B4D8F96784D23AA88DB7E1032A405E69325FA91A6E86F5C71AEA978264C4A207446D"
    "AD4E7292E2DCDA3024B47DA8"
)
F_DIGEST = "C063AA1E6D22FBD976AB0FE73D94D2D9C6D88127"
F_RND_IFD = "F173589974BF40C6"


def test_the_worked_example_of_9303_11_appendix_f(short_rsa_key: rsa.RSAPrivateKey) -> None:
    block = bytes.fromhex("6A" + F_M1 + F_DIGEST + "BC")
    signature = _raw(short_rsa_key, block)
    public = short_rsa_key.public_key()
    assert iso9796.recover(public, signature) == block
    assert iso9796.verify(public, signature, bytes.fromhex(F_RND_IFD)) == "sha1"
    signed = bytes.fromhex(F_RND_IFD)
    assert _verify(_files(short_rsa_key), signature, signed, ANY_COUNTRY)
    refused("active-authentication", iso9796.verify, public, signature, CHALLENGE)


@pytest.mark.parametrize("digest", RSA_DIGESTS)
def test_rsa_with_every_trailer(rsa_key: rsa.RSAPrivateKey, digest: str) -> None:
    files = _files(rsa_key)
    signature = sign_iso9796(rsa_key, CHALLENGE, digest)
    assert _verify(files, signature).key == rsa_key.public_key()
    refused("active-authentication", _verify, files, signature, bytes(7) + b"\1")


def test_rsa_with_the_implicit_trailer(rsa_key: rsa.RSAPrivateKey) -> None:
    signature = sign_iso9796(rsa_key, CHALLENGE, "sha1", iso9796.IMPLICIT_TRAILER)
    assert _verify(_files(rsa_key), signature)
    only_sha2 = replace(LOGIN, active_authentication_hashes=frozenset({"sha256"}))
    refused("hash-weak", _verify, _files(rsa_key), signature, policy=only_sha2)


def test_rsa_under_the_trailer_of_another_digest(rsa_key: rsa.RSAPrivateKey) -> None:
    for trailer in (*iso9796.TRAILERS.values(), b"\xbc", b"\x31\xcc", b"\x00"):
        if trailer != iso9796.TRAILERS["sha256"]:
            signature = sign_iso9796(rsa_key, CHALLENGE, "sha256", trailer)
            refused("active-authentication", _verify, _files(rsa_key), signature)


def test_rsa_keys_are_long_enough_and_not_too_long(short_rsa_key: rsa.RSAPrivateKey) -> None:
    signature = sign_iso9796(short_rsa_key, CHALLENGE, "sha256")
    refused("key-weak", _verify, _files(short_rsa_key), signature)
    assert _verify(_files(short_rsa_key), signature, policy=ANY_COUNTRY)
    huge = rsa.RSAPublicNumbers(65537, (1 << 5000) + 1).public_key()
    info = huge.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    refused("key-unsupported", _verify, CardFiles(b"", {15: dg15.build(info)}), bytes(626))


def test_rsa_signatures_are_as_long_as_the_modulus_and_below_it(rsa_key: rsa.RSAPrivateKey) -> None:
    files, signature = _files(rsa_key), sign_iso9796(rsa_key, CHALLENGE, "sha256")
    modulus = rsa_key.public_key().public_numbers().n
    more = (int.from_bytes(signature) + modulus).to_bytes(257)
    negative = (modulus - int.from_bytes(signature)).to_bytes(256)
    for forged in (more, more[1:], b"\0" + signature, signature[:-1], negative, bytes(256), b""):
        refused("active-authentication", _verify, files, forged)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda block: b"\x4a" + block[1:], id="total recovery"),
        pytest.param(lambda block: b"\x00" + block[1:], id="leading zero"),
        pytest.param(lambda block: b"\x00" + block[:-1], id="does not fill the modulus"),
        pytest.param(lambda block: block[:1] + bytes([block[1] ^ 1]) + block[2:], id="other M1"),
        pytest.param(lambda block: block[:-3] + bytes([block[-3] ^ 1]) + block[-2:], id="digest"),
    ],
)
def test_rsa_blocks_of_another_form(rsa_key: rsa.RSAPrivateKey, change: object) -> None:
    assert callable(change)
    signature = sign_iso9796(rsa_key, CHALLENGE, "sha256")
    block = iso9796.recover(rsa_key.public_key(), signature)
    refused("active-authentication", _verify, _files(rsa_key), _raw(rsa_key, change(block)))


def test_rsa_the_border_of_m1_and_challenge_cannot_slide(rsa_key: rsa.RSAPrivateKey) -> None:
    """A challenge of 16 bytes, and one whose first half the chip had put into M1."""
    long_challenge = CHALLENGE + CHALLENGE[::-1]
    signature = sign_iso9796(rsa_key, long_challenge, "sha256")
    refused("challenge", _verify, _files(rsa_key), signature, long_challenge)
    refused("active-authentication", _verify, _files(rsa_key), signature, CHALLENGE[::-1])


@pytest.mark.attack("K05")
@pytest.mark.parametrize(
    "given", [b"", bytes(7), bytes(range(7)), bytes(range(9)), bytes(8), b"\xff" * 8, bytes(16)]
)
def test_K05_a_challenge_is_eight_bytes_not_all_the_same(
    rsa_key: rsa.RSAPrivateKey, given: bytes
) -> None:
    ec_key = ec.generate_private_key(ec.SECP256R1())
    rsa_signature = sign_iso9796(rsa_key, given, "sha256")
    refused("challenge", _verify, _files(rsa_key), rsa_signature, given)
    refused("challenge", _verify, _files(ec_key), sign_plain_ecdsa(ec_key, given, "sha256"), given)


@pytest.mark.attack("K05")
def test_K05_the_challenge_is_the_server_s_and_never_repeats() -> None:
    origin, session, nonce = "https://login.example", "session", bytes(range(32))
    first = challenge.rnd_ifd(origin, session, nonce)
    assert first.hex() == "d5decfaa82bce96b"
    others = {
        challenge.rnd_ifd("https://login.exampl", "esession", nonce),
        challenge.rnd_ifd("https://other.example", session, nonce),
        challenge.rnd_ifd(origin, "session2", nonce),
        challenge.rnd_ifd(origin, session, bytes(32)),
    }
    assert len(others | {first}) == 5
    many = {challenge.rnd_ifd(origin, session, at.to_bytes(32)) for at in range(100_000)}
    assert len(many) == 100_000
    with pytest.raises(ValueError, match="32 bytes"):
        challenge.rnd_ifd(origin, session, bytes(31))


@pytest.mark.parametrize("name", [name for name in CURVES if name != "secp192r1"])
def test_ecdsa_on_every_curve_with_the_digest_that_fits_it(name: str) -> None:
    key = ec.generate_private_key(CURVES[name])
    digest = active_auth.digest_for(key.public_key())
    signature = sign_plain_ecdsa(key, CHALLENGE, digest)
    assert _verify(_files(key), signature).key == key.public_key()
    assert _verify(_files(key, dg14.build(digest)), signature)
    refused("active-authentication", _verify, _files(key), signature, b"another!")


def test_ecdsa_on_a_short_curve() -> None:
    key = ec.generate_private_key(ec.SECP192R1())
    signature = sign_plain_ecdsa(key, CHALLENGE, "sha1")
    refused("key-weak", _verify, _files(key), signature)


@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384"])
def test_ecdsa_with_the_digest_that_dg14_names_and_no_other(digest: str) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    other = "sha384" if digest != "sha384" else "sha256"
    signature = sign_plain_ecdsa(key, CHALLENGE, digest)
    assert _verify(_files(key, dg14.build(digest)), signature)
    refused("active-authentication", _verify, _files(key, dg14.build(other)), signature)


def test_ecdsa_with_a_digest_longer_than_the_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = sign_plain_ecdsa(key, CHALLENGE, "sha512")
    refused("algorithm-inconsistent", _verify, _files(key, dg14.build("sha512")), signature)


@pytest.mark.attack("K12")
def test_K12_r_and_s_are_within_the_group() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    files, good = _files(key), sign_plain_ecdsa(key, CHALLENGE, "sha256")
    order = public_key.order(key.public_key())
    r, s, zero = good[:32], good[32:], bytes(32)
    for forged in (
        zero + zero,
        r + zero,
        zero + s,
        order.to_bytes(32) + s,
        r + order.to_bytes(32),
        b"\xff" * 64,
    ):
        refused("active-authentication", _verify, files, forged)


@pytest.mark.attack("K12")
def test_K12_plain_and_der_are_never_taken_for_each_other() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    plain = sign_plain_ecdsa(key, CHALLENGE, "sha256")
    by_der = replace(LOGIN, ecdsa_der=True)
    refused("active-authentication", _verify, _files(key), der)
    refused("active-authentication", _verify, _files(key), plain, policy=by_der)
    refused("active-authentication", _verify, _files(key), der + b"\0", policy=by_der)
    for wrong in (plain + b"\0", plain[:-1], b"\0" + plain, b""):
        refused("active-authentication", _verify, _files(key), wrong)
    assert _verify(_files(key), der, policy=by_der)


@pytest.mark.attack("K19")
def test_K19_no_dg15_no_proof(rsa_key: rsa.RSAPrivateKey) -> None:
    signature = sign_iso9796(rsa_key, CHALLENGE, "sha256")
    refused("dg-missing", _verify, CardFiles(b"", {}), signature)
    refused("dg-malformed", _verify, CardFiles(b"", {15: b""}), signature)


def test_an_endless_signature_is_not_looked_at(rsa_key: rsa.RSAPrivateKey) -> None:
    refused("file-too-large", _verify, _files(rsa_key), bytes(1025))


def test_dg14_tells_the_digest_once_and_plainly() -> None:
    assert dg14.active_authentication_digest(dg14.build("sha384")) == "sha384"
    nothing = tlv.encode(0x6E, tlv.encode(tlv.SET))
    assert dg14.active_authentication_digest(nothing) is None
    info = tlv.read(tlv.read(dg14.build("sha256")).value).value
    twice = tlv.encode(0x6E, tlv.encode(tlv.SET, info, info))
    refused("algorithm-unsupported", dg14.active_authentication_digest, twice)
    other = tlv.encode(0x6E, tlv.encode(tlv.SET, info[:-1] + b"\x09"))
    refused("algorithm-unsupported", dg14.active_authentication_digest, other)


@given(st.binary(max_size=100))
def test_any_dg14_is_read_or_refused(data: bytes) -> None:
    for candidate in (data, tlv.encode(0x6E, data), tlv.encode(0x6E, tlv.encode(0x31, data))):
        reasons = {None, "dg-malformed", "dg14-malformed", "algorithm-unsupported"}
        assert reason_of(dg14.active_authentication_digest, candidate) in reasons


@given(st.binary(max_size=300))
def test_any_signature_is_refused(signature: bytes) -> None:
    refused("active-authentication", _verify, EC_FILES, signature)


EC_FILES = _files(ec.generate_private_key(ec.BrainpoolP256R1()))

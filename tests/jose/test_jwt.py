"""JWTs: a good one passes, everything near it does not."""

import hmac
import json
import time
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from idp.core.handles import b64url, b64url_decode
from idp.jose.jwk import Jwk, JwkSet, thumbprint
from idp.jose.jwt import (
    MAX_TOKEN,
    InvalidToken,
    audiences,
    check_claims,
    parse_jwt,
    sign_jwt,
    verify_jwt,
)
from idp.jose.signer import LocalSigner

NOW = 1_800_000_000
ISSUER = "https://id.example.vn"
CLIENT = "portal"
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = LocalSigner(thumbprint(KEY.public_key()), "ES256", KEY)
KEYS = JwkSet((Jwk(SIGNER.kid, KEY.public_key(), "ES256", "sig"),))
CLAIMS = {"iss": ISSUER, "aud": CLIENT, "sub": "s", "exp": NOW + 300, "iat": NOW}


def read(token: str, **changes: Any) -> Any:
    expected = {
        "algorithms": ["ES256"],
        "issuer": ISSUER,
        "audience": CLIENT,
        "typ": ("JWT", ""),
        "now": NOW,
    }
    return verify_jwt(token, KEYS, **expected | changes)


def forge(header: Any, claims: Any = CLAIMS) -> str:
    """A token signed by our key over any header and payload: dict, or raw JSON text."""
    parts = [each if isinstance(each, str) else json.dumps(each) for each in (header, claims)]
    signing_input = ".".join(b64url(part.encode("utf-8", "surrogatepass")) for part in parts)
    return f"{signing_input}.{b64url(SIGNER.sign(signing_input.encode()))}"


TOKEN = sign_jwt(SIGNER, CLAIMS, typ="JWT")
HEADER = {"alg": "ES256", "kid": SIGNER.kid}
HEADER_HS256 = {"alg": "HS256", "kid": SIGNER.kid}


def test_round_trip() -> None:
    assert read(TOKEN) == CLAIMS
    assert read(forge(HEADER)) == CLAIMS


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", KEY),
        ("RS256", rsa.generate_private_key(65537, 2048)),
        ("PS256", rsa.generate_private_key(65537, 2048)),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_an_independent_reader_agrees(alg: str, key: Any) -> None:
    token = sign_jwt(LocalSigner("k", alg, key), CLAIMS, typ="at+jwt", headers={"x": 1})
    read_back = pyjwt.decode_complete(
        token,
        key.public_key(),
        [alg],
        audience=CLIENT,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert read_back["payload"] == CLAIMS
    assert read_back["header"] == {"alg": alg, "kid": "k", "typ": "at+jwt", "x": 1}
    theirs = pyjwt.encode(CLAIMS, key, alg, headers={"kid": "k"})
    keys = JwkSet((Jwk("k", key.public_key()),))
    assert (
        verify_jwt(
            theirs, keys, algorithms=[alg], issuer=ISSUER, audience=CLIENT, typ=["JWT"], now=NOW
        )
        == CLAIMS
    )


def test_a_signer_refuses_an_algorithm_of_another_key_type() -> None:
    with pytest.raises(ValueError, match="no algorithm"):
        LocalSigner("k", "RS256", KEY).sign(b"")
    with pytest.raises(ValueError, match="no algorithm"):
        LocalSigner("k", "HS256", KEY).sign(b"")
    assert "PrivateKey" not in repr(SIGNER)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 10}, "expired"),
        ({"exp": NOW + 300, "nbf": NOW + 11}, "not_yet_valid"),
        ({"iat": NOW + 11}, "not_yet_valid"),
        ({"exp": True}, "exp"),
        ({"exp": str(NOW + 300)}, "exp"),
        ({"exp": -1}, "exp"),
        ({"iat": [NOW]}, "iat"),
        ({"iss": ISSUER + "/"}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["other", 1]}, "aud"),
        ({"aud": {CLIENT: 1}}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": 5}, "sub"),
        ({"jti": {}}, "jti"),
    ],
)
def test_claims_that_do_not_hold(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        read(forge(HEADER, CLAIMS | changes))
    assert caught.value.reason == reason


@pytest.mark.parametrize("changes", [{"exp": NOW - 9}, {"iat": NOW + 10}, {"nbf": NOW + 10}])
def test_ten_seconds_are_forgiven(changes: dict[str, Any]) -> None:
    read(forge(HEADER, CLAIMS | changes))
    with pytest.raises(InvalidToken):
        read(forge(HEADER, CLAIMS | changes), leeway=5)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "1" + "0" * 5000])
def test_an_exp_that_is_no_time(text: str) -> None:
    claims = json.dumps(CLAIMS | {"exp": 0}).replace('"exp": 0', f'"exp": {text}')
    with pytest.raises(InvalidToken):
        read(forge(HEADER, claims))


def test_required_claims() -> None:
    assert read(TOKEN, required=["exp", "sub"]) == CLAIMS
    for missing in ({**CLAIMS, "nonce": ""}, {**CLAIMS, "nonce": None}, CLAIMS):
        with pytest.raises(InvalidToken, match="missing_nonce"):
            read(forge(HEADER, missing), required=["nonce"])


def test_several_audiences() -> None:
    assert audiences({"aud": ["a", "b"]}) == ("a", "b")
    assert audiences({}) == ()
    check_claims({"aud": ["other", CLIENT]}, issuer=None, audience=CLIENT, now=NOW)


@pytest.mark.attack("E15")
def test_E15_a_token_of_another_typ_is_refused() -> None:
    logout_token = sign_jwt(SIGNER, CLAIMS, typ="logout+jwt")
    assert read(logout_token, typ=["logout+jwt"]) == CLAIMS
    assert read(sign_jwt(SIGNER, CLAIMS, typ="application/Logout+JWT"), typ=["logout+jwt"])
    for accepted in (["JWT"], ["at+jwt", ""], []):
        with pytest.raises(InvalidToken, match="typ"):
            read(logout_token, typ=accepted)
    with pytest.raises(InvalidToken, match="typ"):
        read(forge(HEADER), typ=["JWT"])


@pytest.mark.attack("E13")
@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["x"]},
        {"crit": []},
        {"b64": False},
        {"b64": True},
        {"jku": "https://evil.example/jwks"},
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://evil.example/c"},
        {"x5c": []},
        {"zip": "DEF"},
        {"typ": 1},
    ],
)
def test_E13_a_header_that_changes_the_reading_is_refused(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken, match="header"):
        read(forge(HEADER | extra))


def test_a_dpop_reader_may_ask_for_the_jwk_header() -> None:
    proof = forge(HEADER | {"jwk": {"kty": "EC"}})
    assert parse_jwt(proof, headers=["jwk"]).header["jwk"] == {"kty": "EC"}
    with pytest.raises(InvalidToken, match="header"):
        parse_jwt(forge(HEADER | {"jwk": {}, "jku": "x"}), headers=["jwk"])


@pytest.mark.attack("I04")
@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "' OR 1=1--",
        ";id",
        "k" * 1_000,
        "\x00",
        "khóa",
        "",
        7,
        {},
        ["k"],
    ],
    ids=repr,
)
def test_I04_a_hostile_kid_finds_no_key(kid: Any) -> None:
    with pytest.raises(InvalidToken) as caught:
        read(forge(HEADER | {"kid": kid}))
    assert caught.value.reason in {"kid", "unknown_key"}


@pytest.mark.attack("I04")
def test_I04_a_kid_with_a_lone_surrogate_is_no_json() -> None:
    with pytest.raises(InvalidToken, match="malformed"):
        read(forge(HEADER | {"kid": "\ud800"}))


@pytest.mark.attack("I05")
@pytest.mark.parametrize(
    "alg",
    ["none", "None", "NONE", "nOnE", "", "HS256", "es256", "ES384", "RS256", ["ES256"], None, 1],
    ids=repr,
)
def test_I05_only_the_expected_algorithm_is_accepted(alg: Any) -> None:
    header = {"kid": SIGNER.kid} if alg is None else HEADER | {"alg": alg}
    token = forge(header)
    for candidate in (token, token.rpartition(".")[0] + "."):
        with pytest.raises(InvalidToken):
            read(candidate)


@pytest.mark.attack("E11")
@pytest.mark.parametrize("as_jwk", [False, True])
def test_E11_a_public_key_is_never_an_hmac_secret(as_jwk: bool) -> None:
    public = KEY.public_key()
    secret = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if as_jwk:
        secret = json.dumps(KEYS.export()["keys"][0]).encode()
    header, payload = (b64url(json.dumps(each).encode()) for each in (HEADER_HS256, CLAIMS))
    signing_input = f"{header}.{payload}"
    mac = hmac.digest(secret, signing_input.encode(), "sha256")
    token = f"{signing_input}.{b64url(mac)}"
    with pytest.raises(InvalidToken, match="algorithm"):
        read(token)
    with pytest.raises(InvalidToken, match="unknown_key"):
        read(token, algorithms=["HS256", "ES256"])


def test_an_empty_signature_is_refused() -> None:
    with pytest.raises(InvalidToken, match="signature"):
        read(TOKEN.rpartition(".")[0] + ".")


@pytest.mark.attack("H12")
def test_H12_every_flipped_bit_is_refused() -> None:
    token = sign_jwt(SIGNER, {**CLAIMS, "pad": "x" * 9}, typ="JWT")
    decoded = [b64url_decode(part) for part in token.split(".")]
    for part in range(3):
        for bit in range(8 * len(decoded[part])):
            changed = [bytearray(each) for each in decoded]
            changed[part][bit // 8] ^= 1 << bit % 8
            with pytest.raises(InvalidToken):
                read(".".join(b64url(bytes(each)) for each in changed))


@pytest.mark.attack("H12")
def test_H12_another_spelling_of_the_same_bytes_is_refused() -> None:
    header, payload, signature = TOKEN.split(".")
    tail = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other_tail = tail[tail.index(signature[-1]) | 1]
    respelled = [
        f"{header}.{payload}.{signature[:-1]}{other_tail}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}\n",
        f" {TOKEN}",
        f"{header}.{payload} .{signature}",
        TOKEN.replace("_", "/").replace("-", "+") + "\t",
        f"{header}.{payload}.{signature}.",
        f"{header}..{payload}.{signature}",
        "",
        "..",
        "\u0660" + TOKEN[1:],
    ]
    for token in respelled:
        assert token != TOKEN
        with pytest.raises(InvalidToken):
            read(token)


@pytest.mark.attack("H12")
@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ('{"alg":"ES256","alg":"none"}', CLAIMS),
        (HEADER, json.dumps(CLAIMS)[:-1] + ',"sub":"other"}'),
        (HEADER, json.dumps(CLAIMS)[:-1] + ',"a":{"b":1,"b":2}}'),
        (HEADER, "[]"),
        (HEADER, '"text"'),
        (HEADER, json.dumps(CLAIMS) + "{}"),
        (HEADER, "[" * 6_000),
        ("[]", CLAIMS),
        ("", CLAIMS),
        ('{"alg":"\ud800"}', CLAIMS),
    ],
)
def test_H12_json_that_reads_two_ways_is_refused(header: Any, claims: Any) -> None:
    with pytest.raises(InvalidToken):
        read(forge(header, claims))


@pytest.mark.attack("H13")
def test_H13_malformed_ecdsa_signatures_are_refused() -> None:
    signing_input = TOKEN.rpartition(".")[0]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = b64url_decode(TOKEN.rpartition(".")[2])
    der = KEY.sign(signing_input.encode(), ec.ECDSA(ec.hashes.SHA256()))
    forged = {
        "zero": bytes(64),
        "r is the order": order.to_bytes(32) * 2,
        "s is zero": raw[:32] + bytes(32),
        "der": der,
        "trailing": raw + b"\x00",
        "leading": b"\x00" + raw,
        "short": raw[:-1],
        "all ones": b"\xff" * 64,
        "high s of another message": raw[32:] + raw[:32],
    }
    for signature in forged.values():
        with pytest.raises(InvalidToken, match="signature"):
            read(f"{signing_input}.{b64url(signature)}")


@pytest.mark.attack("H14")
def test_H14_the_json_serialization_is_refused() -> None:
    header, payload, signature = TOKEN.split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    general = {
        "payload": payload,
        "signatures": [{"protected": header, "signature": signature}] * 2,
    }
    unprotected = {"header": {"alg": "ES256"}, "payload": payload, "signature": signature}
    for value in (flattened, general, unprotected):
        with pytest.raises(InvalidToken, match="malformed"):
            read(json.dumps(value))


@pytest.mark.attack("H15")
def test_H15_a_huge_token_is_refused_before_it_is_read() -> None:
    huge = ("A" * 50_000_000 + ".e30.AA", "." * 50_000_000)
    nested = '{"a":' * 2_000 + "1" + "}" * 2_000
    started = time.thread_time()
    for token in huge:
        with pytest.raises(InvalidToken, match="too_long"):
            read(token)
    with pytest.raises(InvalidToken):
        read(f"{b64url(nested.encode())}.e30.AA")
    assert time.thread_time() - started < 0.1
    with pytest.raises(InvalidToken, match="too_long"):
        read("A" * (MAX_TOKEN + 1))


def test_without_a_kid_one_fitting_key_is_enough_and_two_are_not() -> None:
    token = forge({"alg": "ES256"})
    assert read(token) == CLAIMS
    second = Jwk("other", ec.generate_private_key(ec.SECP256R1()).public_key())
    rsa_key = Jwk("rsa", rsa.generate_private_key(65537, 2048).public_key())
    expected: dict[str, Any] = {
        "algorithms": ["ES256"],
        "issuer": None,
        "audience": None,
        "typ": [""],
        "now": NOW,
    }
    assert verify_jwt(token, JwkSet((*KEYS.keys, rsa_key)), **expected) == CLAIMS
    with pytest.raises(InvalidToken, match="unknown_key"):
        verify_jwt(token, JwkSet((*KEYS.keys, second)), **expected)
    with pytest.raises(InvalidToken, match="unknown_key"):
        verify_jwt(token, JwkSet(), **expected)


@given(
    st.text(max_size=200)
    | st.lists(st.binary(max_size=60), max_size=4).map(
        lambda parts: ".".join(b64url(part) for part in parts)
    )
)
def test_whatever_is_sent_is_refused_in_one_way(token: str) -> None:
    with pytest.raises(InvalidToken):
        read(token)

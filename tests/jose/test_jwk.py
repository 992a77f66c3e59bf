"""JWKs: what a relying party may register, and what it may not."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWK

from idp.core.handles import b64url
from idp.jose.jwk import InvalidKey, Jwk, JwkSet, UnknownKey, parse_jwk, parse_jwk_set, thumbprint

EC = ec.generate_private_key(ec.SECP256R1()).public_key()
RSA = rsa.generate_private_key(65537, 2048).public_key()
ED = ed25519.Ed25519PrivateKey.generate().public_key()
EC_JWK = Jwk("ec", EC, "ES256", "sig").export()
RSA_JWK = Jwk("rsa", RSA, "PS256", "sig").export()


@pytest.mark.parametrize(
    ("key", "alg"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256"), (ED, "EdDSA")]
)
def test_export_and_parse_agree_and_others_can_read_it(key: Any, alg: str) -> None:
    exported = Jwk("k1", key, alg, "sig").export()
    assert parse_jwk(exported) == Jwk("k1", key, alg, "sig")
    assert PyJWK(exported).key == key
    assert {"kid", "use", "alg", "kty"} <= set(exported)
    assert {"d", "p", "q", "k"}.isdisjoint(exported)


def test_a_key_without_a_kid_is_named_by_its_thumbprint() -> None:
    assert parse_jwk(Jwk("", EC).export()).kid == thumbprint(EC)


def test_a_key_verifies_only_what_it_says() -> None:
    assert Jwk("k", RSA).verifies("PS256")
    assert Jwk("k", RSA, "RS256").verifies("RS256")
    assert not Jwk("k", RSA, "RS256").verifies("PS256")
    assert not Jwk("k", RSA).verifies("ES256")
    assert not Jwk("k", EC, use="enc").verifies("ES256")
    assert not parse_jwk(EC_JWK | {"use": None, "key_ops": ["deriveKey"]}).verifies("ES256")
    assert parse_jwk(EC_JWK | {"key_ops": ["verify"]}).verifies("ES256")


def _rsa(bits: int, exponent: int = 65537) -> dict[str, str]:
    n, e = (1 << bits - 1) + 1, exponent
    return {
        "kty": "RSA",
        "n": b64url(n.to_bytes((bits + 7) // 8)),
        "e": b64url(e.to_bytes((e.bit_length() + 7) // 8)),
    }


@pytest.mark.attack("I11")
@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(_rsa(512), id="RSA 512"),
        pytest.param(_rsa(2047), id="RSA 2047"),
        pytest.param(_rsa(8193), id="RSA 8193"),
        pytest.param(_rsa(2048, 1), id="exponent 1"),
        pytest.param(_rsa(2048, 65536), id="even exponent"),
        pytest.param(_rsa(2048, (1 << 2000) + 1), id="huge exponent"),
        pytest.param(RSA_JWK | {"n": "AA" + RSA_JWK["n"][2:]}, id="leading zero"),
        pytest.param(RSA_JWK | {"n": RSA_JWK["n"] + "="}, id="padded"),
        pytest.param(RSA_JWK | {"n": 5}, id="number"),
        pytest.param({"kty": "RSA"}, id="no members"),
        pytest.param(RSA_JWK | {"d": "AQAB"}, id="private exponent"),
        pytest.param(EC_JWK | {"d": "AQAB"}, id="private scalar"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, id="symmetric"),
        pytest.param({"kty": "oct"}, id="symmetric without k"),
        pytest.param(EC_JWK | {"y": EC_JWK["x"]}, id="off its curve"),
        pytest.param(EC_JWK | {"x": b64url(bytes(32)), "y": b64url(bytes(32))}, id="zero point"),
        pytest.param(EC_JWK | {"x": b64url(bytes(33))}, id="long coordinate"),
        pytest.param(EC_JWK | {"x": b64url(bytes(31))}, id="short coordinate"),
        pytest.param({"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(31))}, id="short Ed25519"),
        pytest.param(EC_JWK | {"kid": "k" * 257}, id="long kid"),
        pytest.param(EC_JWK | {"kid": 5}, id="kid is a number"),
        pytest.param(EC_JWK | {"alg": ["ES256"]}, id="alg is a list"),
        pytest.param([], id="array"),
        pytest.param("{}", id="text"),
        pytest.param(None, id="null"),
    ],
)
def test_I11_bad_keys_are_refused_alone_and_in_a_set(jwk: Any) -> None:
    with pytest.raises(InvalidKey) as caught:
        parse_jwk(jwk)
    assert not isinstance(caught.value, UnknownKey)
    with pytest.raises(InvalidKey):
        parse_jwk_set({"keys": [EC_JWK, jwk]})


def test_unknown_kinds_are_skipped_in_a_set() -> None:
    unknown = [
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    ]
    for each in unknown:
        with pytest.raises(UnknownKey):
            parse_jwk(each)
    found = parse_jwk_set({"keys": [*unknown, EC_JWK, RSA_JWK]})
    assert [each.kid for each in found.keys] == ["ec", "rsa"]
    assert found.export() == {"keys": [EC_JWK, RSA_JWK]}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"keys": "x"},
        {"keys": {}},
        {"keys": [EC_JWK] * 2},
        {"keys": [Jwk(str(n), EC).export() for n in range(21)]},
        [],
        None,
    ],
)
def test_what_is_no_set(value: Any) -> None:
    with pytest.raises(InvalidKey):
        parse_jwk_set(value)


def test_find() -> None:
    keys = JwkSet((Jwk("a", EC), Jwk("b", RSA, "PS256"), Jwk("c", EC, use="enc")))
    assert keys.find("a", "ES256") == keys.keys[0]
    assert keys.find(None, "ES256") == keys.keys[0]
    assert keys.find(None, "PS256") == keys.keys[1]
    assert keys.find("a", "PS256") is None
    assert keys.find("b", "RS256") is None
    assert keys.find("c", "ES256") is None
    assert keys.find("A", "ES256") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kty": st.sampled_from(["RSA", "EC", "OKP"]) | JSON,
            "crv": st.sampled_from(["P-256", "Ed25519"]) | JSON,
            **{name: st.binary(max_size=300).map(b64url) | JSON for name in ("x", "y", "n", "e")},
            **dict.fromkeys(("kid", "alg", "use", "key_ops"), JSON),
        },
    )
)
def test_any_json_is_a_good_key_or_refused(value: dict[str, Any]) -> None:
    try:
        parsed = parse_jwk(value)
    except InvalidKey:
        return
    assert parse_jwk(parsed.export()) == parsed

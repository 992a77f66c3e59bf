"""DPoP proofs: the samples of RFC 9449, and everything that makes a proof another's."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from idp.core.handles import b64url
from idp.oidc.errors import OAuthError
from idp.oidc.tokens import dpop
from idp.oidc.tokens.dpop import Nonces, Proof
from idp.oidc.vocabulary import ASSERTION_ALGS
from tests.proofs import DpopKey, sha256

URL = "https://id.example.vn/token"
NOW = 1_800_000_000
FAPI = ("ES256", "PS256", "EdDSA")
KEY = DpopKey()
RSA_KEY = rsa.generate_private_key(65537, 2048)

# RFC 9449 §4.2 and §7.1
HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
    "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
TOKEN_PROOF = (
    f"{HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4"
    "YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg"
    "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RESOURCE_PROOF = (
    f"{HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5l"
    "eGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF"
    "c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF"
    "8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def read(text: str, *, method: str = "POST", now: int = NOW, algorithms: Any = FAPI) -> Proof:
    return dpop.read(text, method=method, urls=(URL,), algorithms=algorithms, now=now)


def reason(text: str, **how: Any) -> str:
    """Why a proof is refused; outside, all refusals are one."""
    with pytest.raises(OAuthError) as caught:
        read(text, **how)
    assert caught.value.members() == {
        "error": "invalid_dpop_proof",
        "error_description": "the DPoP proof is not valid",
    }
    return caught.value.reason


def proof(**how: Any) -> str:
    return KEY.proof("POST", URL, now=NOW, **how)


def test_the_token_request_of_rfc_9449() -> None:
    url = "https://server.example.com/token"
    found = dpop.read(
        TOKEN_PROOF, method="POST", urls=(url,), algorithms=("ES256",), now=1_562_262_616
    )
    assert found.jkt == JKT
    assert found.jti == "-BwC3ESc6acc2lTc"


def test_the_resource_request_of_rfc_9449() -> None:
    url = "https://resource.example.org/protectedresource"
    found = dpop.read(
        RESOURCE_PROOF, method="GET", urls=(url,), algorithms=("ES256",), now=1_562_262_618
    )
    dpop.check_token(found, ACCESS_TOKEN)
    with pytest.raises(OAuthError):
        dpop.check_token(found, ACCESS_TOKEN + "x")


def test_a_proof_names_its_key() -> None:
    found = read(proof(nonce="n", token="t"))
    assert (found.jkt, found.nonce, found.ath) == (KEY.jkt, "n", sha256("t"))


def test_more_may_be_said() -> None:
    assert read(proof(header={"kid": "mine", "x": 1}, other="claim", nbf=NOW, exp=NOW + 300))


@pytest.mark.parametrize(
    ("alg", "key", "jwk"),
    [
        ("PS256", RSA_KEY, RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)),
        *(
            ("EdDSA", each, OKPAlgorithm.to_jwk(each.public_key(), as_dict=True))
            for each in (ed25519.Ed25519PrivateKey.generate(),)
        ),
    ],
    ids=["PS256", "EdDSA"],
)
def test_other_algorithms(alg: str, key: Any, jwk: dict[str, Any]) -> None:
    assert read(proof(alg=alg, key=key, header={"jwk": jwk})).jkt


@pytest.mark.attack("R03")
@pytest.mark.parametrize("seconds", [-300, -10, 0, 10, 30])
def test_R03_a_clock_may_differ(seconds: int) -> None:
    assert read(proof(iat=NOW + seconds))


@pytest.mark.attack("R03")
@pytest.mark.parametrize(
    ("seconds", "why"),
    [(-301, "dpop_too_old"), (-3600, "dpop_too_old"), (61, "dpop_not_yet_valid")],
)
def test_R03_a_proof_out_of_its_time(seconds: int, why: str) -> None:
    assert reason(proof(iat=NOW + seconds)) == why


@pytest.mark.attack("R03")
def test_R03_a_nonce_is_good_for_two_minutes() -> None:
    nonces = Nonces(b"k" * 32)
    given = nonces.current(NOW)
    shown = read(proof(nonce=given))
    for later in (0, 60, 120):
        nonces.check(shown, NOW + later)
    for bad in (Nonces(b"other" * 7).current(NOW), "", given[:-1], given + "x"):
        with pytest.raises(OAuthError, match="use_dpop_nonce"):
            nonces.check(read(proof(nonce=bad)), NOW)
    with pytest.raises(OAuthError, match="use_dpop_nonce"):
        nonces.check(shown, NOW + 240)


@pytest.mark.attack("R04")
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"htm": "GET"}, "dpop_htm"),
        ({"htm": "post"}, "dpop_htm"),
        ({"htm": None}, "dpop_missing_htm"),
        ({"htu": None}, "dpop_missing_htu"),
        ({"htu": 7}, "dpop_htu"),
        ({"htu": "https://id.example.vn/par"}, "dpop_htu"),
        ({"htu": "https://id.example.vn/TOKEN"}, "dpop_htu"),
        ({"htu": "https://id.example.vn/token/"}, "dpop_htu"),
        ({"htu": "https://id.example.vn:8443/token"}, "dpop_htu"),
        ({"htu": "http://id.example.vn/token"}, "dpop_htu"),
        ({"htu": "https://id.example.vn.evil.example/token"}, "dpop_htu"),
        ({"htu": "https://id.example.vn@evil.example/token"}, "dpop_htu"),
        ({"htu": "https://user@id.example.vn/token"}, "dpop_htu"),
        ({"htu": "https://id.example.vn:port/token"}, "dpop_htu"),
        ({"htu": "https://[id.example.vn/token"}, "dpop_htu"),
        ({"htu": " https://id.example.vn/token"}, "dpop_htu"),
        ({"htu": "//id.example.vn/token"}, "dpop_htu"),
        ({"jti": None}, "dpop_missing_jti"),
        ({"jti": 7}, "dpop_jti"),
        ({"iat": None}, "dpop_missing_iat"),
        ({"iat": "now"}, "dpop_iat"),
        ({"nonce": ["n"]}, "dpop_nonce"),
        ({"exp": NOW - 60}, "dpop_expired"),
        ({"header": {"typ": "JWT"}}, "dpop_typ"),
        ({"header": {"typ": None}}, "dpop_typ"),
        ({"header": {"jwk": None}}, "dpop_key"),
        ({"header": {"jwk": "key"}}, "dpop_key"),
        ({"header": {"jwk": {**KEY.jwk, "d": "AA"}}}, "dpop_key"),
        ({"header": {"jwk": {"kty": "oct", "k": "AA"}}}, "dpop_key"),
        ({"header": {"jwk": DpopKey().jwk}}, "dpop_signature"),
        ({"header": {"crit": ["x"], "x": 1}}, "dpop_header"),
        ({"header": {"jku": "https://evil.example/jwks"}}, "dpop_header"),
    ],
)
def test_R04_a_proof_of_something_else(how: dict[str, Any], why: str) -> None:
    assert reason(proof(**how)) == why


@pytest.mark.attack("R04")
def test_R04_only_asymmetric_algorithms_and_those_of_the_profile() -> None:
    rsa_jwk = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    rs256 = proof(alg="RS256", key=RSA_KEY, header={"jwk": rsa_jwk})
    assert reason(rs256) == "dpop_algorithm"
    assert read(rs256, algorithms=ASSERTION_ALGS)
    assert reason(proof(alg="HS256", key="k" * 32), algorithms=ASSERTION_ALGS) == "dpop_algorithm"
    other = ec.generate_private_key(ec.SECP384R1())
    jwk = ECAlgorithm.to_jwk(other.public_key(), as_dict=True)
    assert reason(proof(alg="ES384", key=other, header={"jwk": jwk})) == "dpop_key"
    head, claims, _ = proof().split(".")
    none = b64url(json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": KEY.jwk}).encode())
    assert reason(f"{none}.{claims}.") == "dpop_algorithm"
    assert reason(f"{head}.{claims}.{'A' * 86}") == "dpop_signature"
    assert reason(f"{proof()},{proof()}") == "dpop_malformed"
    assert reason("proof") == "dpop_malformed"


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://ID.Example.VN/token",
        "https://id.example.vn:443/token",
        "https://id.example.vn/%74oken",
        "https://id.example.vn/a/../token",
        "https://id.example.vn/./token",
        "https://id.example.vn/token?a=b#c",
    ],
)
def test_a_url_may_be_spelt_otherwise(url: str) -> None:
    assert read(proof(htu=url))


@pytest.mark.parametrize(
    ("url", "spelt"),
    [
        ("https://h", "https://h/"),
        ("https://h:8443/a/b/..", "https://h:8443/a/"),
        ("https://h/a/.", "https://h/a/"),
        ("https://h/../..", "https://h/"),
        ("https://h/%2f%e1%2D", "https://h/%2F%E1-"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("ftp://h/", ""),
        ("https:///x", ""),
        ("https://h:99999/", ""),
    ],
)
def test_normal_spelling(url: str, spelt: str) -> None:
    assert dpop.normalized(url) == spelt

"""Published vectors: RFC 7515 A.2 and A.3, RFC 7638 §3.1, RFC 8037 A.3 to A.5, RFC 7519 §3.1."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from idp.core.handles import b64url, b64url_decode
from idp.jose.algorithms import BadSignature, sign, verify
from idp.jose.jwk import Jwk, parse_jwk, thumbprint
from idp.jose.jwt import InvalidToken, check_claims, check_signature, parse_jwt

PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
RSA_N = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
RSA_SIGNATURE = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
EC_SIGNATURE = (
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RSA_KEY = parse_jwk({"kty": "RSA", "n": RSA_N, "e": "AQAB"})
EC_KEY = parse_jwk(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
)
ED_KEY = parse_jwk(
    {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
)


@pytest.mark.parametrize(
    ("token", "key", "alg"),
    [
        (f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RSA_SIGNATURE}", RSA_KEY, "RS256"),
        (f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{EC_SIGNATURE}", EC_KEY, "ES256"),
    ],
    ids=["A.2", "A.3"],
)
def test_rfc7515(token: str, key: Jwk, alg: str) -> None:
    claims = check_signature(parse_jwt(token), key, [alg])
    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    check_claims(claims, issuer="joe", audience=None, now=1300819379, leeway=0)
    with pytest.raises(InvalidToken, match="expired"):
        check_claims(claims, issuer="joe", audience=None, now=1300819380, leeway=0)


def test_rfc7638_thumbprint() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_B"
        "JECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F"
        "DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
        "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    parsed = parse_jwk(jwk)
    assert parsed.kid == "2011-04-29"
    assert thumbprint(parsed.key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_rfc8037() -> None:
    seed = b64url_decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = sign("EdDSA", Ed25519PrivateKey.from_private_bytes(seed), message)
    assert b64url(signature) == (
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    verify("EdDSA", ED_KEY.key, message, signature)
    with pytest.raises(BadSignature):
        verify("EdDSA", ED_KEY.key, message + b".", signature)
    assert thumbprint(ED_KEY.key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.attack("I05")
def test_I05_rfc7519_unsecured_and_hmac_examples_are_refused() -> None:
    unsecured = f"eyJhbGciOiJub25lIn0.{PAYLOAD}."
    hmac = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        f"{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    for token in (unsecured, hmac):
        jwt = parse_jwt(token)
        with pytest.raises(InvalidToken, match="algorithm"):
            check_signature(jwt, RSA_KEY, ["RS256", "ES256"])
        with pytest.raises(InvalidToken, match="unknown_key"):
            check_signature(jwt, RSA_KEY, [jwt.alg])

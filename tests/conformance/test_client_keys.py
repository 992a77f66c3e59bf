"""A relying party's keys at its own https server, whose authority is a private one."""

import json
import secrets
import ssl
import time

from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWT
from jwt.algorithms import ECAlgorithm

from idp.oidc.vocabulary import ASSERTION_TYPE
from tests.conformance.live import Provider
from tests.outbound.hostile import hostile, ok


def test_the_client_is_known_by_the_keys_at_its_jwks_uri(op: Provider) -> None:
    """As in oidcc-registration-jwks-uri and oidcc-refresh-token-rp-key-rotation."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(op.directory / "certificate.pem", op.directory / "private-key.pem")
    own, strangers = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    jwk = {**ECAlgorithm.to_jwk(own.public_key(), as_dict=True), "kid": "k1", "use": "sig"}
    with hostile(tls) as server, op.http() as http:
        server.answer(ok(json.dumps({"keys": [jwk]}).encode()))
        client = op.register(
            client_name="Keys behind an address",
            grant_types=["client_credentials"],
            scope="records:read",
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri=server.url("/jwks"),
        )

        def ask(key: ec.EllipticCurvePrivateKey) -> int:
            who = {"iss": client["client_id"], "sub": client["client_id"], "aud": op.issuer}
            claims = {**who, "exp": int(time.time()) + 60, "jti": secrets.token_hex(8)}
            assertion = PyJWT().encode(claims, key, "ES256", headers={"kid": "k1"})
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
            return http.post(f"{op.issuer}/token", data=form).status_code

        assert [ask(own) for _ in range(4)] == [200] * 4
        assert ask(strangers) == 401
        assert 1 <= server.connections <= 2  # once by each process

"""Software statements: whose are believed, and that they come before plain members."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.jose.jwk import Jwk, JwkSet
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from idp.oidc.settings import RegistrationSettings
from tests.oidc.registration.conftest import CALLBACK, METADATA, Registrar
from tests.oidc.world import body, refused

ISSUER = "https://software.example.vn"
KEY, FOREIGN = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


@pytest.fixture
def trusting(registrar: Registrar) -> Registrar:
    """A registrar that trusts one statement issuer."""
    keys = JwkSet((Jwk("s1", KEY.public_key(), "ES256"),))
    plain = RegistrationSettings.sandbox()
    registrar.under(replace(plain, statement_issuer=ISSUER, statement_keys=keys))
    return registrar


def statement(key: ec.EllipticCurvePrivateKey = KEY, **claims: Any) -> str:
    said = {"iss": ISSUER, "software_id": "reader", "client_name": "Thư viện quốc gia", **claims}
    return sign_jwt(LocalSigner("s1", "ES256", key), said)


def test_what_is_signed_comes_before_what_is_not(trusting: Registrar) -> None:
    made = statement(redirect_uris=[CALLBACK])
    registered = trusting.register(
        client_name="Another", redirect_uris=["https://x.example/"], software_statement=made
    )
    assert registered["client_name"] == "Thư viện quốc gia"
    assert registered["redirect_uris"] == [CALLBACK]
    assert registered["software_id"] == "reader"
    assert registered["software_statement"] == made
    assert body(trusting.call("GET", registered))["software_statement"] == made


def test_a_change_does_not_get_rid_of_it(trusting: Registrar) -> None:
    made = statement()
    registered = trusting.register(software_statement=made)
    changed = body(trusting.change(registered, client_name="Another"))
    assert changed["client_name"] == "Thư viện quốc gia"
    assert changed["software_statement"] == made
    fresh = statement(client_name="Thư viện số quốc gia")
    renamed = body(trusting.change(changed, software_statement=fresh))
    assert renamed["client_name"] == "Thư viện số quốc gia"


def test_a_statement_with_an_id_registers_one_client_and_may_come_again_with_its_changes(
    trusting: Registrar,
) -> None:
    made = statement(jti="1", exp=2_000_000_000)
    registered = trusting.register(software_statement=made)
    again = trusting.post({**METADATA, "software_statement": made})
    assert refused(again) == (400, "invalid_software_statement")
    assert trusting.change(registered, software_statement=made).status == 200
    trusting.register(software_statement=statement(jti="2", exp=2_000_000_000))


@pytest.mark.attack("N07")
@pytest.mark.parametrize(
    ("forged", "error"),
    [
        (statement(FOREIGN), "invalid_software_statement"),
        (statement(iss="https://other.example"), "unapproved_software_statement"),
        (statement(exp=1_700_000_000), "invalid_software_statement"),
        (statement()[:-4] + "AAAA", "invalid_software_statement"),
        ("e30.e30.", "invalid_software_statement"),
        ("x" * 20_000, "invalid_software_statement"),
        (7, "invalid_software_statement"),
    ],
    ids=["foreign-key", "issuer", "expired", "tampered", "unsigned", "long", "number"],
)
def test_N07_a_forged_statement_is_refused(trusting: Registrar, forged: Any, error: str) -> None:
    response = trusting.post({**METADATA, "software_statement": forged})
    assert refused(response) == (400, error)
    assert trusting.records.all() == ()


@pytest.mark.attack("N07")
def test_N07_a_statement_goes_no_further_than_the_policy(trusting: Registrar) -> None:
    made = statement(resource="portal", client_secret="chosen", scope="openid audit:write")
    registered = trusting.register(software_statement=made)
    assert registered["scope"] == "openid"
    assert "resource" not in registered
    assert registered["client_secret"] != "chosen"

"""The sandbox for programs: a client's own credentials, and no other's."""

import time
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client as Http

from idp.app import Application
from idp.jose.jwk import thumbprint
from tests.sandbox.portal import ISSUER, MINH, Portal, register


def path(portal: Portal, name: str) -> str:
    return f"/sandbox/api/clients/{portal.client_id}/{name}"


def test_a_form_does_as_well_as_json(portal: Portal) -> None:
    done = portal.post(path(portal, "next"), {"result": "slow_answer", "seconds": "2"})
    assert done.get_json() == {"pending": [{"result": "slow_answer", "seconds": 2}]}


def test_what_waits_can_be_forgotten(portal: Portal) -> None:
    portal.force("access_denied")
    portal.force("wrong_nonce", citizen=MINH)
    assert len(portal.pending()) == 2
    done = portal.http.delete(path(portal, "next"), base_url=ISSUER, auth=portal.auth)
    assert (done.status_code, portal.pending()) == (204, [])


def test_exchanges_can_be_forgotten(portal: Portal) -> None:
    portal.authorize()
    assert portal.exchanges()
    done = portal.http.delete(path(portal, "exchanges"), base_url=ISSUER, auth=portal.auth)
    assert (done.status_code, portal.exchanges()) == (204, [])


def test_without_the_clients_credentials_nothing_is_told(portal: Portal) -> None:
    for auth in (None, (portal.client_id, "wrong")):
        for name in ("next", "exchanges"):
            refused = portal.http.get(path(portal, name), base_url=ISSUER, auth=auth)
            assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")


def test_another_client_is_refused(app: Application, portal: Portal) -> None:
    other = register(app)
    refused = portal.http.get(path(portal, "exchanges"), base_url=ISSUER, auth=other.auth)
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")


def test_a_client_with_a_key_reads_its_exchanges_by_post(app: Application) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    kid = thumbprint(key.public_key())
    portal = register(
        app,
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{**public, "kid": kid, "alg": "ES256", "use": "sig"}]},
    )
    now = int(time.time())
    claims = {
        "iss": portal.client_id,
        "sub": portal.client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid4()),
    }
    form = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, "ES256", {"kid": kid}),
    }
    found = Http(app).post(path(portal, "exchanges"), base_url=ISSUER, data=form)
    assert found.status_code == 200, found.text
    assert [each["endpoint"] for each in found.get_json()["exchanges"]] == ["/register"]


def test_a_public_client_names_itself_by_the_address(app: Application) -> None:
    portal = register(app, token_endpoint_auth_method="none")
    done = Http(app).post(path(portal, "next"), base_url=ISSUER, json={"result": "access_denied"})
    assert done.status_code == 200, done.text


def test_a_mistake_is_told_by_the_name_of_the_member(portal: Portal) -> None:
    refused = portal.post(path(portal, "next"), {"result": "slow_answer", "seconds": "60"})
    assert refused.status_code == 400
    assert refused.get_json()["error_description"] == "seconds: must be a whole number from 1 to 10"
    nobody = portal.post(
        path(portal, "next"), {"result": "access_denied", "citizen": "000199000777"}
    )
    assert nobody.get_json()["error_description"] == "citizen: is no citizen of the sandbox"


def test_the_api_is_described(app: Application) -> None:
    described = Http(app).get("/openapi.json", base_url=ISSUER).get_json()["paths"]
    assert described["/sandbox/api/clients/{client_id}/next"].keys() >= {"get", "post", "delete"}
    assert "/sandbox/api/clients/{client_id}/exchanges" in described

"""Request objects by value and by reference, pushed and not, signed, encrypted and forged."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwe as joserfc_jwe
from joserfc.jwk import ECKey
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.core.handles import Handle, b64url
from idp.jose.jwe import DecryptionKey, decrypt
from idp.jose.jwk import Jwk, JwkSet
from idp.oidc.clients.model import Client
from idp.oidc.clients.profile import FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY
from idp.oidc.clients.request_uris import FETCHES
from tests.oidc.front import (
    CALLBACK,
    GOODBYE,
    ISSUER,
    PORTAL,
    SECRET,
    Browser,
    Front,
    Page,
    answer,
    claims_of,
    error,
    resume_url,
)
from tests.outbound.hostile import Hostile, hostile

EC_KEY, RSA_KEY = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
STRANGER = ec.generate_private_key(ec.SECP256R1())
JWKS = JwkSet((Jwk("ec", EC_KEY.public_key()), Jwk("rsa", RSA_KEY.public_key()))).export()
SIGNER: Client = replace(PORTAL, jwks=JWKS)
TYP = "oauth-authz-req+jwt"
MESSAGE_SIGNING = replace(FAPI2_MESSAGE_SIGNING, sender_constrained=False)
"""The profile, for those tests that are not about tokens."""


@pytest.fixture(autouse=True)
def signer(front: Front) -> None:
    front.change(SIGNER)


@pytest.fixture
def files() -> Iterator[Hostile]:
    """A web server of the relying party's."""
    with hostile(None) as server:
        yield server


def claims(front: Front, **changes: Any) -> dict[str, Any]:
    """A request of the portal's in an object; ``None`` takes a member away."""
    now = front.clock()
    plain: dict[str, Any] = {
        **front.request(),
        "iss": "portal",
        "aud": ISSUER,
        "nbf": now,
        "exp": now + 300,
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def sign(members: dict[str, Any], alg: str = "ES256", typ: str | None = None, **header: Any) -> str:
    key: Any = RSA_KEY if alg.startswith(("RS", "PS")) else EC_KEY
    kid = "rsa" if alg.startswith(("RS", "PS")) else "ec"
    return jwt.encode(members, key, alg, {"kid": kid, "typ": typ, **header})


def unsigned(members: dict[str, Any], signature: str = "") -> str:
    header, body = (b64url(json.dumps(each).encode()) for each in ({"alg": "none"}, members))
    return f"{header}.{body}.{signature}"


def encrypt(front: Front, token: str, *, enc: str = "A128GCM", **header: Any) -> str:
    (key,) = (each for each in front.services.keys.jwks()["keys"] if each["use"] == "enc")
    protected = {"alg": "ECDH-ES", "enc": enc, "kid": key["kid"], "cty": "JWT", **header}
    return joserfc_jwe.encrypt_compact(protected, token, ECKey.import_key(key))


def by_value(browser: Browser, front: Front, token: str, **beside: str) -> TestResponse:
    outside = {"client_id": "portal", "response_type": "code", "scope": "openid", **beside}
    return browser.get("/authorize", request=token, **outside)


def push(front: Front, token: str, **beside: str) -> Any:
    form = {"client_id": "portal", "request": token, **beside}
    return Http(front.app).post("/par", base_url=ISSUER, data=form, auth=("portal", SECRET))


def taken(front: Front, token: str, **beside: str) -> dict[str, str]:
    """The answer to a request by value that was taken."""
    browser = front.browser()
    return answer(browser.log_in(by_value(browser, front, token, **beside)))


def refused(front: Front, token: str) -> str:
    """Why an object is refused, by value and pushed, in the audit log; nothing was granted."""
    response = by_value(front.browser(), front, token, redirect_uri=CALLBACK, state="s")
    assert error(response) == "invalid_request_object"
    reason = front.events()[-1]["reason"]
    pushed = push(front, token)
    assert (pushed.status_code, pushed.get_json()["error"]) == (400, "invalid_request_object")
    assert front.events()[-1]["reason"] == reason
    return str(reason).removeprefix("request_object_")


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_a_signed_object_by_value(front: Front, alg: str) -> None:
    found = taken(front, sign(claims(front, state="inside"), alg))
    assert (found["state"], found["iss"]) == ("inside", ISSUER)
    assert "code" in found


def test_a_pushed_object_with_an_id_works_once_also_after_the_transient_store_lost_everything(
    front: Front,
) -> None:
    token = sign(claims(front, jti="1"))
    assert push(front, token, state="refused beside it").status_code == 201
    front.services.transient.close()
    again = push(front, token)
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_request_object")
    assert front.events()[-1]["reason"] == "request_object_replayed"
    assert push(front, sign(claims(front, jti="2"))).status_code == 201


def test_a_pushed_object_that_is_refused_for_another_reason_is_not_used_up(front: Front) -> None:
    assert push(front, sign(claims(front, jti="1", prompt="unknown"))).status_code == 400
    assert push(front, sign(claims(front, jti="1"))).status_code == 201


def test_an_object_that_a_browser_carries_may_be_reloaded(front: Front) -> None:
    token, browser = sign(claims(front, jti="1")), front.browser()
    by_value(browser, front, token)
    assert "code" in answer(browser.log_in(by_value(browser, front, token)))


def test_an_unsigned_object_by_value_is_a_plain_request(front: Front) -> None:
    members = claims(front, iss=None, aud=None, exp=None, nbf=None, state="inside")
    assert taken(front, unsigned(members))["state"] == "inside"


def test_an_encrypted_object_by_value(front: Front) -> None:
    for enc in ("A128GCM", "A256GCM", "A128CBC-HS256"):
        token = encrypt(front, sign(claims(front, state="inside")), enc=enc)
        assert taken(front, token)["state"] == "inside"
    assert "code" in taken(front, encrypt(front, unsigned(claims(front))))


def test_members_of_other_json_types(front: Front) -> None:
    wanted = {"userinfo": {"name": {"essential": True}}, "id_token": {"acr": None}}
    token = sign(claims(front, max_age=3600, claims=wanted))
    browser = front.browser()
    page = browser.log_in(by_value(browser, front, token))
    assert Page(page.text).boxes == {}  # what is essential is no choice
    done = browser.submit(page, decision="allow")
    assert "code" in answer(done)


@pytest.mark.attack("G10")
def test_G10_what_is_inside_wins(front: Front) -> None:
    inside = claims(front, state="inside", nonce="inside", scope="openid")
    outside = {
        "redirect_uri": "https://evil.example/cb",
        "state": "outside",
        "nonce": "outside",
        "scope": "openid email",
        "response_type": "token",
    }
    browser = front.browser()
    done = browser.log_in(by_value(browser, front, sign(inside), **outside))
    assert done.headers["Location"].startswith(CALLBACK)
    assert answer(done)["state"] == "inside"
    assert front.tokens(done)["scope"] == "openid"


@pytest.mark.attack("G10")
def test_G10_what_stands_beside_adds_only_where_openid_lets_it(front: Front) -> None:
    token = claims(front, state=None)
    assert taken(front, sign(token), state="beside")["state"] == "beside"  # OIDC Core §6.1
    assert "state" not in taken(front, sign(token, typ=TYP), state="beside")  # RFC 9101 §6.3
    front.change(replace(SIGNER, require_signed_request_object=True))
    assert "state" not in taken(front, sign(token), state="beside")


@pytest.mark.attack("G10")
def test_G10_pushed_objects_stand_alone(front: Front) -> None:
    reference = push(front, sign(claims(front, state=None)), state="beside", nonce="beside")
    assert reference.status_code == 201, reference.text
    browser, uri = front.browser(), reference.get_json()["request_uri"]
    done = browser.log_in(browser.get("/authorize", client_id="portal", request_uri=uri, state="x"))
    assert "state" not in answer(done)
    incomplete = push(front, sign(claims(front, redirect_uri=None)), redirect_uri=CALLBACK)
    assert (incomplete.status_code, incomplete.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.attack("G09")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "clinic"}, "iss"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": {"a": 1}}, "aud"),
        ({"client_id": "clinic"}, "client_id"),
        ({"exp": 1_800_000_000 - 20}, "expired"),
        ({"exp": "soon"}, "exp"),
        ({"nbf": 1_800_000_000 + 60}, "not_yet_valid"),
        ({"sub": "portal"}, "sub"),
        ({"state": True}, "parameter"),
        ({"state": 1.5}, "parameter"),
        ({"nonce": "a\x00b"}, "parameter"),
        ({"request": "e30.e30."}, "nested"),
        ({"request_uri": "urn:x"}, "nested"),
    ],
)
def test_G09_claims_that_are_not_right(front: Front, changes: dict[str, Any], reason: str) -> None:
    assert refused(front, sign(claims(front, **changes))) == reason


@pytest.mark.attack("G11")
@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_G11_an_object_holds_no_other(front: Front, name: str) -> None:
    for nested in ("urn:ietf:params:oauth:request_uri:x", "https://evil.example/r", {"a": 1}):
        token = claims(front, **{name: nested})
        assert refused(front, sign(token)) == "nested"
        assert refused(front, unsigned(token)) == "nested"


@pytest.mark.attack("G09")
def test_G09_signatures_that_are_not_the_clients(front: Front) -> None:
    members = claims(front)
    good = sign(members)
    assert refused(front, good[:-4] + "AAAA") == "signature"
    forged = jwt.encode(members, STRANGER, "ES256", {"kid": "ec"})
    assert refused(front, forged) == "signature"
    assert refused(front, jwt.encode(members, STRANGER, "ES256", {"kid": "x"})) == "unknown_key"
    assert refused(front, sign(members, typ="at+jwt")) == "typ"
    assert refused(front, sign(members, jku="https://evil.example/jwks")) == "header"
    assert refused(front, unsigned(members, "AAAA")) == "signature"
    secret = jwt.encode(members, SECRET.ljust(32), "HS256", {"kid": "ec"})
    assert refused(front, secret) == "algorithm"
    for odd in ("None", "NONE", "nOnE", ""):
        token = unsigned(members).split(".")
        header = b64url(json.dumps({"alg": odd}).encode())
        assert refused(front, ".".join((header, *token[1:]))) == "algorithm"
    for text in ("e30.e30.", "x", "a.b.c", "....", "." * 100):
        assert refused(front, text)


@pytest.mark.attack("G09")
def test_G09_a_registered_algorithm_is_the_only_one(front: Front) -> None:
    front.change(replace(SIGNER, request_object_signing_alg="ES256"))
    assert "code" in taken(front, sign(claims(front)))
    assert refused(front, sign(claims(front), "RS256")) == "algorithm"
    assert refused(front, unsigned(claims(front))) == "algorithm"
    front.change(replace(SIGNER, request_object_signing_alg="none"))
    assert "code" in taken(front, unsigned(claims(front)))
    assert refused(front, sign(claims(front))) == "algorithm"


@pytest.mark.attack("G12")
def test_G12_encrypted_objects_that_are_not_for_us(front: Front) -> None:
    good = sign(claims(front))
    assert refused(front, encrypt(front, good, kid="other")) == "unknown_encryption_key"
    whole = encrypt(front, good)
    other_tag = f"{whole[:-8]}{'A' if whole[-8] != 'A' else 'B'}{whole[-7:]}"
    assert refused(front, other_tag) == "decryption"
    assert refused(front, encrypt(front, encrypt(front, good))) == "malformed"
    stranger = jwt.encode(claims(front), STRANGER, "ES256", {"kid": "ec"})
    assert refused(front, encrypt(front, stranger)) == "signature"
    recipients = json.dumps({"recipients": [{"header": {}}] * 100, "protected": "e30"})
    assert refused(front, recipients) == "malformed"


@pytest.mark.attack("E15")
def test_E15_other_tokens_are_no_request_objects(front: Front) -> None:
    browser = front.browser()
    ours = front.tokens(browser.log_in(front.authorize(browser)))
    assert refused(front, ours["id_token"]) == "unknown_key"
    now = front.clock()
    assertion = {"iss": "portal", "sub": "portal", "aud": ISSUER, "jti": "1", "exp": now + 60}
    assert refused(front, sign(assertion)) == "sub"
    assert refused(front, sign(assertion, typ="client-authentication+jwt")) == "typ"
    assert refused(front, sign(assertion, typ="dpop+jwt")) == "typ"


@pytest.mark.attack("E15")
def test_E15_a_request_object_is_no_assertion(front: Front) -> None:
    front.change(replace(SIGNER, token_endpoint_auth_method="private_key_jwt"))
    for typ in (None, TYP):
        form = {
            **front.request(),
            "client_assertion": sign(claims(front, jti="1"), typ=typ),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        sent = Http(front.app).post("/par", base_url=ISSUER, data=form)
        assert (sent.status_code, sent.get_json()["error"]) == (401, "invalid_client")


def test_where_the_plain_parameters_lead_nowhere_the_error_is_a_page(front: Front) -> None:
    for beside in ({}, {"redirect_uri": "https://evil.example/cb"}):
        response = by_value(front.browser(), front, "e30.e30.", **beside)
        assert response.status_code == 400
        assert Page(response.text).ids["error-code"] == "invalid_request_object"
    unregistered = sign(claims(front, redirect_uri="https://evil.example/cb"))
    response = by_value(front.browser(), front, unregistered, redirect_uri=CALLBACK)
    assert Page(response.text).ids["error-code"] == "invalid_redirect_uri"


# Profiles


def test_who_must_sign_cannot_ask_plainly(front: Front) -> None:
    front.change(replace(SIGNER, require_signed_request_object=True))
    assert error(front.authorize(front.browser())) == "invalid_request"
    sent = Http(front.app).post(
        "/par", base_url=ISSUER, data=front.request(), auth=("portal", SECRET)
    )
    assert (sent.status_code, sent.get_json()["error"]) == (400, "invalid_request")
    assert refused(front, unsigned(claims(front))) == "algorithm"
    assert refused(front, sign(claims(front, aud=None))) == "missing_aud"
    assert refused(front, sign(claims(front, iss=None))) == "missing_iss"
    assert refused(front, sign(claims(front, client_id=None))) == "client_id"
    assert "code" in taken(front, sign(claims(front)))


@pytest.mark.attack("G09")
def test_G09_fapi_bounds_how_long_an_object_lives(front: Front) -> None:
    pkce = {
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "response_mode": "jwt",
    }
    front.change(replace(SIGNER, profile=MESSAGE_SIGNING))
    now = front.clock()

    def pushed(alg: str = "ES256", **changes: Any) -> tuple[int, str]:
        response = push(front, sign(claims(front, **pkce, **changes), alg))
        return response.status_code, response.get_json().get("error_description", "")

    assert pushed()[0] == 201
    assert pushed(aud=[ISSUER, "https://other.example"])[0] == 201
    assert pushed(nbf=now + 8)[0] == 201
    assert pushed(nbf=now - 3_000, exp=now + 300)[0] == 201
    assert pushed("PS256")[0] == 201
    for changes, why in (
        ({"exp": None}, "missing_exp"),
        ({"nbf": None}, "missing_nbf"),
        ({"aud": None}, "missing_aud"),
        ({"exp": now + 4_200}, "lives_too_long"),
        ({"nbf": now - 4_200}, "lives_too_long"),
        ({"exp": now - 300, "nbf": now - 600}, "expired"),
    ):
        assert pushed(**changes) == (400, f"the request object is not valid ({why})")
    assert pushed("RS256") == (400, "the request object is not valid (algorithm)")
    response = push(front, unsigned(claims(front, **pkce)))
    assert response.get_json()["error"] == "invalid_request_object"
    plain = Http(front.app).post(
        "/par", base_url=ISSUER, data=front.request(**pkce), auth=("portal", SECRET)
    )
    assert (plain.status_code, plain.get_json()["error"]) == (400, "invalid_request")


def test_fapi_security_has_its_objects_pushed_too(front: Front) -> None:
    front.change(replace(SIGNER, profile=FAPI2_SECURITY))
    response = by_value(front.browser(), front, sign(claims(front)), redirect_uri=CALLBACK)
    assert answer(response)["error"] == "invalid_request"


# By reference


def serve(files: Hostile, body: str, status: str = "200 OK") -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/jwt\r\nContent-Length: {len(body)}\r\n"
    files.answer(f"{head}Connection: close\r\n\r\n{body}".encode())


def by_reference(browser: Browser, uri: str, **beside: str) -> TestResponse:
    outside = {"client_id": "portal", "response_type": "code", "scope": "openid", **beside}
    return browser.get("/authorize", request_uri=uri, **outside)


def at(files: Hostile, path: str = "/request.jwt") -> str:
    return files.url(path, scheme="http", host="127.0.0.1")


@pytest.mark.parametrize("signed", [True, False])
def test_an_object_by_reference(front: Front, files: Hostile, signed: bool) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    members = claims(front, state="inside")
    serve(files, sign(members, "RS256") if signed else unsigned(members))
    browser = front.browser()
    done = browser.log_in(by_reference(browser, at(files)))
    assert answer(done)["state"] == "inside"
    assert files.connections == 1
    assert b"GET /request.jwt HTTP/1.1" in files.requests[0]


def test_a_fragment_tells_versions_apart_and_is_not_sent(front: Front, files: Hostile) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    serve(files, sign(claims(front)))
    browser = front.browser()
    random = b64url(hashlib.sha256(b"of something else").digest())
    for _ in range(2):
        page = by_reference(browser, f"{at(files)}#{random}")
        assert page.status_code == 200
    assert files.connections == 2  # nothing is kept under a name that is not its own
    assert all(random.encode() not in each for each in files.requests)


def test_what_its_address_proves_is_fetched_once(front: Front, files: Hostile) -> None:
    token = sign(claims(front, exp=front.clock() + 10_000))
    uri = f"{at(files)}#{b64url(hashlib.sha256(token.encode()).digest())}"
    front.change(replace(SIGNER, request_uris=(uri,)))
    serve(files, token)
    for _ in range(3):
        assert by_reference(front.browser(), uri).status_code == 200
    assert files.connections == 1
    front.clock.advance(3_601)
    assert by_reference(front.browser(), uri).status_code == 200
    assert files.connections == 2


@pytest.mark.attack("N03")
def test_N03_only_registered_addresses_are_asked(front: Front, files: Hostile) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    for uri in (
        at(files, "/other"),
        at(files) + "?x=1",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "urn:x",
    ):
        response = by_reference(front.browser(), uri, redirect_uri=CALLBACK, state="s")
        assert error(response) == "invalid_request_uri"
    assert files.connections == 0
    front.change(SIGNER)
    response = by_reference(front.browser(), at(files), redirect_uri=CALLBACK, state="s")
    assert error(response) == "request_uri_not_supported"


@pytest.mark.parametrize(
    ("body", "status"),
    [("x", "404 Not Found"), ("x", "302 Found"), ("x" * 30_000, "200 OK"), ("\xe9", "200 OK")],
)
def test_what_cannot_be_had(front: Front, files: Hostile, body: str, status: str) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    serve(files, body, status)
    response = by_reference(front.browser(), at(files), redirect_uri=CALLBACK, state="s")
    assert error(response) == "invalid_request_uri"
    page = by_reference(front.browser(), at(files))
    assert Page(page.text).ids["error-code"] == "invalid_request_uri"


def test_a_clients_server_is_asked_only_so_often(front: Front, files: Hostile) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    serve(files, sign(claims(front)))
    front.store.run(*(FETCHES.hit("portal") for _ in range(FETCHES.maximum - 1)))
    assert by_reference(front.browser(), at(files)).status_code == 200
    response = by_reference(front.browser(), at(files), redirect_uri=CALLBACK, state="s")
    assert error(response) == "invalid_request_uri"
    assert front.events()[-1]["reason"] == "request_uri_throttled"
    assert files.connections == 1


def test_both_at_once_and_twice_are_refused(front: Front, files: Hostile) -> None:
    front.change(replace(SIGNER, request_uris=(at(files),)))
    browser = front.browser()
    token = unsigned(claims(front))
    both = by_reference(browser, at(files), request=token, redirect_uri=CALLBACK, state="s")
    assert error(both) == "invalid_request"
    plain = "&".join(f"{name}={value}" for name, value in front.request().items())
    twice = browser.get(f"/authorize?{plain}&request={token}&request={token}")
    assert error(twice) == "invalid_request"
    assert files.connections == 0


def test_by_post_as_by_get(front: Front) -> None:
    browser = front.browser()
    form = {**front.request(), "request": sign(claims(front, state="inside"))}
    assert answer(browser.log_in(browser.post("/authorize", form)))["state"] == "inside"


# The answer


def test_an_encrypted_answer_in_a_jwt(front: Front) -> None:
    """JARM §2.2: signed, then encrypted to the client's key."""
    key = ec.generate_private_key(ec.SECP256R1())
    both = JwkSet((Jwk("ec", EC_KEY.public_key()), Jwk("enc", key.public_key(), use="enc")))
    front.change(
        replace(
            SIGNER,
            jwks=both.export(),
            authorization_signed_response_alg="ES256",
            authorization_encrypted_response_alg="ECDH-ES",
            authorization_encrypted_response_enc="A256GCM",
        )
    )
    browser = front.browser()
    done = browser.log_in(by_value(browser, front, sign(claims(front, response_mode="jwt"))))
    sealed = dict(parse_qsl(urlsplit(done.headers["Location"]).query))
    assert sealed.keys() == {"response"}
    signed = decrypt(sealed["response"], (DecryptionKey("enc", key),))
    kid = jwt.get_unverified_header(signed)["kid"]
    (public,) = (each for each in front.services.keys.jwks()["keys"] if each["kid"] == kid)
    found = jwt.decode(
        signed,
        jwt.PyJWK(public),
        algorithms=["ES256"],
        audience="portal",
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert found["state"] == "s"
    assert Handle.parse(found["code"])


def test_an_answer_that_cannot_be_encrypted_now_uses_no_login_up(front: Front) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = Jwk("ec", EC_KEY.public_key(), use="sig")
    sealed = replace(
        SIGNER,
        jwks=JwkSet((own,)).export(),
        authorization_signed_response_alg="ES256",
        authorization_encrypted_response_alg="ECDH-ES",
    )
    front.change(sealed)
    browser = front.browser()
    page = by_value(browser, front, sign(claims(front, response_mode="jwt")))
    late = browser.log_in(page)
    assert late.status_code == 503
    assert "Location" not in late.headers
    both = JwkSet((own, Jwk("enc", key.public_key(), use="enc")))
    front.change(replace(sealed, jwks=both.export()))
    done = browser.get(resume_url(page))
    assert decrypt(
        dict(parse_qsl(urlsplit(done.headers["Location"]).query))["response"],
        (DecryptionKey("enc", key),),
    )


def test_a_hint_may_be_encrypted_to_us(front: Front) -> None:
    """OIDC Core §3.1.2.1; at /logout too (RP-Initiated Logout §2)."""
    browser = front.signed_in()
    hint = front.tokens(front.authorize(browser))["id_token"]
    sealed = encrypt(front, hint)
    done = front.authorize(browser, prompt="none", id_token_hint=sealed)
    assert claims_of(front.tokens(done)["id_token"])["sub"] == claims_of(hint)["sub"]
    broken = front.authorize(browser, id_token_hint=f"{sealed[:-4]}AAAA")
    assert answer(broken)["error"] == "invalid_request"
    gone = browser.get("/logout", id_token_hint=sealed, post_logout_redirect_uri=GOODBYE)
    assert gone.headers["Location"] == GOODBYE

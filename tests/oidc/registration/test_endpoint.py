"""POST /register: who may, what comes back, what is refused."""

import json
import threading
from typing import Any

import pytest

from idp.oidc.clients.metadata import describe
from idp.oidc.settings import REGISTRATIONS, RegistrationSettings
from idp.storage.transient import Hit
from idp.web.http import Request
from tests.oidc.registration.conftest import CALLBACK, METADATA, TOKEN, Registrar, serving
from tests.oidc.world import body, refused

CLOSED = RegistrationSettings()
BY_TOKEN = RegistrationSettings("token")


def test_a_client_is_answered_all_that_it_needs(registrar: Registrar) -> None:
    registered = registrar.register()
    found = registrar.world.clients.get(registered["client_id"])
    assert found is not None
    assert registered == {
        "client_id": found.client_id,
        "client_id_issued_at": registrar.world.clock(),
        "client_secret": registered["client_secret"],
        "client_secret_expires_at": 0,
        "registration_access_token": registered["registration_access_token"],
        "registration_client_uri": f"https://id.example.vn/register/{found.client_id}",
        **describe(found),
    }
    assert len(registered["client_secret"]) >= 43
    assert len(registered["registration_access_token"]) >= 43
    assert registrar.world.audited()[0]["event"] == "ClientRegistered"


def test_defaults_are_those_of_the_standard(registrar: Registrar) -> None:
    registered = registrar.register(claims_redirect_uris=[], default_max_age=None)
    assert registered["id_token_signed_response_alg"] == "RS256"
    assert registered["grant_types"] == ["authorization_code"]
    assert registered["response_types"] == ["code"]
    assert registered["token_endpoint_auth_method"] == "client_secret_basic"
    assert registered["application_type"] == "web"
    assert registered["scope"] == "openid"
    assert "claims_redirect_uris" not in registered  # a standard member that we do not use


def test_an_unknown_member_and_every_other_mistake_are_told_at_once(registrar: Registrar) -> None:
    response = registrar.post(
        {
            "client_name": "Thư viện",
            "redirect_uris": ["https://library.example.vn/cb"],
            "profle": "baseline",
            "jwks_uri": "https://10.0.0.1/keys",
            "backchannel_logout_uri": "https://192.168.0.1/logout",
            "contacts": "it@library.example.vn",
        }
    )
    assert (response.status, body(response)["error"]) == (400, "invalid_client_metadata")
    told = body(response)["error_description"]
    assert "profle: unknown member of client metadata; did you mean profile?" in told
    for member in ("jwks_uri", "backchannel_logout_uri", "contacts"):
        assert f"{member}: " in told


def test_a_name_is_required_of_who_registers_itself(registrar: Registrar) -> None:
    response = registrar.post({"redirect_uris": ["https://library.example.vn/cb"]})
    assert (response.status, body(response)["error"]) == (400, "invalid_client_metadata")
    assert "client_name: is required" in body(response)["error_description"]


def test_pkce_is_required_of_who_registers_itself_but_in_the_sandbox(registrar: Registrar) -> None:
    """RFC 9700 §2.1.1. Test suites register in the sandbox without a word about PKCE."""
    assert registrar.register()["require_pkce"] is False
    assert registrar.register(require_pkce=True)["require_pkce"] is True
    assert registrar.register(token_endpoint_auth_method="none")["require_pkce"] is True
    registrar.under(RegistrationSettings("open"))
    assert registrar.register()["require_pkce"] is True
    assert registrar.register(require_pkce=False)["require_pkce"] is False


def test_a_stricter_profile_has_another_default(registrar: Registrar) -> None:
    keys = registrar.world.services.keys.jwks()
    registered = registrar.register(
        profile="fapi2-security",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [each for each in keys["keys"] if each["kty"] == "EC"][:1]},
        dpop_bound_access_tokens=True,
    )
    assert registered["id_token_signed_response_alg"] == "ES256"
    assert "client_secret" not in registered


def test_a_registered_client_can_be_used_at_once(registrar: Registrar) -> None:
    registered = registrar.register(grant_types=["client_credentials"], redirect_uris=[])
    credentials = {"client_id": registered["client_id"]} | {
        "client_secret": registered["client_secret"]
    }
    answer = registrar.world.post("/token", grant_type="client_credentials", **credentials)
    assert refused(answer) == (401, "invalid_client")  # it registered for client_secret_basic
    other = registrar.register(
        grant_types=["client_credentials"],
        redirect_uris=[],
        token_endpoint_auth_method="client_secret_post",
    )
    answer = registrar.world.post(
        "/introspect", client_id=other["client_id"], client_secret=other["client_secret"], token="x"
    )
    assert body(answer) == {"active": False}


@pytest.mark.attack("N06")
@pytest.mark.parametrize("policy", [CLOSED, BY_TOKEN])
def test_N06_without_an_initial_access_token_nobody_registers(
    registrar: Registrar, policy: RegistrationSettings
) -> None:
    registrar.under(policy)
    response = registrar.post()
    assert refused(response) == (401, "invalid_token")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="register"'
    assert refused(registrar.post(token="guessed")) == (401, "invalid_token")
    assert {each.client_id for each in registrar.world.clients.all()} == {"portal", "clinic"}
    assert registrar.world.audited()[0]["event"] == "RegistrationRefused"


def test_a_closed_office_takes_no_token(registrar: Registrar) -> None:
    registrar.under(CLOSED)
    registrar.invite()
    assert refused(registrar.post(token=TOKEN)) == (401, "invalid_token")


def test_an_initial_access_token_is_good_for_its_uses_and_its_time(registrar: Registrar) -> None:
    registrar.under(BY_TOKEN)
    registrar.invite(uses=2)
    registrar.register(TOKEN)
    first = registrar.register(TOKEN)
    assert refused(registrar.post(token=TOKEN)) == (401, "invalid_token")
    record = registrar.records.get(first["client_id"])
    assert record is not None
    assert record.invitation == "library"
    registrar.invite("another", name="other", expires_at=registrar.world.clock() + 10)
    registrar.world.clock.advance(10)
    assert refused(registrar.post(token="another")) == (401, "invalid_token")


def test_a_refused_registration_uses_nothing_up(registrar: Registrar) -> None:
    registrar.under(BY_TOKEN)
    registrar.invite()
    assert registrar.post({**METADATA, "redirect_uris": []}, TOKEN).status == 400
    registrar.register(TOKEN)


def test_a_token_shown_where_none_is_needed_must_be_good(registrar: Registrar) -> None:
    assert refused(registrar.post(token="guessed")) == (401, "invalid_token")
    registrar.under(RegistrationSettings("open"))
    registrar.invite(scope=("openid", "pid"))
    assert registrar.register(TOKEN, scope="openid profile pid")["scope"] == "openid pid"


@pytest.mark.attack("N12")
def test_N12_of_many_at_once_only_as_many_register_as_the_token_has_uses(
    registrar: Registrar,
) -> None:
    registrar.under(BY_TOKEN)
    registrar.invite(uses=3)
    start, statuses = threading.Barrier(8), []

    def register() -> None:
        start.wait(10)
        statuses.append(registrar.post(token=TOKEN).status)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [201] * 3 + [401] * 5
    assert len(registrar.records.all()) == 3


def test_open_registration_ends_somewhere(registrar: Registrar) -> None:
    registrar.under(RegistrationSettings("open", most=1))
    registrar.register()
    assert refused(registrar.post()) == (403, "access_denied")


def test_an_address_that_calls_too_often_waits(registrar: Registrar) -> None:
    hit = REGISTRATIONS.hit("203.0.113.7")
    registrar.world.transient.run(*[Hit(hit.key, hit.ttl)] * 10_000)
    response = registrar.post()
    assert refused(response) == (429, "temporarily_unavailable")
    assert response.headers["Retry-After"] == "900"


@pytest.mark.parametrize(
    "sent",
    [b"", b"[]", b"null", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 60_000],
)
def test_what_is_not_one_json_object_is_refused(registrar: Registrar, sent: bytes) -> None:
    assert refused(registrar.post(sent)) == (400, "invalid_client_metadata")


def test_another_content_type_is_refused_and_the_answer_names_the_right_one(
    registrar: Registrar,
) -> None:
    answer = registrar.post(headers={"content-type": "application/x-www-form-urlencoded"})
    assert refused(answer) == (415, "invalid_client_metadata")
    assert "application/json" in body(answer)["error_description"]


@pytest.mark.attack("A15")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a.example/x",
        "https://a.example/cb#fragment",
        "https://*.example/cb",
        "http://a.example/cb",
    ],
)
@pytest.mark.parametrize("kind", ["web", "native"])
def test_A15_no_uri_that_runs_reads_or_leaks_is_registered(
    registrar: Registrar, uri: str, kind: str
) -> None:
    response = registrar.post({"redirect_uris": [uri], "application_type": kind})
    assert refused(response) == (400, "invalid_redirect_uri")


@pytest.mark.attack("N09")
def test_N09_nothing_sent_comes_back_as_markup(registrar: Registrar) -> None:
    script = '<script>alert("1")</script>'
    for name in ("redirect_uris", "contacts", "grant_types", "request_uris", "response_types"):
        response = registrar.post({**METADATA, name: [script]})
        assert response.headers["Content-Type"] == "application/json"
        assert response.status == 201 or b"<" not in response.body
    for name in ("profile", "scope", "token_endpoint_auth_method", "application_type"):
        response = registrar.post({**METADATA, name: script})
        assert response.headers["Content-Type"] == "application/json"
        assert b"<" not in response.body
        described = body(response)["error_description"]
        assert described.isprintable()
        assert not set('"\\<>&').intersection(described)


@pytest.mark.attack("N07")
@pytest.mark.parametrize(
    "members",
    [
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]},
        {"grant_types": ["password"]},
        {"response_types": ["token"]},
        {"scope": "pid"},
        {"subject_type": "public"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"profile": "trusted"},
        {"software_statement": "e30.e30.e30"},
    ],
)
def test_N07_what_is_beyond_the_policy_is_refused(
    registrar: Registrar, members: dict[str, Any]
) -> None:
    registrar.under(RegistrationSettings("open"))
    response = registrar.post({**METADATA, **members})
    assert response.status == 400
    assert body(response)["error"] in {
        "invalid_client_metadata",
        "unapproved_software_statement",
    }
    assert registrar.records.all() == ()


@pytest.mark.attack("N07")
def test_N07_what_is_not_a_strangers_to_say_is_dropped(registrar: Registrar) -> None:
    registrar.under(RegistrationSettings("open"))
    registered = registrar.register(
        client_id="portal",
        client_secret="chosen",
        scope="openid pid profile audit:write",
        resource="portal",
        required_claims=["name"],
        authorization_details_types=["payment"],
        status="active",
    )
    assert registered["client_id"] != "portal"
    assert registered["client_secret"] != "chosen"
    assert registered["scope"] == "openid profile"
    dropped = {"resource", "required_claims", "authorization_details_types"}
    assert dropped.isdisjoint(registered)
    assert registered["status"] == "disabled"


def test_what_only_makes_it_stricter_may_be_registered(registrar: Registrar) -> None:
    registered = registrar.register(
        minimum_acr="urn:vn:eid:level:2", methods=["card"], purpose="Mượn sách", default_max_age=60
    )
    assert registered["minimum_acr"] == "urn:vn:eid:level:2"
    assert registered["methods"] == ["card"]
    assert registered["purpose"] == "Mượn sách"
    assert registered["default_max_age"] == 60
    unknown = registrar.change(registered, methods=["card", "fax"])
    assert "methods: each must be one of otp, card, passcode" in body(unknown)["error_description"]
    assert registrar.post({**METADATA, "methods": ["fax"]}).status == 400


@pytest.mark.attack("N11")
@pytest.mark.parametrize(
    "name",
    [
        "Bộ Cônɡ аn",
        "Bộ Công\u200ban",
        "\u202eộB gnôC na",
        "Bộ Công an\n",
        "Ｂộ Công an",
        "ΒộCông an",
    ],
)
def test_N11_a_name_of_look_alike_letters_is_refused(registrar: Registrar, name: str) -> None:
    for member in ("client_name", "client_name#en", "purpose"):
        assert registrar.post({**METADATA, member: name}).status == 400


@pytest.mark.attack("N11")
def test_N11_a_new_client_waits_for_the_operator(registrar: Registrar) -> None:
    registrar.under(BY_TOKEN)
    registrar.invite()
    registered = registrar.register(TOKEN)
    found = registrar.world.services.clients.get(registered["client_id"])
    assert found is not None
    assert not found.active


@pytest.mark.attack("N10")
def test_N10_a_sector_must_list_every_redirect_uri(registrar: Registrar) -> None:
    documents: dict[str, Any] = {"/sector": [CALLBACK, "https://other.example.vn/cb"]}
    with serving(documents) as base:
        two = [CALLBACK, "https://other.example.vn/cb"]
        joined = registrar.register(redirect_uris=two, sector_identifier_uri=f"{base}/sector")
        assert joined["sector_identifier_uri"] == f"{base}/sector"
        foreign = {"redirect_uris": ["https://evil.example/cb"]}
        for uri in ("/sector", "/missing"):
            refusal = registrar.post({**foreign, "sector_identifier_uri": base + uri})
            assert refused(refusal) == (400, "invalid_client_metadata")
        documents["/sector"] = {"not": "an array"}
        refusal = registrar.post({**METADATA, "sector_identifier_uri": f"{base}/sector"})
        assert refused(refusal) == (400, "invalid_client_metadata")
    for several in (two, [CALLBACK, "vn.example.app:/cb"]):  # joins nobody: a sector of its own
        made = registrar.register(redirect_uris=several, application_type="native")
        alone = registrar.world.services.clients.get(made["client_id"])
        assert alone is not None
        assert alone.sector == alone.client_id


@pytest.mark.parametrize(
    "uri", ["http://localhost:8080/cb", "http://127.0.0.1/cb", "https://localhost/cb"]
)
def test_tokens_in_a_url_go_to_no_loopback_host(registrar: Registrar, uri: str) -> None:
    """OIDC Registration §2; in the sandbox suites and developers are there."""
    types = {"response_types": ["code id_token"], "redirect_uris": [uri]}
    spa = {**METADATA, **types, "grant_types": ["authorization_code", "implicit"]}
    assert registrar.post(spa).status == 201
    registrar.under(RegistrationSettings("open"))
    assert refused(registrar.post(spa)) == (400, "invalid_redirect_uri")
    assert registrar.post({**METADATA, "redirect_uris": [uri]}).status == 201
    assert registrar.post({**spa, "application_type": "native"}).status == 201


@pytest.mark.attack("N10")
def test_N10_nobody_joins_a_hosts_sector_and_is_answered_elsewhere(registrar: Registrar) -> None:
    grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]
    refusal = registrar.post({**METADATA, "redirect_uris": [CALLBACK], "grant_types": grants})
    assert refused(refusal) == (400, "invalid_client_metadata")


def test_the_metadata_names_the_endpoint_where_somebody_may_register(registrar: Registrar) -> None:
    def named() -> bool:
        handler = registrar.routes["/.well-known/openid-configuration"].handler
        return "registration_endpoint" in json.loads(handler(Request("GET", "/")).body)

    assert named()
    registrar.under(CLOSED)
    assert not named()

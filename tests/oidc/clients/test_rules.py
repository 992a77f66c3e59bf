"""Registration: what is accepted, with which defaults, and that all problems are told at once."""

from typing import Any

import pytest
from authlib.oauth2.rfc7591.claims import ClientMetadataClaims
from authlib.oidc.registration import ClientMetadataClaims as OidcClientMetadataClaims
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from idp.jose.jwk import Jwk
from idp.oidc.clients.metadata import describe, load
from idp.oidc.clients.model import Client, TokenFormat
from idp.oidc.clients.profile import FAPI2_SECURITY, PROFILES
from idp.oidc.clients.rules import InvalidMetadata, Rules, register

PORTAL: dict[str, Any] = {
    "client_name": "Cổng dịch vụ công",
    "client_name#en": "Public service portal",
    "redirect_uris": ["https://portal.example.vn/cb"],
    "scope": "openid profile pid",
}
JWKS = {"keys": [Jwk("k1", ec.generate_private_key(ec.SECP256R1()).public_key()).export()]}
RULES = Rules(methods=("otp", "card"))
EVERYTHING: dict[str, Any] = {
    **PORTAL,
    "post_logout_redirect_uris": ["https://portal.example.vn/bye"],
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types": ["code"],
    "scope": "openid profile pid phone offline_access records:read",
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "jwks": JWKS,
    "id_token_signed_response_alg": "RS256",
    "userinfo_signed_response_alg": "ES256",
    "default_max_age": 600,
    "default_acr_values": ["urn:vn:eid:level:2"],
    "client_uri": "https://portal.example.vn",
    "policy_uri": "https://portal.example.vn/privacy",
    "contacts": ["it@portal.example.vn"],
    "minimum_acr": "urn:vn:eid:level:2",
    "methods": ["card", "otp"],
    "access_token_format": "jwt",
    "resource": "https://records.example.vn",
    "required_claims": ["pid"],
    "purpose": "Nộp hồ sơ",
    "purpose#en": "To file an application",
    "purpose_version": "2",
}


def test_defaults() -> None:
    client = register(PORTAL, client_id="portal")
    assert client.client_name.in_locale("vi") == "Cổng dịch vụ công"
    assert client.client_name.in_locale("en") == "Public service portal"
    assert client.token_endpoint_auth_method == "client_secret_basic"
    assert client.grant_types == ("authorization_code",)
    assert client.id_token_signed_response_alg == "RS256"
    assert client.sector == "portal.example.vn"
    assert client.access_token_format is TokenFormat.REFERENCE
    assert client.minimum_level == 1
    assert client.pkce_required
    assert client.claims >= {"name", "pid", "former_ids"}
    assert "phone_number" not in client.claims


@pytest.mark.parametrize("raw", [PORTAL, EVERYTHING])
def test_what_is_described_loads_as_the_same_client(raw: dict[str, Any]) -> None:
    client = register(raw, client_id="portal", rules=RULES)
    assert load(describe(client), client_id="portal") == client
    assert register(describe(client), client_id="portal", rules=RULES) == client


@pytest.mark.parametrize("claims", [ClientMetadataClaims, OidcClientMetadataClaims])
def test_an_independent_reader_accepts_what_we_register(claims: Any) -> None:
    described = describe(register(EVERYTHING, client_id="portal", rules=RULES))
    claims(described, {}, {}, {}).validate()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("profle", "profile"),
        ("redirect_uri", "redirect_uris"),
        ("clientName", "client_name"),
        ("client_name_vi", "client_name#vi"),
        ("x_unknown", ""),
        ("profile#vi", "profile"),
    ],
)
def test_an_unknown_member_is_refused_with_the_name_that_was_meant(name: str, meant: str) -> None:
    said = problems({name: "x"})
    hint = f"; did you mean {meant}?" if meant else ""
    assert said == (f"{name}: unknown member of client metadata{hint}",)
    ignoring = Rules(unknown_members=True)
    assert register({**PORTAL, name: 1}, client_id="portal", rules=ignoring)


@pytest.mark.parametrize(
    "name",
    ["client_name#fr", "client_uri#vi", "claims_redirect_uris", "id_token_signing_alg_supported"],
)
def test_a_standard_member_that_we_do_not_use_is_ignored(name: str) -> None:
    assert register({**PORTAL, name: "x"}, client_id="portal") == register(
        PORTAL, client_id="portal"
    )


@pytest.mark.parametrize("change", [{"client_name": None}, {"client_name": " "}])
def test_a_name_is_required(change: dict[str, Any]) -> None:
    raw = {name: each for name, each in {**PORTAL, **change}.items() if each is not None}
    with pytest.raises(InvalidMetadata) as caught:
        register(raw, client_id="portal")
    assert caught.value.problems == ("client_name: is required, since the login pages show it",)


def test_no_scope_but_openid_when_none_is_asked_for() -> None:
    raw = {name: value for name, value in PORTAL.items() if name != "scope"}
    assert register(raw, client_id="portal").scope == ("openid",)
    machine = {"client_name": "Máy", "grant_types": ["client_credentials"]}
    assert register(machine, client_id="machine").scope == ()


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_id_tokens_are_rs256_unless_the_profile_or_the_metadata_say_otherwise(
    profile: str,
) -> None:
    raw = {**EVERYTHING, "profile": profile}
    del raw["id_token_signed_response_alg"]
    if PROFILES[profile].refresh_repeat is False:
        raw["refresh_token_repeat_seconds"] = 0
    found = register(raw, client_id="bank", rules=RULES).id_token_signed_response_alg
    assert found == ("RS256" if profile == "baseline" else "ES256")
    raw["id_token_signed_response_alg"] = "ES256"
    chosen = register(raw, client_id="bank", rules=RULES)
    assert chosen.id_token_signed_response_alg == "ES256"


CALLED = (
    *("jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"),
    *("backchannel_client_notification_endpoint", "request_uris"),
)


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize(
    "uri",
    [
        *("http://127.0.0.1:9/x", "https://127.0.0.1/x", "http://localhost/x", "https://[::1]/x"),
        *("https://10.0.0.1/x", "https://169.254.169.254/latest", "https://a.localhost/x"),
        *("https://2130706433/x", "https://[::ffff:127.0.0.1]/x", "https://[fd00::1]/x"),
    ],
)
def test_an_address_that_the_provider_may_not_call_is_refused(name: str, uri: str) -> None:
    value: Any = [uri] if name.endswith("s") else uri
    told = [each for each in problems({name: value}) if "cannot be called" in each]
    assert [each.split(":")[0] for each in told] == [name]


@pytest.mark.parametrize("name", ["jwks_uri", "backchannel_logout_uri", "request_uris"])
def test_this_machine_may_be_called_where_the_deployment_allows_it(name: str) -> None:
    rules = Rules(loopback=True)
    here, inside = "http://localhost:9/x", "https://10.0.0.1/x"
    many = name.endswith("s")
    assert register({**PORTAL, name: [here] if many else here}, client_id="p", rules=rules)
    with pytest.raises(InvalidMetadata, match="cannot be called"):
        register({**PORTAL, name: [inside] if many else inside}, client_id="p", rules=rules)


@pytest.mark.parametrize(
    "name",
    [
        *("client_name", "client_name#vi", "client_name#en", "purpose", "purpose#vi"),
        *("purpose#en", "purpose_version", "contacts", "software_id", "software_version"),
    ],
)
@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\u2028", "\ue000"])
def test_a_text_with_a_hidden_character_is_refused(name: str, hidden: str) -> None:
    value: Any = f"Cổng{hidden}"
    (told,) = problems({name: [value] if name == "contacts" else value})
    assert told.startswith(f"{name}: has a character that is not shown: U+{ord(hidden):04X}")


def test_pkce_is_required_of_a_new_confidential_client_unless_its_metadata_say_otherwise() -> None:
    assert register(PORTAL, client_id="portal").pkce_required
    without = register({**PORTAL, "require_pkce": False}, client_id="portal")
    assert not without.pkce_required
    assert load(describe(without), client_id="portal") == without
    assert register(PORTAL, client_id="portal", rules=Rules(pkce=False)) == without


def test_a_client_stored_before_there_was_the_member_goes_on_without_pkce() -> None:
    stored = describe(register(PORTAL, client_id="portal"))
    del stored["require_pkce"]
    assert not load(stored, client_id="portal").pkce_required


@pytest.mark.parametrize(
    "change",
    [
        {"token_endpoint_auth_method": "none"},
        {"profile": "fapi2-security", "token_endpoint_auth_method": "private_key_jwt"},
    ],
)
def test_a_public_client_and_a_profile_cannot_do_without_pkce(change: dict[str, Any]) -> None:
    told = problems({"jwks": JWKS, **change, "require_pkce": False})
    assert told == ("require_pkce: cannot be false for a public client, nor under this profile",)


def test_a_number_that_is_zero_is_kept() -> None:
    zeros = {"refresh_token_repeat_seconds": 0, "default_max_age": 0}
    client = register({**PORTAL, **zeros}, client_id="portal")
    assert (client.refresh_token_repeat_seconds, client.default_max_age) == (0, 0)
    assert load(describe(client), client_id="portal") == client


def test_response_types_are_sets_in_their_usual_order() -> None:
    change = {
        "grant_types": ["authorization_code", "implicit"],
        "response_types": ["token code id_token", "id_token"],
    }
    client = register({**PORTAL, **change}, client_id="portal")
    assert client.response_types == ("code id_token token", "id_token")


def test_several_hosts_are_one_sector_where_the_sector_document_names_them() -> None:
    change = {
        "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
        "sector_identifier_uri": "https://sector.example/uris.json",
    }
    assert register({**PORTAL, **change}, client_id="portal").sector == "sector.example"


def test_a_public_client_needs_pkce_and_so_does_one_whose_profile_says_so() -> None:
    public = register({**PORTAL, "token_endpoint_auth_method": "none"}, client_id="app")
    assert public.public
    assert public.pkce_required
    change = {"profile": "fapi2-security", "id_token_signed_response_alg": "ES256"}
    fapi = register({**EVERYTHING, **change}, client_id="bank", rules=RULES)
    assert fapi.profile is FAPI2_SECURITY
    assert fapi.pkce_required


def problems(change: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with the portal's metadata, changed so."""
    with pytest.raises(InvalidMetadata) as caught:
        register({**PORTAL, **change}, client_id="portal", rules=RULES)
    return caught.value.problems


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": "https://portal.example.vn/cb"}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["http://portal.example.vn/"]}, "post_logout_redirect_uris"),
        ({"client_uri": "javascript:alert(1)"}, "client_uri"),
        ({"logo_uri": "data:image/png,x"}, "logo_uri"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "response_types"),
        ({"grant_types": ["implicit"], "response_types": ["code"]}, "response_types"),
        ({"response_types": ["id_token"]}, "response_types"),
        ({"response_types": ["none"]}, "response_types"),
        (
            {
                "grant_types": ["authorization_code", "implicit"],
                "response_types": ["code", "code id_token"],
                "profile": "fapi2-security",
            },
            "response_types",
        ),
        ({"request_uris": ["http://portal.example.vn/request"]}, "request_uris"),
        ({"request_object_signing_alg": "HS256"}, "request_object_signing_alg"),
        ({"initiate_login_uri": "http://localhost:8080/start"}, "initiate_login_uri"),
        ({"backchannel_logout_uri": "ftp://portal.example.vn/out"}, "backchannel_logout_uri"),
        ({"frontchannel_logout_uri": "https://other.example/out"}, "frontchannel_logout_uri"),
        ({"sector_identifier_uri": "http://sector.example/"}, "sector_identifier_uri"),
        ({"tls_client_auth_san_dns": "a.example"}, "tls_client_auth_subject_dn or _san_…"),
        (
            {"token_endpoint_auth_method": "tls_client_auth"},
            "tls_client_auth_subject_dn or _san_…",
        ),
        ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "jwks"),
        ({"id_token_encrypted_response_alg": "RSA1_5"}, "id_token_encrypted_response_alg"),
        ({"userinfo_encrypted_response_enc": "A256GCM"}, "userinfo_encrypted_response_enc"),
        ({"authorization_signed_response_alg": "none"}, "authorization_signed_response_alg"),
        ({"jwks": JWKS, "jwks_uri": "https://portal.example.vn/jwks"}, "jwks"),
        ({"backchannel_token_delivery_mode": "poll"}, "backchannel_token_delivery_mode"),
        (
            {"grant_types": ["urn:openid:params:grant-type:ciba"]},
            "backchannel_token_delivery_mode",
        ),
        (
            {
                "grant_types": ["urn:openid:params:grant-type:ciba"],
                "backchannel_token_delivery_mode": "ping",
            },
            "backchannel_client_notification_endpoint",
        ),
        ({"grant_types": []}, "grant_types"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        (
            {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
            "grant_types",
        ),
        ({"response_types": ["token"]}, "response_types"),
        ({"response_types": ["code", "code id_token"]}, "response_types"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks_uri": "http://portal.example.vn/jwks"}, "jwks_uri"),
        ({"token_endpoint_auth_signing_alg": "none"}, "token_endpoint_auth_signing_alg"),
        ({"token_endpoint_auth_signing_alg": "HS256"}, "token_endpoint_auth_signing_alg"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
        ({"subject_type": "public"}, "subject_type"),
        ({"application_type": "spa"}, "application_type"),
        ({"scope": 'openid "x'}, "scope"),
        ({"scope": "openid " + " ".join(f"s{i}" for i in range(60))}, "scope"),
        ({"required_claims": ["email"]}, "required_claims"),
        ({"required_claims": ["sub"]}, "required_claims"),
        ({"minimum_acr": "urn:vn:eid:level:5"}, "minimum_acr"),
        ({"default_acr_values": ["1"]}, "default_acr_values"),
        ({"default_max_age": -1}, "default_max_age"),
        ({"default_max_age": 10**30}, "default_max_age"),
        ({"profile": "fapi3"}, "profile"),
        ({"profile": "fapi2-security"}, "token_endpoint_auth_method"),
        ({"access_token_format": "opaque"}, "access_token_format"),
        ({"methods": ["../otp"]}, "methods"),
        ({"methods": ["otp"]}, "methods"),
        ({"resource": "a é"}, "resource"),
        ({"client_name": "x" * 101}, "client_name"),
        ({"client_name#vi": "x" * 101}, "client_name#vi"),
        ({"refresh_token_repeat_seconds": 31}, "refresh_token_repeat_seconds"),
        (
            {"refresh_token_repeat_seconds": 5, "profile": "fapi1-advanced"},
            "refresh_token_repeat_seconds",
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], member: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        register({**PORTAL, **change}, client_id="portal")
    assert member in {each.split(":")[0].split(".")[0] for each in caught.value.problems}


@pytest.mark.parametrize("profile", sorted(PROFILES.keys() - {"baseline"}))
@pytest.mark.parametrize("answer", ["id_token", "userinfo", "introspection", "authorization"])
def test_a_profile_says_what_answers_are_signed_with(profile: str, answer: str) -> None:
    """FAPI 1.0 Advanced §8.6, FAPI 2.0 §5.4.1: not RS256."""
    name = f"{answer}_signed_response_alg"
    with pytest.raises(InvalidMetadata) as caught:
        register({**PORTAL, "profile": profile, name: "RS256"}, client_id="bank")
    assert f"{name}: must be one of ES256" in caught.value.problems


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidMetadata) as caught:
        register(
            {
                "grant_types": ["password"],
                "profile": "x",
                "profle": "y",
                "contacts": "it@portal.example.vn",
                "jwks_uri": "http://127.0.0.1/keys",
            },
            client_id="a b",
        )
    members = {each.split(":")[0] for each in caught.value.problems}
    assert members == {
        *("client_id", "client_name", "grant_types", "profile", "profle", "contacts", "jwks_uri")
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EVERYTHING, "jwks_uri", "profile"]), json_values))
def test_only_invalid_metadata_escapes(change: dict[str, Any]) -> None:
    try:
        client = register({**PORTAL, **change}, client_id="portal")
    except InvalidMetadata:
        return
    assert isinstance(client, Client)

"""Whatever a stranger sends, it is a client or a refusal in the standard's own words."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.clients.metadata import Metadata, describe, load
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError
from idp.oidc.registration.names import look_alikes, skeleton
from idp.oidc.registration.request import TEXT_PATTERN, admit
from idp.oidc.settings import RegistrationSettings
from idp.oidc.vocabulary import CIBA, GRANT_TYPES, RESPONSE_TYPES, SCOPES
from tests.oidc.registration.conftest import METADATA

SANDBOX = RegistrationSettings.sandbox()
APART = unicodedata.normalize("NFD", "Bộ Công an Đường")
ERRORS = {"invalid_redirect_uri", "invalid_client_metadata"}
NAMES = sorted(each.alias or name for name, each in Metadata.model_fields.items())
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        (
            *("https://[", "https://a:99999999/cb", "https://a.example/cb", "https://[::1]/", "//"),
            *("http://[fe80::1%25x]/", "https://a.example:/", "https://é.example/", "a.b:/c", "?#"),
            *("https://a.example/%", "https://a.example/\u0000", "urn:vn:eid:level:2", "ES256"),
            *("code", "id_token token", "none", "private_key_jwt", "ping", "poll", "openid"),
            *("A128GCM", "ECDH-ES", "fapi2-security", "tls_client_auth", CIBA, *GRANT_TYPES),
            *RESPONSE_TYPES,
        )
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(TEXTS, max_size=4),
        st.dictionaries(st.sampled_from(("keys", "kty", "crv", "x", "n", "e")), inner, max_size=4),
    ),
    max_leaves=8,
)


def admitted(**members: Any) -> Client:
    return admit({**METADATA, **members}, "library", SCOPES, SANDBOX)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=12), st.booleans())
def test_any_object_is_a_client_or_refused(members: Mapping[str, Any], whole: bool) -> None:
    said = outcome({**(METADATA if whole else {}), **members})
    if isinstance(said, Client):
        assert load(describe(said), client_id="library") == said
        return
    assert said.error in ERRORS
    assert said.status == 400
    assert said.description.isascii()
    assert said.description.isprintable()


def outcome(raw: Mapping[str, Any]) -> Client | OAuthError:
    try:
        return admit(raw, "library", SCOPES, SANDBOX)
    except OAuthError as error:
        return error


@pytest.mark.parametrize("name", [each for each in NAMES if each.endswith(("_uri", "_uris"))])
@pytest.mark.parametrize(
    "uri",
    ["https://[", "https://[::1", "https://a:99999999/cb", "http://[v1.x]/", "https://a\udc00/"],
)
def test_a_uri_that_cannot_be_read_is_refused(name: str, uri: str) -> None:
    value: Any = [uri] if name.endswith("s") else uri
    with pytest.raises(OAuthError):
        admitted(**{name: value})


def test_a_scope_that_is_asked_for_is_cut_to_what_is_allowed() -> None:
    allowed = ("openid", "profile")
    assert admit(METADATA, "a", allowed, SANDBOX).scope == ("openid",)
    asked = {**METADATA, "scope": "profile pid openid"}
    assert admit(asked, "a", allowed, SANDBOX).scope == ("profile", "openid")
    without = {"client_name": "a", "grant_types": ["client_credentials"]}
    assert admit(without, "a", allowed, SANDBOX).scope == ()


@pytest.mark.parametrize(
    "name",
    [
        "Thư viện",
        "Bộ Công an",
        "Đà Nẵng",
        "Łódź",
        unicodedata.normalize("NFD", "Bộ Công an Đường"),
        "A & B (2027)",
        "€",
        "Cổng “A” – B",
    ],
)
def test_names_of_people_who_write_latin_are_taken(name: str) -> None:
    assert admitted(client_name=name).client_name.vi == name


@given(st.from_regex(TEXT_PATTERN, fullmatch=True))
def test_texts_hold_letters_that_are_called_latin_and_nothing_that_is_not_shown(text: str) -> None:
    categories = {each: unicodedata.category(each) for each in text}
    assert all(not category.startswith(("C", "Zl", "Zp")) for category in categories.values())
    letters = (each for each, category in categories.items() if category.startswith("L"))
    assert all(unicodedata.name(each).startswith("LATIN ") for each in letters)


@pytest.mark.parametrize("sign", list("\u00a0\u2800\u034f\ufe0f\nⅠⒶ٠ａ"))
def test_what_is_not_shown_or_looks_like_a_letter_is_no_part_of_a_name(sign: str) -> None:
    with pytest.raises(OAuthError, match="invalid_client_metadata"):
        admitted(client_name=f"Bộ Công an{sign}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bộ Công an", "BO CONG AN"), ("Bộ Công an", "Bộ C0ng-an"), ("Modern", "Modem"), ("II", "11")],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_a_client_does_not_look_like_itself() -> None:
    client = admitted()
    assert look_alikes(client, (client,)) == ()

"""Pairwise subjects."""

import hashlib
import hmac

import pytest

from idp.core.handles import b64url
from idp.oidc.clients.sector import (
    InvalidSector,
    check_sector_document,
    fetch_sector,
    pairwise_subject,
    sector_identifier,
)
from tests.oidc.outside import outbound
from tests.outbound.hostile import hostile, ok

KEY = bytes(range(32))


def test_the_sector_is_the_one_host() -> None:
    uris = ("https://a.example.vn/cb", "https://a.example.vn:8443/other")
    assert sector_identifier("one", uris) == "a.example.vn"


@pytest.mark.attack("N10")
@pytest.mark.parametrize(
    "other", ["https://b.example.vn/cb", "http://localhost/cb", "vn.app.x:/cb"]
)
def test_N10_a_client_of_several_places_is_in_no_sector_of_theirs(other: str) -> None:
    assert sector_identifier("one", ("https://a.example.vn/cb", other)) == "one"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/cb", "http://localhost/cb", "vn.app.x:/cb"])
def test_a_client_on_nobodys_host_is_its_own_sector(uri: str) -> None:
    assert sector_identifier("one", (uri,)) == "one"
    assert sector_identifier("two", (uri,)) == "two"


def test_the_subject_is_the_documented_hmac() -> None:
    mac = hmac.new(KEY, b"a.example.vn\x00account", hashlib.sha256).digest()
    assert pairwise_subject(KEY, "a.example.vn", "account") == b64url(mac)


@pytest.mark.attack("Q02")
def test_Q02_subjects_do_not_collide_and_need_the_key() -> None:
    subjects = {pairwise_subject(KEY, "a.example.vn", f"account-{i}") for i in range(20_000)}
    assert len(subjects) == 20_000
    assert pairwise_subject(bytes(32), "a.example.vn", "account-1") not in subjects


@pytest.mark.attack("Q04")
def test_Q04_two_sectors_share_no_subject() -> None:
    ours, theirs = (
        {pairwise_subject(KEY, host, f"account-{i}") for i in range(1_000)}
        for host in ("a.example.vn", "b.example.vn")
    )
    assert ours.isdisjoint(theirs)


URI = "https://group.example.vn/sector.json"


@pytest.mark.attack("N10")
@pytest.mark.parametrize(
    "uris",
    [
        ["https://b.example.vn/cb"],
        ["https://a.example.vn/cb", "https://b.example.vn/cb"],
        ["https://a.example.vn/cb/"],
        ["https://A.example.vn/cb"],
        ["https://a.example.vn/c"],
        ["vn.app.b:/cb"],
    ],
)
def test_N10_a_sector_is_joined_by_whom_it_lists(uris: list[str]) -> None:
    document = b'["https://a.example.vn/cb", "https://a.example.vn:8443/cb", "vn.app.a:/cb"]'
    check_sector_document(URI, document, ["https://a.example.vn/cb", "vn.app.a:/cb"])
    check_sector_document(URI, document, [])
    with pytest.raises(InvalidSector, match="does not list"):
        check_sector_document(URI, document, uris)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"redirect_uris": ["https://a.example.vn/cb"]}',
        b'"https://a.example.vn/cb"',
        b'["https://a.example.vn/cb", 1]',
        b'["https://a.example.vn/cb", ["x"]]',
        b'["https://a.example.vn/cb",]',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_sector_document_is_an_array_of_strings(body: bytes) -> None:
    with pytest.raises(InvalidSector, match="array"):
        check_sector_document(URI, body, ["https://a.example.vn/cb"])


def test_a_loopback_literal_may_be_listed() -> None:
    check_sector_document(URI, b'["http://[::1]/cb"]', ["http://[::1]/cb"])


@pytest.mark.attack("N10")
def test_N10_the_document_is_asked_for_each_time() -> None:
    with hostile(None) as server:
        uri = server.url("/sector", scheme="http")
        server.answer(ok(b'["https://a.example.vn/cb"]'))
        fetch_sector(outbound(), uri, ["https://a.example.vn/cb"])
        server.answer(ok(b"[]"))
        with pytest.raises(InvalidSector, match="does not list"):
            fetch_sector(outbound(), uri, ["https://a.example.vn/cb"])
        server.answer(ok(b"", b"Location: /", status=b"302 Found"))
        with pytest.raises(InvalidSector, match="cannot be fetched"):
            fetch_sector(outbound(), uri, ["https://a.example.vn/cb"])

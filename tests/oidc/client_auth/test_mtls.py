"""Client authentication by certificate: an authority's name, or a registered key (RFC 8705 §2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jwt.algorithms import ECAlgorithm

from idp.core.clock import FixedClock
from idp.keystore.file import KeyStore
from idp.oidc.clients.model import Client
from idp.oidc.clients.rules import InvalidMetadata, register
from idp.storage.database import Database
from idp.storage.memory import MemoryStore
from idp.web.http import Request
from tests.certificates import Pair, authority, der, issued, self_signed
from tests.oidc.world import SECRET, World, body, build, form_post, refused
from tests.proofs import DpopKey

NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bệnh viện, A+B"),
        x509.NameAttribute(NameOID.COMMON_NAME, "records"),
    ]
)
DN = r"CN=records,O=Bệnh viện\, A\+B,C=VN"
NAMES = (
    x509.DNSName("Records.example.vn"),
    x509.UniformResourceIdentifier("https://records.example.vn/client"),
    x509.IPAddress(ip_address("203.0.113.9")),
    x509.RFC822Name("records@example.vn"),
)


@dataclass
class Tls:
    """The provider with one authority of clients' certificates."""

    world: World
    ca: Pair

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock(), UTC)

    def issue(self, subject: x509.Name | str = NAME, **how: Any) -> bytes:
        how = {"issuer": self.ca, "at": self.now(), "names": NAMES} | how
        return der(issued(how.pop("issuer"), subject, **how)[0])

    def add(self, method: str = "tls_client_auth", **metadata: Any) -> Client:
        return self.world.add_client("records", token_endpoint_auth_method=method, **metadata)

    def ask(self, certificate: bytes | None, *, client_id: str = "records", **how: Any) -> Any:
        form = {"grant_type": "client_credentials", "client_id": client_id, **how}
        request = form_post("/token", form, {})
        members = {each: getattr(request, each) for each in request.__slots__}
        return self.world.call("/token", type(request)(**{**members, "certificate": certificate}))

    def reason(self, certificate: bytes | None, **how: Any) -> str:
        """Why it is refused, as the audit log has it; outside, always the same."""
        assert refused(self.ask(certificate, **how)) == (401, "invalid_client")
        return str(self.world.audited()[0]["reason"])


@pytest.fixture
def build_tls(
    provider_database: Database, clock: FixedClock, transient: MemoryStore, keys: KeyStore
) -> Callable[[Pair], Tls]:
    """A provider that trusts one authority."""

    def made(ca: Pair) -> Tls:
        authorities = (ca[0],)
        world = build(provider_database, transient, clock, keys, client_authorities=authorities)
        return Tls(world, ca)

    return made


@pytest.fixture
def tls(build_tls: Callable[[Pair], Tls], clock: FixedClock) -> Tls:
    return build_tls(authority(at=datetime.fromtimestamp(clock(), UTC)))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("subject_dn", DN),
        ("san_dns", "records.EXAMPLE.vn"),
        ("san_uri", "https://records.example.vn/client"),
        ("san_ip", "203.0.113.9"),
        ("san_email", "records@example.vn"),
    ],
)
def test_the_registered_name_authenticates(tls: Tls, member: str, value: str) -> None:
    tls.add(**{f"tls_client_auth_{member}": value})
    assert tls.ask(tls.issue()).status == 200
    others = (
        x509.DNSName("x.records.example.vn"),
        x509.UniformResourceIdentifier("https://records.example.vn/client/"),
        x509.IPAddress(ip_address("203.0.113.10")),
        x509.RFC822Name("other@example.vn"),
    )
    assert tls.reason(tls.issue("records", names=others)) == "certificate_subject"
    assert tls.reason(tls.issue("records", names=())) == "certificate_subject"


def test_a_name_elsewhere_in_the_certificate_is_not_it(tls: Tls) -> None:
    tls.add(tls_client_auth_san_dns="records.example.vn")
    as_uri = (x509.UniformResourceIdentifier("records.example.vn"),)
    assert tls.reason(tls.issue("records.example.vn", names=as_uri)) == "certificate_subject"


def test_who_issued_it_and_what_for(tls: Tls) -> None:
    tls.add(tls_client_auth_subject_dn=DN)
    other = authority(at=tls.now())
    impostor = authority(ca=False, issuer=tls.ca, at=tls.now())
    untrusted = "certificate_not_trusted"
    assert tls.reason(tls.issue(issuer=other)) == untrusted
    assert tls.reason(tls.issue(issuer=impostor)) == untrusted
    assert tls.reason(der(self_signed("records")[0])) == untrusted
    assert tls.reason(tls.issue(usage=ExtendedKeyUsageOID.SERVER_AUTH)) == untrusted
    assert tls.reason(tls.issue(at=tls.now() - timedelta(days=2))) == untrusted
    assert tls.reason(tls.issue(at=tls.now() + timedelta(days=2))) == untrusted
    assert tls.reason(None) == "no_certificate"
    assert tls.reason(b"certificate") == "malformed_certificate"
    assert tls.ask(tls.issue(usage=None)).status == 200


def test_without_an_authority_there_is_no_such_client(world: World) -> None:
    tls = Tls(world, authority())
    tls.add(tls_client_auth_subject_dn=DN)
    assert tls.reason(tls.issue()) == "no_certificate_authority"


def test_an_intermediate_authority_may_be_trusted_by_itself(
    build_tls: Callable[[Pair], Tls], clock: FixedClock
) -> None:
    at = datetime.fromtimestamp(clock(), UTC)
    tls = build_tls(authority("Below", issuer=authority(at=at), at=at))
    tls.add(tls_client_auth_subject_dn=DN)
    assert tls.ask(tls.issue()).status == 200


def test_a_registered_key_authenticates(tls: Tls) -> None:
    certificate, key = self_signed("anything", at=tls.now() - timedelta(days=30))
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "tls", "use": "sig"}
    tls.add("self_signed_tls_client_auth", jwks={"keys": [jwk]})
    assert tls.ask(der(certificate)).status == 200
    assert tls.reason(der(self_signed("anything")[0])) == "certificate_key"
    assert tls.reason(tls.issue()) == "certificate_key"
    assert tls.reason(None) == "no_certificate"


def test_one_clients_certificate_is_not_anothers(tls: Tls) -> None:
    tls.add(tls_client_auth_subject_dn=DN)
    other = tls.world.add_client(
        "other",
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=other",
    )
    assert tls.reason(tls.issue(), client_id=other.client_id) == "certificate_subject"
    assert tls.ask(tls.issue("other"), client_id=other.client_id).status == 200


def test_a_certificate_is_nothing_to_who_registered_another_method(tls: Tls) -> None:
    assert tls.reason(tls.issue(), client_id="portal") == "other_method"
    tls.add(tls_client_auth_subject_dn=DN)
    assert tls.reason(tls.issue(), client_secret=SECRET) == "other_method"


def test_every_endpoint_for_clients_knows_it(tls: Tls) -> None:
    tls.add(tls_client_auth_subject_dn=DN)
    certificate = tls.issue()
    token = body(tls.ask(certificate))["access_token"]
    for path in ("/introspect", "/revoke"):
        request = form_post(path, {"client_id": "records", "token": token}, {})
        members = {each: getattr(request, each) for each in request.__slots__}
        for shown, status in ((None, 401), (certificate, 200)):
            asked = type(request)(**{**members, "certificate": shown})
            assert tls.world.call(path, asked).status == status


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"tls_client_auth_subject_dn": DN, "tls_client_auth_san_dns": "a.example.vn"},
        {"tls_client_auth_subject_dn": "records"},
        {"tls_client_auth_subject_dn": "CN=a, O=b"},
        {"tls_client_auth_san_ip": "203.0.113"},
    ],
)
def test_what_is_no_name_is_not_registered(metadata: dict[str, Any]) -> None:
    raw = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "tls_client_auth"}
    with pytest.raises(InvalidMetadata, match="tls_client_auth"):
        register({**raw, **metadata}, client_id="records")


MTLS_ORIGIN = "https://mtls.example.vn"


def test_another_origin_for_certificates(
    provider_database: Database, clock: FixedClock, transient: MemoryStore, keys: KeyStore
) -> None:
    world = build(provider_database, transient, clock, keys, mtls_origin=MTLS_ORIGIN)
    path = "/.well-known/openid-configuration"
    found = body(world.call(path, Request("GET", path)))
    aliases = found["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{MTLS_ORIGIN}/token"
    assert {"userinfo_endpoint", "pushed_authorization_request_endpoint"} < aliases.keys()
    assert "authorization_endpoint" not in aliases
    for name, url in aliases.items():
        assert url.removeprefix(MTLS_ORIGIN) == found[name].removeprefix(found["issuer"])


def test_a_proof_is_made_for_the_origin_that_was_called(
    provider_database: Database, clock: FixedClock, transient: MemoryStore, keys: KeyStore
) -> None:
    world = build(provider_database, transient, clock, keys, mtls_origin=MTLS_ORIGIN)
    nonce, key = world.services.sender_constraint.nonce(), DpopKey()
    form = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": SECRET}
    world.change_client(world.client, token_endpoint_auth_method="client_secret_post")
    for origin, status in ((MTLS_ORIGIN, 200), ("https://other.example.vn", 400)):
        proof = key.proof("POST", f"{origin}/token", now=clock(), nonce=nonce)
        assert world.call("/token", form_post("/token", form, {"dpop": proof})).status == status

"""Client authentication: one method, the registered one; the same refusal for all else."""

import base64
import json
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.audit.log import AuditLog
from idp.audit.reading import tail
from idp.core.clock import FixedClock
from idp.jose.jwk import Jwk
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from idp.login.throttle import Limit
from idp.oidc.client_auth.dispatch import ClientAuthentication
from idp.oidc.client_auth.private_key_jwt import MAX_LIFE
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client, ClientStatus, Secret
from idp.oidc.clients.profile import PROFILES
from idp.oidc.clients.repository import ClientCache, Clients
from idp.oidc.clients.rules import Rules, register
from idp.oidc.errors import OAuthError
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import ASSERTION_TYPE
from idp.storage.database import Database, metadata, open_database
from idp.storage.memory import MemoryStore
from idp.storage.used import Uses
from idp.web.http import Params, Request
from tests.oidc.outside import outbound
from tests.outbound.hostile import hostile, ok

ISSUER = "https://id.example.vn"
PEPPER = bytes(range(32))
SECRET = "a secret: with+odd%20 characters"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class Desk:
    """Client authentication over real stores."""

    authentication: ClientAuthentication
    clients: Clients
    cache: ClientCache
    clock: FixedClock
    database: Database

    def add(self, client_id: str, *, secret: str | None = SECRET, **metadata: Any) -> Client:
        redirect_uri = f"https://{client_id}.example.vn/cb"
        raw = {"client_name": client_id, "redirect_uris": [redirect_uri], **metadata}
        client = register(raw, client_id=client_id, rules=Rules(loopback=True))
        if secret is not None:
            client = replace(client, secrets=(Secret(secret_digest(PEPPER, client_id, secret)),))
        created = self.clients.create(client)
        self.cache.refresh()
        return created

    def change(self, client: Client, **members: Any) -> None:
        self.clients.update(replace(client, **members))
        self.cache.refresh()

    def reason(self, request: Request) -> str:
        """Why ``request`` is refused, as the audit log has it; always the same answer outside."""
        with pytest.raises(OAuthError) as caught:
            self.authentication.authenticate(request)
        assert caught.value.error == "invalid_client"
        assert caught.value.status == 401
        assert caught.value.description == "client authentication failed"
        return caught.value.reason


@pytest.fixture
def desk(sqlite_url: str, clock: FixedClock, transient: MemoryStore) -> Iterator[Desk]:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    cache = ClientCache(database)
    authentication = authenticating(database, cache, clock, transient, failures=20)
    yield Desk(authentication, Clients(database, clock), cache, clock, database)
    database.close()


def authenticating(
    database: Database,
    cache: ClientCache,
    clock: FixedClock,
    transient: MemoryStore,
    *,
    failures: int,
) -> ClientAuthentication:
    return ClientAuthentication(
        cache,
        transient,
        Uses(database, clock),
        clock,
        AuditLog(database, b"k" * 32, clock),
        pepper=PEPPER,
        settings=ProviderSettings(
            ISSUER, client_failures=Limit("client-authentication", failures, 60)
        ),
        client_keys=ClientKeys(outbound(), clock),
    )


def patient(desk: Desk, transient: MemoryStore) -> Desk:
    """The same, where ten thousand failures slow nobody down."""
    found = authenticating(desk.database, desk.cache, desk.clock, transient, failures=10_000)
    return replace(desk, authentication=found)


def post(peer: str = "203.0.113.7", *, authorization: str = "", **form: str) -> Request:
    headers = {"authorization": authorization} if authorization else {}
    return Request("POST", "/token", form=Params(form.items()), headers=headers, peer=peer)


def basic(user: str, secret: str, /, **form: str) -> Request:
    plain = f"{quote_plus(user)}:{quote_plus(secret)}".encode()
    return post(authorization="Basic " + base64.b64encode(plain).decode(), **form)


def claims(now: int, **changes: Any) -> dict[str, Any]:
    base = {"iss": "bank", "sub": "bank", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "1"}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def assertion(signed: str, **form: str) -> Request:
    return post(client_assertion=signed, client_assertion_type=ASSERTION_TYPE, **form)


def signed(payload: dict[str, Any], key: Any = KEY, alg: str = "ES256", **headers: Any) -> str:
    return sign_jwt(LocalSigner("k1", alg, key), payload, headers=headers)


def jwks(key: Any = KEY) -> dict[str, Any]:
    return {"keys": [Jwk("k1", key.public_key()).export()]}


def add_bank(desk: Desk, **metadata: Any) -> Client:
    raw = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(), **metadata}
    return desk.add("bank", secret=None, **raw)


def test_basic_is_form_decoded(desk: Desk) -> None:
    client = desk.add("portal")
    assert desk.authentication.authenticate(basic("portal", SECRET)) == client
    same = basic("portal", SECRET, client_id="portal")
    assert desk.authentication.authenticate(same) == client


def test_post(desk: Desk) -> None:
    client = desk.add("portal", token_endpoint_auth_method="client_secret_post")
    request = post(client_id="portal", client_secret=SECRET)
    assert desk.authentication.authenticate(request) == client


def test_a_public_client_only_names_itself(desk: Desk) -> None:
    client = desk.add("app", secret=None, token_endpoint_auth_method="none")
    assert desk.authentication.authenticate(post(client_id="app")) == client


def test_the_good_path_asks_no_store(desk: Desk, transient: MemoryStore) -> None:
    desk.add("portal")
    desk.authentication.authenticate(basic("portal", SECRET))
    assert transient.round_trips == 0


@pytest.mark.attack("E01")
def test_E01_a_confidential_client_must_authenticate(desk: Desk) -> None:
    desk.add("portal")
    assert desk.reason(post(client_id="portal")) == "other_method"
    assert desk.reason(post()) == "no_client_id"
    with pytest.raises(OAuthError) as caught:
        desk.authentication.authenticate(basic("portal", "wrong"))
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.attack("E02")
@pytest.mark.parametrize(
    "secret", ["", "wrong", SECRET[:-1], SECRET + "x", quote_plus(SECRET), "x" * 60_000]
)
def test_E02_wrong_secrets(desk: Desk, secret: str) -> None:
    desk.add("portal")
    desk.add("other", secret="another secret altogether")
    desk.reason(basic("portal", secret))
    desk.reason(basic("portal", "another secret altogether"))


@pytest.mark.attack("E02")
def test_E02_an_unknown_client_costs_what_a_wrong_secret_costs(
    desk: Desk, transient: MemoryStore
) -> None:
    desk = patient(desk, transient)
    desk.add("portal")

    def cost(client_id: str) -> float:
        began = time.thread_time()
        with pytest.raises(OAuthError):
            desk.authentication.authenticate(basic(client_id, "wrong"))
        return time.thread_time() - began

    costs = [(cost("portal"), cost("nobody")) for _ in range(300)]  # by turns: load meets both
    known, unknown = map(statistics.median, zip(*costs, strict=True))
    assert abs(known - unknown) < 0.5 * max(known, unknown)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"%ff:x").decode(),
        "Bearer abc",
        "Digest x",
    ],
)
def test_malformed_headers(desk: Desk, header: str) -> None:
    desk.reason(post(authorization=header))


@pytest.mark.attack("E05")
@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "portal", "client_secret": SECRET},
        {"client_assertion": "x.y.z", "client_assertion_type": ASSERTION_TYPE},
    ],
)
def test_E05_two_methods_at_once(desk: Desk, form: dict[str, str]) -> None:
    desk.add("portal")
    with pytest.raises(OAuthError) as caught:
        desk.authentication.authenticate(basic("portal", SECRET, **form))
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


@pytest.mark.attack("E16")
def test_E16_two_client_ids(desk: Desk) -> None:
    desk.add("portal")
    add_bank(desk)
    assert desk.reason(basic("portal", SECRET, client_id="bank")) == "two_client_ids"
    good = signed(claims(desk.clock()))
    assert desk.reason(assertion(good, client_id="portal")) == "two_client_ids"


def test_only_the_registered_method_will_do(desk: Desk) -> None:
    desk.add("portal")
    desk.reason(post(client_id="portal", client_secret=SECRET))
    add_bank(desk)
    desk.reason(basic("bank", ""))


@pytest.mark.attack("T03")
@pytest.mark.attack("Q08")
def test_T03_Q08_a_disabled_client_looks_unknown(desk: Desk) -> None:
    client = desk.add("portal")
    desk.change(client, status=ClientStatus.DISABLED)
    for each in ("portal", "nobody"):
        desk.reason(basic(each, SECRET))  # asserts that the answer is the same
    disabled, unknown = tail(desk.database, 2)
    assert (disabled["reason"], unknown["reason"]) == ("client_disabled", "unknown_client")
    assert disabled["client_id"] == "portal"
    assert "client_id" not in unknown


def test_during_a_rotation_both_secrets_work_then_one(desk: Desk) -> None:
    client = desk.add("portal")
    end = desk.clock() + 100
    new = Secret(secret_digest(PEPPER, "portal", "new"))
    desk.change(client, secrets=(new, replace(client.secrets[0], expires_at=end)))
    desk.authentication.authenticate(basic("portal", "new"))
    desk.authentication.authenticate(basic("portal", SECRET))
    desk.clock.advance(100)
    desk.authentication.authenticate(basic("portal", "new"))
    assert desk.reason(basic("portal", SECRET)) == "expired_secret"


@pytest.mark.attack("E17")
def test_E17_guessing_is_throttled_by_client_and_source(desk: Desk) -> None:
    client = desk.add("portal")
    answers: list[int] = []
    start = threading.Barrier(8)

    def guess() -> None:
        start.wait(5)
        for _ in range(10):
            try:
                desk.authentication.authenticate(basic("portal", "guess"))
            except OAuthError as error:
                answers.append(error.status)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(answers) == 80
    assert 20 <= answers.count(401) <= 30
    with pytest.raises(OAuthError) as caught:
        desk.authentication.authenticate(basic("portal", SECRET))
    assert caught.value.status == 429
    assert caught.value.headers["Retry-After"] == "60"
    elsewhere = replace(basic("portal", SECRET), peer="198.51.100.1")
    assert desk.authentication.authenticate(elsewhere) == client
    desk.clock.advance(60)
    assert desk.authentication.authenticate(basic("portal", SECRET)) == client


@pytest.mark.attack("E18")
@pytest.mark.parametrize(
    "name", ["x-client-cert", "x-ssl-client-cert", "x-forwarded-tls-client-cert", "client-cert"]
)
def test_E18_a_certificate_in_a_header_is_nothing(desk: Desk, name: str) -> None:
    add_bank(desk)
    request = replace(post(client_id="bank"), headers={name: "MIIB"}, certificate=b"der")
    desk.reason(request)


def test_refusals_are_in_the_audit_log_without_unknown_ids(desk: Desk) -> None:
    desk.add("portal")
    desk.reason(basic("portal", "wrong"))
    desk.reason(basic("my-password-by-mistake", "wrong"))
    known, unknown = tail(desk.database, 2)
    assert known["event"] == unknown["event"] == "ClientAuthenticationFailed"
    assert known["client_id"] == "portal"
    assert known["reason"] == "wrong_secret"
    assert "client_id" not in unknown


# private_key_jwt


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/token", [ISSUER]])
def test_an_assertion_authenticates(desk: Desk, audience: Any) -> None:
    client = add_bank(desk)
    request = assertion(signed(claims(desk.clock(), aud=audience)), client_id="bank")
    assert desk.authentication.authenticate(request) == client


def test_an_assertion_works_once(desk: Desk) -> None:
    add_bank(desk)
    request = assertion(signed(claims(desk.clock())))
    desk.authentication.authenticate(request)
    assert desk.reason(request) == "assertion_replayed"


def test_an_assertion_works_once_also_after_the_transient_store_lost_everything(
    desk: Desk, transient: MemoryStore
) -> None:
    add_bank(desk)
    request = assertion(signed(claims(desk.clock())))
    desk.authentication.authenticate(request)
    transient.close()
    assert desk.reason(request) == "assertion_replayed"


def test_fifty_at_once_use_one_assertion_once(desk: Desk, transient: MemoryStore) -> None:
    desk = patient(desk, transient)
    add_bank(desk)
    request = assertion(signed(claims(desk.clock())))
    start, answers = threading.Barrier(50), list[str]()

    def use() -> None:
        start.wait(10)
        try:
            answers.append(desk.authentication.authenticate(request).client_id)
        except OAuthError as error:
            answers.append(error.reason)

    threads = [threading.Thread(target=use) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(answers) == ["assertion_replayed"] * 49 + ["bank"]


@pytest.mark.attack("E08")
@pytest.mark.parametrize(
    "audience",
    ["https://evil.example", [ISSUER, "https://evil.example"], f"{ISSUER}/par", [], None, 5, {}],
)
def test_E08_an_assertion_for_others_is_refused(desk: Desk, audience: Any) -> None:
    add_bank(desk)
    desk.reason(assertion(signed(claims(desk.clock(), aud=audience))))


@pytest.mark.attack("E08")
@pytest.mark.parametrize("audience", [f"{ISSUER}/token", [ISSUER], f"{ISSUER}/"])
def test_E08_fapi_clients_name_the_issuer_as_a_string(desk: Desk, audience: Any) -> None:
    client = add_bank(desk, profile="fapi2-security")
    desk.reason(assertion(signed(claims(desk.clock(), aud=audience))))
    good = assertion(signed(claims(desk.clock(), jti="2")))
    assert desk.authentication.authenticate(good) == client


@pytest.mark.attack("E09")
@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"exp": -1}, True),  # within the leeway
        ({"exp": -11}, False),
        ({"exp": -300}, False),
        ({"exp": MAX_LIFE}, True),
        ({"exp": MAX_LIFE + 60}, False),
        ({"iat": 8}, True),
        ({"nbf": 8}, True),
        ({"iat": 61}, False),
        ({"nbf": 61}, False),
    ],
)
def test_E09_times(desk: Desk, changes: dict[str, int], good: bool) -> None:
    client, now = add_bank(desk), desk.clock()
    moved = {name: now + offset for name, offset in changes.items()}
    request = assertion(signed(claims(now, **moved)))
    if good:
        assert desk.authentication.authenticate(request) == client
    else:
        desk.reason(request)


@pytest.mark.attack("E09")
@pytest.mark.parametrize(("exp", "good"), [(MAX_LIFE, True), (MAX_LIFE + 60, False)])
@pytest.mark.parametrize("profile", [each for each in PROFILES if each != "baseline"])
def test_E09_a_fapi_clients_assertion_ends_within_five_minutes(
    desk: Desk, profile: str, exp: int, good: bool
) -> None:
    client, now = add_bank(desk), desk.clock()
    desk.change(client, profile=PROFILES[profile])
    request = assertion(signed(claims(now, exp=now + exp)))
    if good:
        assert desk.authentication.authenticate(request).client_id == "bank"
    else:
        assert desk.reason(request) == "assertion_lives_too_long"


@pytest.mark.attack("E09")
def test_E09_without_iat_an_assertion_ends_within_five_minutes(desk: Desk) -> None:
    client, now = add_bank(desk), desk.clock()
    far = claims(now, iat=None, exp=now + MAX_LIFE + 60)
    assert desk.reason(assertion(signed(far))) == "assertion_lives_too_long"
    near = claims(now, iat=None, exp=now + MAX_LIFE)
    assert desk.authentication.authenticate(assertion(signed(near))) == client


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"exp": 3_600}, True),  # Authlib's; it ends five minutes after its iat here
        ({"exp": 3_660}, False),
        ({"exp": 600, "iat": -MAX_LIFE - 9}, True),
        ({"exp": 600, "iat": -MAX_LIFE - 11}, False),
        ({"exp": 600, "iat": None}, False),
    ],
)
def test_a_client_may_register_that_its_library_s_assertions_say_an_hour(
    desk: Desk, changes: dict[str, int | None], good: bool
) -> None:
    client, now = add_bank(desk), desk.clock()
    desk.change(client, client_assertion_max_seconds=3_600)
    times = {name: each if each is None else now + each for name, each in changes.items()}
    request = assertion(signed(claims(now, **times)))
    if good:
        assert desk.authentication.authenticate(request).client_id == "bank"
    else:
        desk.reason(request)


@pytest.mark.parametrize("seconds", [0, 60, MAX_LIFE - 1, MAX_LIFE, MAX_LIFE + 11, 3_599])
def test_an_assertion_that_says_an_hour_works_once_in_that_hour(desk: Desk, seconds: int) -> None:
    client, now = add_bank(desk), desk.clock()
    desk.change(client, client_assertion_max_seconds=3_600)
    request = assertion(signed(claims(now, exp=now + 3_600)))
    assert desk.authentication.authenticate(request).client_id == client.client_id
    desk.clock.advance(seconds)
    expected = "assertion_replayed" if seconds <= MAX_LIFE else "assertion_expired"
    assert desk.reason(request) == expected


@pytest.mark.attack("E09")
@pytest.mark.parametrize("missing", ["exp", "jti", "sub", "iss"])
def test_E09_missing_claims(desk: Desk, missing: str) -> None:
    add_bank(desk)
    desk.reason(assertion(signed(claims(desk.clock(), **{missing: None}))))
    desk.reason(assertion(signed(claims(desk.clock(), sub="portal"))))


@pytest.mark.attack("E10")
def test_E10_other_keys(desk: Desk) -> None:
    add_bank(desk)
    desk.reason(assertion(signed(claims(desk.clock()), OTHER_KEY)))
    for number in range(5):
        unknown = signed(claims(desk.clock()), kid=f"unknown-{number}")
        assert desk.reason(assertion(unknown)) == "assertion_unknown_key"


@pytest.mark.attack("E10")
def test_E10_keys_at_a_uri_are_fetched_once_whatever_key_is_named(
    desk: Desk, transient: MemoryStore
) -> None:
    desk = patient(desk, transient)
    with hostile(None) as server:
        server.answer(ok(json.dumps(jwks()).encode()))
        uri = server.url("/jwks", scheme="http")
        client = add_bank(desk, jwks=None, jwks_uri=uri, token_endpoint_auth_signing_alg="ES256")
        another = signed(claims(desk.clock()), RSA_KEY, "RS256", kid="unknown")
        assert desk.reason(assertion(another)) == "assertion_algorithm"
        assert server.connections == 0
        for number in range(1_000):
            invented = signed(claims(desk.clock()), OTHER_KEY, kid=f"unknown-{number}")
            assert desk.reason(assertion(invented)) == "assertion_unknown_key"
        assert desk.authentication.authenticate(assertion(signed(claims(desk.clock())))) == client
        assert server.connections == 1
        rotated_to = {"keys": [Jwk("k2", OTHER_KEY.public_key()).export()]}
        server.answer(ok(json.dumps(rotated_to).encode()))
        desk.clock.advance(60)
        rotated = signed(claims(desk.clock(), jti="2"), OTHER_KEY, kid="k2")
        assert desk.authentication.authenticate(assertion(rotated)) == client
        old = signed(claims(desk.clock(), jti="3"))
        assert desk.reason(assertion(old)) == "assertion_unknown_key"
        assert server.connections == 2


@pytest.mark.attack("E11")
def test_E11_other_algorithms(desk: Desk) -> None:
    add_bank(desk, token_endpoint_auth_signing_alg="ES256")
    for alg in ("none", "None", "nOnE", "HS256", "RS256"):
        relabelled = sign_jwt(
            LocalSigner("k1", "ES256", KEY), claims(desk.clock()), headers={"alg": alg}
        )
        assert desk.reason(assertion(relabelled)) == "assertion_algorithm"


@pytest.mark.attack("E11")
def test_E11_only_the_registered_algorithm(desk: Desk) -> None:
    add_bank(desk, jwks=jwks(RSA_KEY), token_endpoint_auth_signing_alg="PS256")
    wrong = signed(claims(desk.clock()), RSA_KEY, "RS256")
    assert desk.reason(assertion(wrong)) == "assertion_algorithm"
    desk.authentication.authenticate(assertion(signed(claims(desk.clock()), RSA_KEY, "PS256")))


@pytest.mark.attack("E13")
@pytest.mark.parametrize("headers", [{"crit": ["x"]}, {"crit": []}, {"b64": False}])
def test_E13_headers_that_change_the_reading(desk: Desk, headers: dict[str, Any]) -> None:
    add_bank(desk)
    assert desk.reason(assertion(signed(claims(desk.clock()), **headers))) == "assertion_header"


@pytest.mark.attack("E14")
def test_E14_an_assertion_for_days_leaves_no_memory(desk: Desk, transient: MemoryStore) -> None:
    add_bank(desk)
    before = len(transient.records)
    for number in range(5):
        far = claims(desk.clock(), exp=desk.clock() + 48 * 3600, jti=str(number))
        assert desk.reason(assertion(signed(far))) == "assertion_lives_too_long"
    assert len(transient.records) == before + 1  # the counter of failures


@pytest.mark.attack("E15")
@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "oauth-authz-req+jwt", "dpop+jwt"])
def test_E15_other_tokens_are_no_assertions(desk: Desk, typ: str) -> None:
    add_bank(desk)
    other = sign_jwt(LocalSigner("k1", "ES256", KEY), claims(desk.clock()), typ=typ)
    assert desk.reason(assertion(other)) == "assertion_typ"


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "é.x.y"])
def test_garbage_is_no_assertion(desk: Desk, text: str) -> None:
    add_bank(desk)
    with pytest.raises(OAuthError):
        desk.authentication.authenticate(assertion(text, client_id="bank"))

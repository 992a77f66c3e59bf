"""Rows that need a clock, limits of their own, or two providers: shown at the handlers."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from idp.accounts.model import Lock
from idp.authn.otp.authenticator import Otp
from idp.authn.otp.settings import OtpSettings
from idp.authn.otp.views import routes as otp_routes
from idp.core.clock import FixedClock
from idp.core.person import CivilStatus
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.login.errors import Notice
from idp.login.requirement import Requirement
from idp.login.settings import LoginSettings
from idp.login.throttle import Limit
from idp.login.ticket import Ticket, TicketRefused
from idp.login.views import routes as login_routes
from idp.notify.background import BackgroundSender
from idp.notify.settings import SmsSettings
from idp.notify.sms import SmsGateway
from idp.oidc.authorization.kept import keep
from idp.standing.subjects import Subject
from idp.storage.database import Database, metadata, open_database
from idp.storage.memory import MemoryStore
from tests import world as desk_world
from tests.oidc import world as provider_world
from tests.oidc.world import INVALID_GRANT, form_post, refused
from tests.service import LocalService, serve
from tests.world import Browser


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url)
    with opened.begin() as connection:
        metadata.create_all(connection)
    yield opened
    opened.close()


@pytest.fixture
def desk(tmp_path: Path, database: Database, clock: FixedClock) -> desk_world.World:
    return desk_world.build(tmp_path, database, clock)


@pytest.fixture(scope="session")
def key_directories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Keys of two environments."""
    found = tmp_path_factory.mktemp("production"), tmp_path_factory.mktemp("test")
    for each in found:
        each.chmod(0o700)
        rotate(each, 1_800_000_000, Policy(algs=("ES256",)))
    return found


@pytest.fixture
def provider(
    key_directories: tuple[Path, Path], database: Database, clock: FixedClock
) -> provider_world.World:
    keys = KeyStore(key_directories[0])
    return provider_world.build(database, MemoryStore(clock), clock, keys)


def limited(desk: desk_world.World, **limits: int) -> dict[str, object]:
    """The desk's routes with other limits of the one-time code."""
    otp = replace(desk.otp, settings=replace(OtpSettings(), **limits))
    return with_otp(desk, otp)


def with_otp(desk: desk_world.World, otp: Otp) -> dict[str, object]:
    login = desk.login
    return desk.routes | login_routes(login.desk, login.proofs, {"otp": otp}) | otp_routes(otp)


def asked(desk: desk_world.World, routes: dict[str, object], number: int, peer: str) -> int:
    browser = Browser(routes, desk.failures, peer)
    form = {"id_number": f"000199{number:06}", "method": "otp"}
    return browser.submit(desk.begin(browser), **form).status


@pytest.mark.attack("L04")
def test_L04_one_guess_on_each_of_many_citizens_is_slowed_down(desk: desk_world.World) -> None:
    routes = limited(desk, per_address=20, per_client=60)
    one_source = [asked(desk, routes, n, "198.51.100.1") for n in range(30)]
    assert one_source == [303] * 20 + [429] * 10
    many = [asked(desk, routes, 100 + n, f"203.0.113.{n}") for n in range(60)]
    assert many == [303] * 30 + [429] * 30  # the relying party's logins, wherever they come from
    desk.clock.advance(15 * 60)
    assert asked(desk, routes, 1, "198.51.100.1") == 303


@pytest.mark.attack("P06")
def test_P06_a_login_that_is_refused_takes_no_room(desk: desk_world.World) -> None:
    limited = replace(desk.desk, settings=replace(LoginSettings(), starts=Limit("starts", 3)))
    request = Browser(desk.routes, desk.failures).request("GET", "/authorize")

    def begin() -> int:
        try:
            limited.begin(
                request, client_id="x", requirement=Requirement(), return_path="/", payload={}
            )
        except Notice as refusal:
            return refusal.status
        return 200

    assert [begin() for _ in range(10)] == [200] * 3 + [429] * 7
    kept = [key for key in desk.store.records if not key.startswith("throttle:")]
    assert len(kept) == 3


@pytest.mark.attack("P06")
def test_P06_a_posted_request_that_is_refused_is_not_kept(
    provider: provider_world.World,
) -> None:
    settings = replace(LoginSettings(), starts=Limit("starts", 3))
    desk = replace(provider.services.desk, settings=settings)
    services = replace(provider.services, desk=desk)
    request = form_post("/authorize", {"state": "x" * 60_000}, {})

    def post() -> int:
        try:
            return keep(services, request, request.form).status
        except Notice as refusal:
            return refusal.status

    assert [post() for _ in range(10)] == [303] * 3 + [429] * 7
    store = provider.transient
    assert isinstance(store, MemoryStore)
    assert len([key for key in store.records if key.startswith("kept:")]) == 3


@pytest.mark.attack("L13")
def test_L13_after_a_gateways_silence_only_the_newest_code_is_good(
    desk: desk_world.World, tmp_path: Path
) -> None:
    desk.citizen()
    with serve(tmp_path, lambda asked: (200, {})) as gateway:
        gateway.delay = 0.6  # it takes the text, and answers too late
        sms = SmsGateway(SmsSettings(gateway.settings(timeout=0.2), "token", "VNEID"))
        sender = BackgroundSender(sms)
        otp = replace(desk.otp, sender=sender)
        routes = (
            desk.routes | login_routes(desk.desk, desk.login.proofs, {"otp": otp}) | otp_routes(otp)
        )
        browser = Browser(routes, desk.failures)
        sent = browser.submit(desk.begin(browser), id_number=desk_world.NUMBER, method="otp")
        page = browser.get(sent.headers["Location"])
        old = _code(gateway, 1)
        assert browser.submit(page, action="resend").status == 303
        new = _code(gateway, 2)
        assert browser.submit(page, action="verify", otp=old).status == 422
        assert browser.submit(page, action="verify", otp=new).status == 303
        sender.close()


def _code(gateway: LocalService, texts: int) -> str:
    deadline = time.monotonic() + 5
    while len(gateway.asked) < texts and time.monotonic() < deadline:
        time.sleep(0.01)
    return str(gateway.asked[texts - 1].value["text"]).rpartition("#")[2]


@pytest.mark.attack("L15")
def test_L15_a_number_that_only_the_registry_has_gets_no_code(desk: desk_world.World) -> None:
    """A phone counts once it is the account's; what a registry says of it changes nothing."""
    account = desk.citizen()
    desk.citizen("000199000002", phone="+84900000009")
    person = desk.login.proofs.registry.person(account.number)
    assert person
    desk.registry.write([desk_world.Record(replace(person, phone="+84988888888"))])
    browser = desk.browser()
    browser.submit(desk.begin(browser), id_number=account.number.digits, method="otp")
    desk.otp.sender.close()
    (text,) = desk_world.inbox(desk.inbox)
    assert text.phone == "+84912345678"


@pytest.mark.attack("D10")
@pytest.mark.attack("H18")
@pytest.mark.parametrize(
    "end",
    [
        lambda world: world.accounts.set_lock(world.account.id, Lock.CARD_REVOKED),
        lambda world: world.accounts.set_lock(world.account.id, Lock.AUTHORITY),
        lambda world: world.registry.set_status(world.account.number, CivilStatus.DECEASED),
        lambda world: world.services.revocations.revoke(
            Subject("account", world.account.id), expires_at=world.clock() + 86_400
        ),
    ],
    ids=["card revoked", "locked by an authority", "deceased", "sessions ended"],
)
def test_D10_H18_what_a_citizen_no_longer_may_their_tokens_no_longer_may(
    provider: provider_world.World, end: Callable[[provider_world.World], None]
) -> None:
    code, tokens = provider.code(), provider.tokens()
    assert provider.alive(tokens) == (True, True)
    provider.clock.advance(1)
    end(provider)
    assert refused(provider.redeem(code)) == INVALID_GRANT
    assert provider.alive(tokens) == (False, False)
    assert refused(provider.refresh(tokens["refresh_token"])) == INVALID_GRANT


@pytest.mark.attack("O10")
def test_O10_nothing_of_one_environment_is_good_in_another(
    provider: provider_world.World,
    key_directories: tuple[Path, Path],
    clock: FixedClock,
    tmp_path: Path,
) -> None:
    """Same issuer name, same clients and people; other keys, secrets and stores."""
    database = open_database(f"sqlite:///{tmp_path}/other.db")
    with database.begin() as connection:
        metadata.create_all(connection)
    keys = KeyStore(key_directories[1])
    other = provider_world.build(database, MemoryStore(clock), clock, keys)
    jwt_client = provider.add_client("jwt", access_token_format="jwt")
    for client in (provider.client, jwt_client):
        tokens = provider.tokens(client)
        assert provider.userinfo(tokens["access_token"]).status == 200
        assert other.userinfo(tokens["access_token"]).status == 401
    assert refused(other.redeem(provider.code())) == INVALID_GRANT
    ticket = Ticket.issue(provider.services.desk.key, "browser", client_id="portal", now=clock())
    with pytest.raises(TicketRefused):
        Ticket.open(other.services.desk.key, "browser", ticket.text, now=clock(), ttl=60)
    subjects = {each.services.subjects.sub(provider.client, "x") for each in (provider, other)}
    assert len(subjects) == 2
    database.close()


def same_time(one: Callable[[], object], other: Callable[[], object], *, times: int = 150) -> None:
    """Both take as long as each other, as far as a busy machine can tell: taken turn by turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for call, into in zip((one, other), taken, strict=True):
            before = time.perf_counter()
            call()
            into.append(time.perf_counter() - before)
    first, second = map(statistics.median, taken)
    assert 0.6 < first / second < 1.67, (first, second)


@pytest.mark.attack("Q09")
@pytest.mark.attack("E02")
def test_Q09_E02_a_wrong_secret_and_an_unknown_client_take_alike(
    provider: provider_world.World,
) -> None:
    def ask(client_id: str, counter: SimpleNamespace) -> None:
        counter.n += 1
        headers = {"authorization": provider_world.basic(client_id, "wrong")}
        request = form_post("/token", {"grant_type": "x"}, headers)
        peer = f"198.18.{counter.n // 250}.{counter.n % 250}"
        assert provider.call("/token", replace(request, peer=peer)).status == 401

    one, two = SimpleNamespace(n=0), SimpleNamespace(n=0)
    same_time(lambda: ask("portal", one), lambda: ask("nobody", two))


@pytest.mark.attack("Q09")
@pytest.mark.attack("L10")
def test_Q09_L10_a_known_and_an_unknown_citizen_take_alike(desk: desk_world.World) -> None:
    desk.citizen()
    routes = limited(desk, max_sends=10_000, max_sends_a_day=10_000, per_address=10_000)

    def ask(number: str) -> None:
        browser = Browser(routes, desk.failures)
        page = desk.begin(browser)
        asked = browser.submit(page, id_number=number, method="otp")
        again = browser.get(asked.headers["Location"])
        assert browser.submit(again, otp="000000", action="verify").status == 422

    same_time(lambda: ask(desk_world.NUMBER), lambda: ask("000199999999"), times=60)


@pytest.mark.attack("Q09")
def test_Q09_an_unknown_and_a_foreign_refresh_token_take_alike(
    provider: provider_world.World,
) -> None:
    token = provider.tokens(provider.other)["refresh_token"]
    same_time(
        lambda: provider.refresh("A" * len(token)), lambda: provider.refresh(token), times=120
    )

"""The client configuration endpoint: clients read, change and delete themselves, and no other."""

import threading
from typing import Any

import pytest

from idp.oidc.clients.model import ClientStatus
from idp.oidc.clients.repository import ClientCache
from idp.oidc.registration.repository import Registrations
from idp.oidc.settings import RegistrationSettings
from idp.storage.processes import Refresher
from tests.oidc.registration.conftest import CALLBACK, METADATA, TOKEN, Registrar, serving
from tests.oidc.world import VERIFIER, body, refused

UNAUTHORIZED = (401, "invalid_token")


def test_a_client_reads_what_it_registered(registrar: Registrar) -> None:
    registered = registrar.register(policy_uri="https://library.example.vn/policy")
    read = body(registrar.call("GET", registered))
    secret = {"client_secret", "client_secret_expires_at"}
    assert read == {name: each for name, each in registered.items() if name not in secret}


def test_a_wrong_token_and_an_unknown_client_are_told_alike(registrar: Registrar) -> None:
    mine, other = registrar.register(), registrar.register()
    answers = [
        registrar.call(method, {"client_id": client_id}, {}, token)
        for method in ("GET", "PUT", "DELETE")
        for client_id, token in (
            (mine["client_id"], other["registration_access_token"]),
            (mine["client_id"], "guessed"),
            ("nobody", "guessed"),
            ("portal", "guessed"),
        )
    ]
    assert all(refused(each) == UNAUTHORIZED for each in answers)
    assert len({(each.body, str(each.headers)) for each in answers}) == 1
    assert "Bearer" in answers[0].headers["WWW-Authenticate"]
    assert refused(registrar.call("GET", mine, token="")) == UNAUTHORIZED
    assert registrar.call("GET", mine).status == 200


def test_a_change_replaces_everything_and_gives_a_new_token(registrar: Registrar) -> None:
    registered = registrar.register(contacts=["admin@library.example.vn"], default_max_age=60)
    changed = body(registrar.change(registered, client_name="Thư viện số"))
    assert changed["client_name"] == "Thư viện số"
    assert changed["client_id"] == registered["client_id"]
    assert changed["client_id_issued_at"] == registered["client_id_issued_at"]
    assert changed["client_secret"] == registered["client_secret"]
    assert "contacts" not in changed
    assert "default_max_age" not in changed
    assert refused(registrar.call("GET", registered)) == UNAUTHORIZED
    assert refused(registrar.change(registered)) == UNAUTHORIZED
    assert body(registrar.call("GET", changed))["client_name"] == "Thư viện số"
    cached = registrar.world.services.clients.get(registered["client_id"])
    assert cached is not None
    assert cached.client_name.vi == "Thư viện số"
    assert registrar.world.audited(2)[-1]["event"] == "RegistrationRefused"


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": "portal"}, "invalid_client_metadata"),
        ({"client_secret": "another"}, "invalid_client_metadata"),
        ({"client_secret": 1}, "invalid_client_metadata"),
        ({"registration_access_token": "chosen"}, "invalid_request"),
        ({"registration_client_uri": "https://evil.example/"}, "invalid_request"),
        ({"client_secret_expires_at": 0}, "invalid_request"),
        ({"client_id_issued_at": 0}, "invalid_request"),
        ({"redirect_uris": ["https://library.example.vn/cb#x"]}, "invalid_redirect_uri"),
        ({"initiate_login_uri": "http://library.example.vn/"}, "invalid_client_metadata"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    registrar: Registrar, members: dict[str, Any], error: str
) -> None:
    registered = registrar.register()
    assert refused(registrar.change(registered, **members)) == (400, error)
    read = body(registrar.call("GET", registered))
    assert read.items() <= registered.items()


def test_a_change_need_not_show_the_secret(registrar: Registrar) -> None:
    registered = registrar.register()
    changed = body(registrar.change(registered, client_secret=None))
    assert "client_secret" not in changed
    found = registrar.world.clients.get(registered["client_id"])
    assert found is not None
    assert len(found.secrets) == 1


def test_another_method_takes_the_secret_or_gives_one(registrar: Registrar) -> None:
    registered = registrar.register()
    public = body(registrar.change(registered, token_endpoint_auth_method="none"))
    assert "client_secret" not in public
    found = registrar.world.clients.get(registered["client_id"])
    assert found is not None
    assert found.secrets == ()
    back = body(registrar.change(public))
    assert back["client_secret"] not in {None, registered["client_secret"]}


@pytest.mark.attack("N07")
def test_N07_a_change_goes_no_further_than_the_registration(registrar: Registrar) -> None:
    registrar.under(RegistrationSettings("token"))
    registrar.invite(scope=("openid", "phone"))
    registered = registrar.register(TOKEN)
    changed = body(registrar.change(registered, scope="openid phone pid profile"))
    assert changed["scope"] == "openid phone"
    response = registrar.change(changed, grant_types=["client_credentials"])
    assert refused(response) == (400, "invalid_client_metadata")


@pytest.mark.attack("N11")
def test_N11_what_was_approved_is_looked_at_again_when_it_changes(registrar: Registrar) -> None:
    registrar.under(RegistrationSettings("token"))
    registrar.invite()
    registered = registrar.register(TOKEN)
    found = registrar.world.clients.get(registered["client_id"])
    assert found is not None
    registrar.world.change_client(found, status=ClientStatus.ACTIVE)
    kept = body(registrar.change(registered, contacts=["admin@library.example.vn"]))
    assert "status" not in kept
    renamed = body(registrar.change(kept, client_name="Bộ Công an"))
    assert renamed["status"] == "disabled"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_registration_token_of_a_client_that_the_operator_disabled_opens_nothing(
    registrar: Registrar, method: str
) -> None:
    registered = registrar.register()
    found = registrar.world.clients.get(registered["client_id"])
    assert found is not None
    disabled = registrar.world.change_client(found, status=ClientStatus.DISABLED)
    if method == "PUT":
        assert refused(registrar.change(registered)) == UNAUTHORIZED
    else:
        assert refused(registrar.call(method, registered)) == UNAUTHORIZED
    assert registrar.world.clients.get(disabled.client_id) == disabled
    registrar.world.change_client(found, status=ClientStatus.ACTIVE)
    assert registrar.call("GET", registered).status == 200


def test_a_client_that_waits_for_the_operator_reads_that_it_does_until_the_operator_decides(
    registrar: Registrar,
) -> None:
    registrar.under(RegistrationSettings("token"))
    registrar.invite()
    registered = registrar.register(TOKEN)
    assert body(registrar.call("GET", registered))["status"] == "disabled"
    Registrations(registrar.world.database, registrar.world.clock).decide(registered["client_id"])
    assert refused(registrar.call("GET", registered)) == UNAUTHORIZED


@pytest.mark.attack("N10")
def test_N10_a_sector_is_asked_again_at_every_change(registrar: Registrar) -> None:
    documents: dict[str, Any] = {"/sector": [CALLBACK]}
    with serving(documents) as base:
        sector = {"sector_identifier_uri": f"{base}/sector"}
        registered = registrar.register(**sector)
        evil = {**sector, "redirect_uris": ["https://evil.example/cb"]}
        assert refused(registrar.change(registered, **evil)) == (400, "invalid_client_metadata")
        documents["/sector"] = []
        assert refused(registrar.change(registered, **sector)) == (400, "invalid_client_metadata")
    assert body(registrar.call("GET", registered))["redirect_uris"] == [CALLBACK]


def test_a_deleted_client_is_gone_with_all_that_it_was_given(registrar: Registrar) -> None:
    registered = registrar.register(
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method="client_secret_post",
    )
    client = registrar.world.clients.get(registered["client_id"])
    assert client is not None
    code = registrar.world.code(registrar.world.authorization(client))
    credentials = {name: registered[name] for name in ("client_id", "client_secret")}
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    world = registrar.world
    tokens = body(world.post("/token", **form, **credentials, code_verifier=VERIFIER))
    assert world.userinfo(tokens["access_token"]).status == 200
    assert registrar.call("DELETE", registered).status == 204
    assert world.userinfo(tokens["access_token"]).status == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert refused(world.post("/token", **refresh, **credentials)) == (401, "invalid_client")
    assert refused(registrar.call("GET", registered)) == UNAUTHORIZED
    assert refused(registrar.call("DELETE", registered)) == UNAUTHORIZED
    assert registrar.records.get(registered["client_id"]) is None
    assert world.clients.get(registered["client_id"]) is None


@pytest.mark.parametrize("how", ["PUT", "DELETE"])
def test_what_a_client_ends_has_ended_on_every_process_when_the_answer_comes(
    registrar: Registrar, how: str
) -> None:
    world, elsewhere = registrar.world, ClientCache(registrar.world.database)
    process = Refresher(world.services.transient, (elsewhere.refresh,), tick=0.05)
    process.start()
    try:
        for _ in range(3):
            registered = registrar.register()
            client_id = registered["client_id"]
            process.tick()
            assert elsewhere.get(client_id) is not None
            if how == "DELETE":
                assert registrar.call("DELETE", registered).status == 204
                assert elsewhere.get(client_id) is None
            else:
                assert registrar.change(registered, client_name="Khác").status == 200
                changed = elsewhere.get(client_id)
                assert changed is not None
                assert changed.client_name.vi == "Khác"
    finally:
        process.close()


def test_of_two_changes_at_once_one_wins(registrar: Registrar) -> None:
    registered = registrar.register()
    start, statuses = threading.Barrier(6), []

    def change(number: int) -> None:
        start.wait(10)
        statuses.append(registrar.change(registered, client_name=f"Name {number}").status)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200] + [401] * 5


def test_a_client_of_the_operator_has_no_token(registrar: Registrar) -> None:
    assert refused(registrar.call("GET", {"client_id": "portal"}, token="")) == UNAUTHORIZED
    assert refused(registrar.call("GET", {"client_id": "portal"}, METADATA, "x")) == UNAUTHORIZED

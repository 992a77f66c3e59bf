"""docs/verify: the kit of every language says the same of every token."""

from collections.abc import Iterator

import pytest

from tests.verify.cases import CLIENT_ID, ID_TOKENS, ISSUER, LOGOUT_TOKENS, Case
from tests.verify.languages import LANGUAGES, Ask, program
from tests.verify.tokens import Issuer, KeyServer, new_signer, public_jwk, serve_keys


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def issuer(request: pytest.FixtureRequest) -> Issuer:
    """A provider's keys, for a client that registered this algorithm."""
    return Issuer.of(request.param)


@pytest.fixture
def keys(issuer: Issuer) -> Iterator[KeyServer]:
    """Where its public keys are."""
    with serve_keys(issuer.jwks) as served:
        yield served


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> list[str]:
    """The command of one language's program."""
    return LANGUAGES[request.param]()


@pytest.fixture
def ask(language: list[str], issuer: Issuer, keys: KeyServer) -> Iterator[Ask]:
    """The program, which fetches keys for an unknown kid once in half a minute."""
    settings = {"issuer": ISSUER, "client_id": CLIENT_ID, "jwks_uri": keys.uri, "alg": issuer.alg}
    with program(language, {**settings, "refetch_after": 30}) as asked:
        yield asked


@pytest.fixture
def eager(language: list[str], issuer: Issuer, keys: KeyServer) -> Iterator[Ask]:
    """The program, without a pause between two fetches."""
    settings = {"issuer": ISSUER, "client_id": CLIENT_ID, "jwks_uri": keys.uri, "alg": issuer.alg}
    with program(language, {**settings, "refetch_after": 0}) as asked:
        yield asked


def test_every_id_token_of_the_table(ask: Ask, issuer: Issuer) -> None:
    said = {case.name: ask(issuer.id_token(case)).get("refused", "") for case in ID_TOKENS}
    assert said == {case.name: case.reason for case in ID_TOKENS}


def test_every_logout_token_of_the_table(ask: Ask, issuer: Issuer) -> None:
    said = {}
    for case in LOGOUT_TOKENS:
        question = issuer.logout_token(case)
        if case.again:
            assert "claims" in ask(question)
        said[case.name] = ask(question).get("refused", "")
    assert said == {case.name: case.reason for case in LOGOUT_TOKENS}


def test_the_claims_are_what_was_signed(ask: Ask, issuer: Issuer) -> None:
    claims = ask(issuer.id_token(Case("good")))["claims"]
    assert (claims["iss"], claims["sub"], claims["sid"]) == (ISSUER, "248289761001", "08a5019c")
    claims = ask(issuer.logout_token(Case("good")))["claims"]
    assert (claims["sub"], claims["sid"]) == ("248289761001", "08a5019c")


def test_an_id_token_is_no_logout_token_nor_the_other_way_round(ask: Ask, issuer: Issuer) -> None:
    id_token, logout_token = issuer.id_token(Case("good")), issuer.logout_token(Case("good"))
    assert ask({"logout_token": id_token["id_token"]}) == {"refused": "typ"}
    assert ask({**id_token, "id_token": logout_token["logout_token"]}) == {"refused": "typ"}


def test_a_new_key_is_fetched_once_it_is_met(eager: Ask, issuer: Issuer, keys: KeyServer) -> None:
    assert "claims" in eager(issuer.id_token(Case("good")))
    fetched = keys.fetched
    new = new_signer("2027-3", issuer.alg)
    keys.jwks = {"keys": [public_jwk(new), *issuer.jwks["keys"]]}
    rotated = Issuer(issuer.alg, new, issuer.other, issuer.stranger)
    assert "claims" in eager(rotated.id_token(Case("good")))
    assert keys.fetched == fetched + 1
    assert "claims" in eager(issuer.id_token(Case("the key before is still published")))
    assert keys.fetched == fetched + 1


def test_unknown_kids_do_not_make_it_fetch_again_and_again(
    ask: Ask, issuer: Issuer, keys: KeyServer
) -> None:
    for _ in range(20):
        assert ask(issuer.id_token(Case("foreign", key="foreign"))) == {"refused": "kid"}
    assert "claims" in ask(issuer.id_token(Case("good")))
    assert keys.fetched <= 2

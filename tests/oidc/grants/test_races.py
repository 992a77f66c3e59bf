"""Many requests at once, over a real Valkey: one wins, the others get the right refusal."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from idp.login.session import session_key
from idp.standing.subjects import Subject
from idp.web.http import Response
from tests.oidc.world import INVALID_GRANT, World, body, refused

CALLERS = 50


def at_once(call: Callable[[int], Response], callers: int = CALLERS) -> list[Response]:
    """The answers of ``callers`` calls that start together; a call that raises fails the test."""
    start = threading.Barrier(callers)
    answers: list[Response | BaseException] = []

    def run(number: int) -> None:
        start.wait(20)
        try:
            answers.append(call(number))
        except BaseException as error:
            answers.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    failed = [each for each in answers if not isinstance(each, Response)]
    assert not failed, failed[0]
    assert len(answers) == callers
    return [each for each in answers if isinstance(each, Response)]


def one_won(answers: list[Response]) -> Response:
    (won,) = (each for each in answers if each.status == 200)
    others = Counter(refused(each) for each in answers if each is not won)
    assert set(others) == {INVALID_GRANT}
    return won


def test_fifty_redemptions_of_one_code(redis_world: World) -> None:
    world = redis_world
    code = world.code()
    won = one_won(at_once(lambda _: world.redeem(code)))
    # As if they had come one after the other: the second use ended what the first one gave.
    assert world.alive(body(won)) == (False, False)


def test_fifty_uses_of_one_refresh_token(redis_world: World) -> None:
    world = redis_world
    token = world.tokens()["refresh_token"]
    won = body(one_won(at_once(lambda _: world.refresh(token))))
    assert world.alive(won) == (True, True)
    assert world.refresh(won["refresh_token"]).status == 200


@pytest.mark.attack("F14")
def test_F14_fifty_retries_of_a_lost_answer_stay_one_branch(redis_world: World) -> None:
    world = redis_world
    token = world.tokens()["refresh_token"]
    lost = body(world.refresh(token))
    world.clock.advance(5)
    answers = at_once(lambda _: world.refresh(token))
    assert {each.status for each in answers} == {200}
    assert {body(each)["refresh_token"] for each in answers} == {lost["refresh_token"]}
    one_won(at_once(lambda _: world.refresh(lost["refresh_token"])))


@pytest.mark.attack("C09")
def test_C09_wrong_verifiers_and_then_the_right_one(redis_world: World) -> None:
    world = redis_world
    code = world.code()
    answers = at_once(lambda number: world.redeem(code, code_verifier=f"{number:043}"))
    assert {refused(each) for each in answers} == {INVALID_GRANT}
    assert world.redeem(code).status == 200
    assert refused(world.redeem(code)) == INVALID_GRANT


@pytest.mark.attack("D11")
def test_D11_a_redemption_that_races_with_a_logout(redis_world: World) -> None:
    world = redis_world
    for _ in range(20):
        session = world.session()
        code = world.code(world.authorization(session=session))

        def act(number: int, code: str = code, session_id: str = session.id) -> Response:
            if number:
                return world.redeem(code)
            world.services.revocations.revoke(
                Subject("session", session_id), expires_at=world.clock() + 43_200
            )
            world.transient.delete(session_key(session_id))
            return Response(204)

        for answer in at_once(act, callers=2):
            if answer.status == 200:
                assert world.alive(body(answer)) == (False, False)
            elif answer.status != 204:
                assert refused(answer) == INVALID_GRANT


@pytest.mark.slow
def test_redemptions_of_many_codes_do_not_disturb_each_other(redis_world: World) -> None:
    world = redis_world
    codes = [world.code() for _ in range(CALLERS)]
    answers = at_once(lambda number: world.redeem(codes[number]))
    assert {each.status for each in answers} == {200}
    assert len({body(each)["access_token"] for each in answers}) == CALLERS

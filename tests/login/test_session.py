"""Sessions: rotation, lifetimes, and what another client sees of them."""

from idp.core.assurance import Factor
from idp.core.handles import Handle
from idp.login.authentication import Authentication, Method
from idp.login.session import Lifetimes, Session, advance, relying_party_sid

OTP = Method("otp", (Factor.POSSESSION,), ("otp", "sms"), opens=True)
PASSCODE = Method("passcode", (Factor.KNOWLEDGE,), ("pin",), opens=False)
LIFETIMES = Lifetimes(idle={1: 900, 2: 600}, absolute={1: 43_200, 2: 3_600})


def opened(now: int = 1_000) -> tuple[Session, Handle]:
    return advance(None, (Authentication.of(OTP, "x", now),), now=now, lifetimes=LIFETIMES)


def test_a_step_up_rotates_the_cookie_and_keeps_the_session():
    before, old = opened()
    after, new = advance(
        before, (Authentication.of(PASSCODE, "x", 1_100),), now=1_100, lifetimes=LIFETIMES
    )
    assert (after.id, after.started_at, after.level) == (before.id, before.started_at, 2)
    assert after.belongs_to(new)
    assert not after.belongs_to(old)
    assert after.expires_at == 1_000 + 3_600  # the stronger session is the shorter one


def test_a_step_up_never_lengthens_the_absolute_end():
    first, _ = opened()
    again, _ = advance(first, (Authentication.of(OTP, "x", 9_000),), now=9_000, lifetimes=LIFETIMES)
    assert again.expires_at == first.expires_at


def test_another_account_gets_another_session():
    before, _ = opened()
    after, _ = advance(
        before, (Authentication.of(OTP, "y", 1_100),), now=1_100, lifetimes=LIFETIMES
    )
    assert after.id != before.id
    assert {each.account_id for each in after.authentications} == {"y"}


def test_J11_idle_and_absolute_ends():
    session, _ = opened()
    assert session.awake(1_000 + 899)
    assert not session.awake(1_000 + 900)
    assert session.lives(1_000 + 43_199)
    assert not session.lives(1_000 + 43_200)


def test_a_session_survives_its_record():
    session, _ = opened()
    assert Session.load(session.dump()) == session


def test_Q04_two_clients_see_different_sids():
    session, _ = opened()
    assert relying_party_sid(b"k", session.id, "a") != relying_party_sid(b"k", session.id, "b")

"""The dispatcher: every requirement against every set of proofs."""

from hypothesis import given
from hypothesis import strategies as st

from idp.core.assurance import Factor, level
from idp.login.authentication import Authentication, Method
from idp.login.dispatch import Authenticate, Finish, Refuse, next_step
from idp.login.requirement import Requirement

OTP = Method("otp", (Factor.POSSESSION,), ("otp", "sms"), opens=True)
CARD = Method("card", (Factor.POSSESSION,), ("sc", "hwk"), opens=True)
PASSCODE = Method("passcode", (Factor.KNOWLEDGE,), ("pin",), opens=False)
PASSKEY = Method("passkey", (Factor.POSSESSION, Factor.KNOWLEDGE), ("hwk", "user"), opens=True)
PATTERN = Method("pattern", (Factor.KNOWLEDGE,), ("kba",), opens=False)
METHODS = (OTP, CARD, PASSCODE)


def proof(method: Method, at: int = 100, account: str = "x") -> Authentication:
    return Authentication.of(method, account, at)


def step(requirement: Requirement, proofs=(), earlier=()):
    return next_step(requirement, proofs, earlier, METHODS)


def test_a_new_browser_is_asked_for_a_method_that_opens_a_login():
    assert step(Requirement()) == Authenticate(("otp", "card"))


def test_one_possession_factor_is_level_one():
    found = step(Requirement(), [proof(OTP)])
    assert isinstance(found, Finish)
    assert (found.level, found.amr, found.auth_time) == (1, ("otp", "sms"), 100)


def test_two_possession_factors_are_still_level_one():
    found = step(Requirement(), [proof(OTP), proof(CARD)])
    assert isinstance(found, Finish)
    assert found.level == 1


def test_level_two_asks_for_knowledge_after_possession():
    assert step(Requirement(level=2), [proof(CARD)]) == Authenticate(("passcode",))
    found = step(Requirement(level=2), [proof(CARD), proof(PASSCODE, 105)])
    assert isinstance(found, Finish)
    assert (found.level, found.amr) == (2, ("hwk", "mfa", "pin", "sc"))
    assert found.auth_time == 100  # the oldest factor it rests on


def test_a_method_of_two_factors_reaches_level_two_at_once():
    found = next_step(Requirement(level=2), [proof(PASSKEY)], (), (OTP, PASSKEY))
    assert isinstance(found, Finish)
    assert (found.level, found.amr) == (2, ("hwk", "mfa", "user"))


def test_a_method_of_two_factors_adds_the_one_that_is_missing():
    methods = (OTP, PASSKEY, PASSCODE)
    step = next_step(Requirement(level=2), [proof(OTP)], (), methods)
    assert step == Authenticate(("passkey", "passcode"))
    done = next_step(Requirement(level=2), [proof(OTP), proof(PASSKEY, 101)], (), methods)
    assert isinstance(done, Finish)
    assert done.level == 2


def test_the_citizen_chooses_among_several_second_factors():
    step = next_step(Requirement(level=2), [proof(CARD)], (), (*METHODS, PATTERN))
    assert step == Authenticate(("passcode", "pattern"))


def test_an_older_release_counts_one_factor_of_two():
    stored = proof(PASSKEY).dump()
    assert proof(PASSKEY).factors == (Factor.POSSESSION, Factor.KNOWLEDGE)
    del stored["further"]
    assert Authentication.load(stored).factors == (Factor.POSSESSION,)


def test_a_weak_session_is_stepped_up_not_restarted():
    assert step(Requirement(level=2), earlier=[proof(OTP)]) == Authenticate(("passcode",))


def test_level_three_cannot_be_reached_without_a_biometric():
    assert step(Requirement(level=3)) == Refuse("unmet")


def test_a_fresh_login_does_not_count_the_session():
    requirement = Requirement(fresh=True)
    assert step(requirement, earlier=[proof(OTP)]) == Authenticate(("otp", "card"))
    assert isinstance(step(requirement, [proof(OTP, 200)], [proof(OTP)]), Finish)


def test_an_authentication_older_than_max_age_does_not_count():
    assert step(Requirement(not_before=101), earlier=[proof(OTP, 100)]) == Authenticate(
        ("otp", "card")
    )


def test_a_relying_party_may_accept_one_way_to_open_a_login_only():
    requirement = Requirement(level=2, methods=("card",))
    assert step(requirement) == Authenticate(("card",))
    assert step(requirement, [proof(OTP)]) == Authenticate(("card",))
    assert step(requirement, [proof(CARD)]) == Authenticate(("passcode",))


def test_another_account_than_the_hinted_one_is_refused():
    found = step(Requirement(account_id="y"), [proof(OTP, account="x")])
    assert found == Refuse("other-account")


def test_somebody_elses_session_never_adds_a_factor():
    earlier = [proof(OTP, 90, "y"), proof(PASSCODE, 91, "y")]
    assert step(Requirement(level=2), [proof(CARD, 100, "x")], earlier) == Authenticate(
        ("passcode",)
    )


proofs = st.lists(
    st.builds(
        Authentication.of,
        st.sampled_from(METHODS),
        st.sampled_from(("x", "y")),
        st.integers(0, 50),
    ),
    max_size=5,
)
requirements = st.builds(
    Requirement,
    level=st.integers(1, 4),
    methods=st.sampled_from(((), ("otp",), ("card",))),
    not_before=st.integers(0, 50),
    fresh=st.booleans(),
    account_id=st.sampled_from((None, "x")),
)


@given(requirements, proofs, proofs)
def test_whatever_finishes_meets_the_requirement(requirement, mine, earlier):
    found = step(requirement, mine, earlier)
    if isinstance(found, Authenticate):
        assert found.methods
    if not isinstance(found, Finish):
        return
    assert level(f for each in found.authentications for f in each.factors) >= requirement.level
    assert len({each.account_id for each in found.authentications}) == 1
    assert requirement.account_id in (None, found.account_id)
    assert all(each.at >= requirement.not_before or each in mine for each in found.authentications)
    assert set(found.authentications) <= set(mine if requirement.fresh else [*mine, *earlier])

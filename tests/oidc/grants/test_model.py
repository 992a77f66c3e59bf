"""A stateful model of codes, refresh tokens and sessions: whatever the order, nothing revives.

The model knows which code was redeemed, which refresh token is the family's live one and what was
ended; after every step the provider must agree about every token that was ever given.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from idp.core.clock import FixedClock
from idp.keystore.file import KeyStore
from idp.login.session import Session
from idp.oidc.logout.views import endings
from idp.storage.database import open_database
from idp.storage.memory import MemoryStore
from tests.oidc.world import INVALID_GRANT, World, body, build, refused

RARELY = st.sampled_from(["nothing"] * 12 + ["access", "refresh", "session"])
"""Most of the time things go on: a history that ends at once has nothing to tell."""


@dataclass
class Family:
    """What one code gave: every refresh token in order, and the access tokens with their ends."""

    session: Session
    dead: bool = False
    refresh: list[str] = field(default_factory=list)
    used_at: dict[str, int] = field(default_factory=dict)
    access: dict[str, int] = field(default_factory=dict)


@dataclass
class Code:
    text: str
    issued_at: int
    family: Family
    redeemed: bool = False


class Provider(RuleBasedStateMachine):
    """Drives the token endpoint."""

    empty_database: Path
    keys: KeyStore

    sessions = Bundle("sessions")
    codes = Bundle("codes")

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        path = Path(self.directory.name) / "model.db"
        path.write_bytes(self.empty_database.read_bytes())
        self.clock = FixedClock(1_800_000_000)
        self.database = open_database(f"sqlite:///{path}")
        self.world: World = build(self.database, MemoryStore(self.clock), self.clock, self.keys)
        self.ended: set[str] = set()
        self.all: list[Family] = []

    def teardown(self) -> None:
        self.database.close()
        self.directory.cleanup()

    def stands(self, family: Family) -> bool:
        session = family.session
        alive = session.id not in self.ended and self.clock() < session.expires_at
        return alive and not family.dead

    def given(self, family: Family, answer: dict[str, Any]) -> None:
        family.access[answer["access_token"]] = self.clock() + answer["expires_in"]

    @initialize(target=codes)
    def begin_with_tokens(self) -> Code:
        code = self.authorize_in(self.world.session())
        self.redeem_once(code)
        return code

    @rule(target=sessions)
    def log_in(self) -> Session:
        return self.world.session()

    @rule(target=codes, session=sessions)
    def authorize(self, session: Session) -> Code:
        return self.authorize_in(session)

    def authorize_in(self, session: Session) -> Code:
        family = Family(session)
        self.all.append(family)
        text = self.world.code(self.world.authorization(session=session))
        return Code(text, self.clock(), family)

    @rule(code=codes)
    def redeem(self, code: Code) -> None:
        self.redeem_once(code)

    def redeem_once(self, code: Code) -> None:
        fresh = not code.redeemed and self.clock() < code.issued_at + 60
        response = self.world.redeem(code.text)
        if fresh and self.stands(code.family):
            answer = body(response)
            code.family.refresh.append(answer["refresh_token"])
            self.given(code.family, answer)
        else:
            assert refused(response) == INVALID_GRANT
            code.family.dead |= code.redeemed
        code.redeemed |= fresh

    @rule(code=codes)
    def redeem_by_another(self, code: Code) -> None:
        assert refused(self.world.redeem(code.text, self.world.other)) == INVALID_GRANT

    @rule(code=codes)
    def refresh_newest(self, code: Code) -> None:
        self.refresh(code, 0)

    @rule(code=codes, which=st.sampled_from([1, 1, 2]))
    def refresh_older(self, code: Code, which: int) -> None:
        """Use a refresh token ``which`` generations older than the newest."""
        self.refresh(code, which)

    def refresh(self, code: Code, which: int) -> None:
        family = code.family
        if which >= len(family.refresh):
            return
        token = family.refresh[-1 - which]
        response = self.world.refresh(token)
        if not self.stands(family):
            assert refused(response) == INVALID_GRANT
        elif which == 0:
            answer = body(response)
            family.used_at[token] = self.clock()
            family.refresh.append(answer["refresh_token"])
            self.given(family, answer)
        else:
            self.replayed(family, token, which, response)

    def replayed(self, family: Family, token: str, which: int, response: Any) -> None:
        age = self.clock() - family.used_at[token]
        if which == 1 and 2 <= age < 30:
            answer = body(response)
            assert answer["refresh_token"] == family.refresh[-1]
            self.given(family, answer)
            return
        assert refused(response) == INVALID_GRANT
        family.dead |= which > 1 or age >= 30

    @rule(code=codes, session=sessions, what=RARELY)
    def end(self, code: Code, session: Session, what: str) -> None:
        family = code.family
        match what:
            case "access":
                for token in family.access:
                    self.world.post("/revoke", self.world.client, token=token)
                    family.access[token] = 0
            case "refresh" if family.refresh:
                known = self.clock() < family.session.expires_at
                self.world.post("/revoke", self.world.client, token=family.refresh[-1])
                family.dead |= known
            case "session":
                endings(self.world.services).end(session)
                self.ended.add(session.id)

    @rule(seconds=st.sampled_from([1, 2, 5, 28, 30, 61, 599, 43_200]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def every_token_is_as_good_as_the_model_says(self) -> None:
        for family in self.all:
            stands = self.stands(family)
            for token, end in family.access.items():
                good = self.world.userinfo(token).status == 200
                assert good is (stands and self.clock() < end)
            for position, token in enumerate(family.refresh):
                live = position == len(family.refresh) - 1
                assert self.world.introspect(token)["active"] is (stands and live)


@pytest.mark.slow
def test_nothing_revives(empty_database: Path, keys: KeyStore) -> None:
    machine = type("Machine", (Provider,), {"empty_database": empty_database, "keys": keys})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            report_multiple_bugs=False,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

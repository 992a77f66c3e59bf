"""A sandbox as a city would try it: the provider, its portal, the card readers of citizens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from idp.demo.citizens import synthetic
from idp.storage.embedded import dies_with
from tests.e2e.programs import BIN, Program, free_port

SPARE = 60
"""Synthetic citizens beside the nine: each test takes one that nobody has met."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The provider, and who lives there."""

    program: Program
    people: Iterator[str]

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.program.url

    def person(self) -> str:
        """The number of an adult with a phone and a passcode who has never logged in."""
        return next(self.people)

    def card(self, number: str) -> Path:
        """The file of a citizen's card."""
        return self.program.directory / "var" / "cards" / f"{number}.json"

    def issue_card(self, number: str) -> None:
        """Give a citizen a card that the registry knows and the reader has."""
        out = self.program.directory / number
        done = self.program.idp("card", "issue", number, "--out", str(out))
        assert done.returncode == 0, done.stderr
        (out / "CARD.json").rename(self.card(number))

    def read_card(self, number: str, link: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Read a citizen's card with the agent in a terminal, for a launch token or its link."""
        command = [str(BIN / "idp-agent"), "--simulate", str(self.card(number))]
        return subprocess.run(
            [*command, "--origin", self.issuer, "--launch-token", link, *more],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def launch_token(agent_link: str) -> str:
    """The token in the link that opens the card program."""
    return parse_qs(urlsplit(agent_link).query)["launch_token"][0]


@contextmanager
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox under ``directory`` until the block ends."""
    program = Program.under(directory, IDP_SANDBOX="true")
    seeded = program.idp("demo", "seed", "--citizens", str(SPARE))
    assert seeded.returncode == 0, seeded.stderr
    people = (person.number.digits for person, _ in synthetic(SPARE))
    with program.running("serve", "--bind", f"127.0.0.1:{program.port}", "--workers", "1"):
        yield Sandbox(program, people)


@contextmanager
def portal(program: Program) -> Iterator[str]:
    """The demo portal of a provider; its URL."""
    beside = replace(program, directory=program.directory / "portal", port=free_port())
    beside.directory.mkdir()
    url = f"http://localhost:{beside.port}"
    with beside.running("demo", "portal", "--bind", f"127.0.0.1:{beside.port}", ready=f"{url}/"):
        yield url


@contextmanager
def bridge(program: Program) -> Iterator[int]:
    """The card program beside the browser with every card in its reader; its port."""
    port = free_port()
    cards = program.directory / "var" / "cards"
    command = [sys.executable, "-m", "idp.agent", "--simulate", str(cards)]
    agent = subprocess.Popen(
        [*command, "--origin", program.url, "--port", str(port)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=dies_with(os.getpid()),
    )
    try:
        assert agent.stdout is not None
        assert agent.stdout.readline().startswith("Waiting for the browser")
        yield port
    finally:
        agent.terminate()
        agent.communicate(timeout=20)

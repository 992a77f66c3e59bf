"""The simulated reader: whatever card its file is now."""

from pathlib import Path

import pytest

from idp.agent.exchange import AgentError
from idp.agent.simulator import NoCard, readers
from idp.mrtd.testing.authority import Authority
from idp.mrtd.testing.software_card import issue_card
from tests.mrtd.forgery import DETAILS


def test_a_card_that_was_issued_anew_is_the_one_in_the_reader(tmp_path: Path) -> None:
    authority, file = Authority.found(1_800_000_000), tmp_path / "card.json"
    file.write_text(issue_card(authority, DETAILS).to_json(), "utf-8")
    reader = readers(tmp_path)["card"]
    first = reader.read(bytes(8)).files
    file.write_text(issue_card(authority, DETAILS).to_json(), "utf-8")
    assert reader.read(bytes(8)).files["dg15"] != first["dg15"]
    file.write_bytes(b"garbage")
    with pytest.raises(AgentError):
        reader.read(bytes(8))
    with pytest.raises(NoCard):
        readers(tmp_path)

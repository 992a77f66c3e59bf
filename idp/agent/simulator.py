"""The simulated reader: software cards in place of PC/SC. For demos and tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idp.agent.exchange import UNREADABLE, AgentError, Reader, Reading
from idp.mrtd.errors import MRTDError
from idp.mrtd.testing.software_card import SoftwareCard


class NoCard(Exception):
    """A card file cannot be used; the message is for the person who started the agent."""


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """A software card, always in the reader: as its file is now, for it may be issued anew."""

    path: Path

    def read(self, challenge: bytes) -> Reading:
        """Give the card's files, and its chip's signature over ``challenge``.

        Raises:
            AgentError: the file is no card any more.
        """
        try:
            card = _card(self.path)
        except NoCard as error:
            raise AgentError(UNREADABLE) from error
        files = {f"dg{number}": data for number, data in card.files.data_groups.items()}
        return Reading({"sod": card.files.sod, **files}, card.sign(challenge))


def readers(path: Path) -> Mapping[str, Reader]:
    """A reader for a card file, or for each ``*.json`` of a folder, by the file's name.

    Raises:
        NoCard: there is none, or one cannot be read.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise NoCard(f"{path}: there is no card here (*.json)")
    for each in files:
        _card(each)
    return {each.stem: SimulatedReader(each) for each in files}


def _card(path: Path) -> SoftwareCard:
    try:
        return SoftwareCard.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, MRTDError) as error:
        raise NoCard(f"{path}: not a card file ({error})") from error

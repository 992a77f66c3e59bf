"""The trust folder: country signing certificates, revocation lists, master lists (9303-12)."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import structlog

from idp.mrtd.certificate import Certificate, RevocationList
from idp.mrtd.errors import MRTDError
from idp.mrtd.trust import TrustStore, read_file
from idp.storage.fresh import Fresh

SUFFIXES = frozenset({".der", ".cer", ".crt", ".pem", ".crl", ".ml"})
FRESH = 1.0
"""Seconds for which the folders are not read again."""

_State: TypeAlias = tuple[tuple[Path, int, int], ...]
_log = structlog.get_logger("idp.card")


class InvalidTrust(Exception):
    """A file of the trust folder cannot be used; the message is for the operator."""


class TrustFolders:
    """What the folders say whom to believe, as they are now: an operator adds a list while we run.

    A file that cannot be used changes nothing while we run: what was believed before stays, and
    revocation lists grow old and close the door by themselves.
    """

    def __init__(self, *folders: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Read them.

        Raises:
            InvalidTrust: a file cannot be used.
        """
        self._folders = folders
        read = _state(folders), load(*folders)
        self._view = Fresh(self._load, read, known=True, trusted=FRESH, monotonic=monotonic)

    def store(self) -> TrustStore:
        """The anchors and lists, at most a second old."""
        return self._view.get()[1]

    def refresh(self) -> None:
        """Read the folders again, if they changed."""
        self._view.refresh()

    def _load(self, last: tuple[_State, TrustStore]) -> tuple[_State, TrustStore]:
        state = _state(self._folders)
        if state == last[0]:
            return last
        try:
            return state, load(*self._folders)
        except InvalidTrust as error:
            _log.error("trust folder not read", problem=str(error))
            return state, last[1]


def load(*folders: Path) -> TrustStore:
    """What the files in ``folders`` say; a folder that is not there is empty.

    Raises:
        InvalidTrust: a file cannot be read: a chip login is not to be decided without it.
    """
    anchors: list[Certificate] = []
    lists: list[RevocationList] = []
    for path in files(folders):
        try:
            found = read_file(path.name, path.read_bytes())
        except (OSError, MRTDError) as error:
            raise InvalidTrust(f"{path}: {error}") from error
        anchors += found.anchors
        lists += found.revocation_lists
    return TrustStore(anchors, lists)


def files(folders: tuple[Path, ...]) -> list[Path]:
    """Those files in ``folders`` that say whom to believe."""
    found = (each for folder in folders for each in folder.glob("*"))
    return sorted(each for each in found if each.suffix.lower() in SUFFIXES and each.name[0] != ".")


def _state(folders: tuple[Path, ...]) -> _State:
    """Names, times and sizes: what changes when a file does."""
    state = []
    for path in files(folders):
        try:
            told = path.stat()
        except FileNotFoundError:  # removed just now
            continue
        state.append((path, told.st_mtime_ns, told.st_size))
    return tuple(state)

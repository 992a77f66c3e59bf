"""The measuring of revocations: it runs, and checks what it measures."""

import re
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

import pytest

from bench import revocations


def test_it_measures_load_refresh_memory_and_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.setattr(revocations, "ROUNDS", 2)
    monkeypatch.setattr("sys.argv", ["bench", "--rows", "500", "--database", sqlite_url])
    assert revocations.main() == 0
    said = capsys.readouterr().out
    assert "500 revocations" in said
    for unit in ("s first load", "ms a refresh afterwards", "MiB more", "µs a check, not revoked"):
        assert re.search(rf"^-?[0-9.]+ {re.escape(unit)}", said, re.MULTILINE)


def test_memory_grows_with_what_is_held() -> None:
    before = revocations.memory()
    # Pages of its own: a large object may be put where an earlier one was freed.
    with mmap(-1, 20_000_000, MAP_PRIVATE | MAP_ANONYMOUS) as held:
        held.write(bytes(20_000_000))
        assert revocations.memory() - before > 15_000_000

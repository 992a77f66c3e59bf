"""The measuring beside full stores: it runs, and compares."""

import re

import pytest

from bench import million


def test_it_measures_a_login_beside_empty_and_full_stores(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--rows", "700", "--logins", "4"])
    assert million.main() == 0
    said = capsys.readouterr().out
    for rows in ("0", "700"):
        assert re.search(rf"^\| {rows} \| [0-9.]+ \| [0-9]+ \|$", said, re.MULTILINE)
    assert re.search(r"^CPU of a login: [+-][0-9.]+%$", said, re.MULTILINE)

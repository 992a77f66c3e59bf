"""Static files: what was read at start, and nothing else."""

import re
from pathlib import Path

import pytest

from idp.web.assets import FOR_EVER, PATH, TYPES, assets, static_file, static_url
from idp.web.http import HttpError, Request
from idp.web.security import protect

REQUEST = Request("GET", "/static")
SOURCE = Path(__file__).resolve().parents[2] / "idp" / "web" / "static"


@pytest.mark.parametrize("name", sorted(assets().files))
def test_file_is_served_as_what_it_is_for_ever(name: str) -> None:
    answer = protect(static_file(REQUEST, assets().digest, name), secure=True)
    assert answer.body == (SOURCE / name).read_bytes()
    assert answer.headers["Content-Type"] == TYPES[Path(name).suffix]
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_another_versions_url_is_answered_but_not_kept() -> None:
    answer = static_file(REQUEST, "of-another-node", "site.css")
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.attack("O09")
@pytest.mark.parametrize(
    "name", ["", ".", "..", "../settings.py", "font/../../http.py", "/etc/passwd", "font", "%2e%2e"]
)
def test_O09_nothing_else_is_served(name: str) -> None:
    with pytest.raises(HttpError) as refused:
        static_file(REQUEST, assets().digest, name)
    assert refused.value.status == 404


def test_url_names_the_content() -> None:
    assert static_url("site.css") == f"/static/{assets().digest}/site.css"
    assert PATH == "/static/<digest>/<path:name>"
    with pytest.raises(KeyError):
        static_url("missing.css")


def test_style_sheets_load_only_our_own_files() -> None:
    for name in ("site.css", "demo.css"):
        text = assets().files[name].decode()
        assert "@import" not in text
        for target in re.findall(r"url\(([^)]*)\)", text):
            assert target.strip('"') in assets().files


def test_fonts_come_with_their_licence() -> None:
    licence = assets().files["font/OFL.txt"].decode()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence

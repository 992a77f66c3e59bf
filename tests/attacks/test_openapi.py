"""A fuzzer over everything that /openapi.json describes: schemathesis, all of its checks."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.live import SECRET, Live

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 40


# Whoever is let in is told 400 for a code or a token that is none (RFC 6749 §5.2).
AUTHENTICATED = (
    *("--auth", f"portal:{SECRET}"),
    *("--exclude-checks", "positive_data_acceptance"),
)


@pytest.mark.attack("P14")
@pytest.mark.parametrize("options", [(), AUTHENTICATED], ids=["nobody", "portal"])
def test_P14_nothing_that_is_described_breaks(
    live: Live, tmp_path: Path, options: tuple[str, ...]
) -> None:
    command = (
        *(str(SCHEMATHESIS), "run", f"{live.issuer}/openapi.json", "--checks", "all"),
        *("--max-examples", str(EXAMPLES), "--no-color", "--seed", "1", *options),
    )
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

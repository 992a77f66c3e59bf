"""What several commands' tests need."""

from pathlib import Path

import pytest

from idp.core.clock import system_clock
from idp.keystore.file import rotate
from idp.keystore.rotation import Policy


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of fresh keys."""
    made = tmp_path_factory.mktemp("keys")
    rotate(made, system_clock(), Policy())
    return made

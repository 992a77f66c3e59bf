"""The provider under attack: one of several processes, shared by the tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.attacks.live import Live, serve


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("live")
    directory.chmod(0o700)
    with serve(directory) as provider:
        yield provider

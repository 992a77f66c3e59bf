"""docs/verify in Go, Java and PHP: the same table. See conftest.py for where they are run."""

import pytest

from tests.verify.more_languages import INSTALLED, LANGUAGES
from tests.verify.test_verify import (
    ask,
    eager,
    issuer,
    keys,
    test_a_new_key_is_fetched_once_it_is_met,
    test_an_id_token_is_no_logout_token_nor_the_other_way_round,
    test_every_id_token_of_the_table,
    test_every_logout_token_of_the_table,
    test_the_claims_are_what_was_signed,
    test_unknown_kids_do_not_make_it_fetch_again_and_again,
)

__all__ = [
    "ask",
    "eager",
    "issuer",
    "keys",
    "test_a_new_key_is_fetched_once_it_is_met",
    "test_an_id_token_is_no_logout_token_nor_the_other_way_round",
    "test_every_id_token_of_the_table",
    "test_every_logout_token_of_the_table",
    "test_the_claims_are_what_was_signed",
    "test_unknown_kids_do_not_make_it_fetch_again_and_again",
]


@pytest.fixture(scope="module", params=INSTALLED)
def language(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of one language's program, compiled outside the repository."""
    return LANGUAGES[request.param](tmp_path_factory.mktemp(request.param))

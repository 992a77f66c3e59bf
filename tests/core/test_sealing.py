"""Sealed texts: opened by the same key, purpose and name, and by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.sealing import seal, unseal

KEY = bytes(range(32))


@given(st.text())
def test_what_is_sealed_opens(text: str) -> None:
    assert unseal(KEY, "a", "b", seal(KEY, "a", "b", text)) == text


def test_a_text_is_never_sealed_alike() -> None:
    assert seal(KEY, "a", "b", "text") != seal(KEY, "a", "b", "text")


@pytest.mark.parametrize(
    ("key", "purpose", "name"), [(bytes(32), "a", "b"), (KEY, "c", "b"), (KEY, "a", "c")]
)
def test_it_opens_for_nothing_else(key: bytes, purpose: str, name: str) -> None:
    with pytest.raises(ValueError, match="not sealed"):
        unseal(key, purpose, name, seal(KEY, "a", "b", "text"))


@given(st.text())
def test_nothing_but_a_value_error_escapes(sealed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- base64url, length, tag: all of them
        unseal(KEY, "a", "b", sealed)

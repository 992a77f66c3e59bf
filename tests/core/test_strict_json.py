"""JSON: one reading, or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.strict_json import loads_array, loads_object


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
        b'{"a":' + b"9" * 101 + b"}",
        b"\xff",
    ],
)
def test_json_is_one_plain_object(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads_object(body)


@given(st.binary(max_size=100))
def test_json_reader_refuses_or_answers(body: bytes) -> None:
    try:
        value = loads_object(body)
    except ValueError:
        return
    assert json.loads(body) == value


@pytest.mark.parametrize("body", [b"", b"{}", b'"[]"', b"[1,]", b"[NaN]", b'[{"a":1,"a":2}]'])
def test_json_is_one_plain_array(body: bytes) -> None:
    assert loads_array(b' [1, "a", []] ') == [1, "a", []]
    with pytest.raises(ValueError, match=r"."):
        loads_array(body)

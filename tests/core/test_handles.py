"""Handles: parsed strictly, stored as a digest, shown without their secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.handles import (
    Handle,
    b64url,
    b64url_decode,
    digest,
    equal,
    new_flow,
    random_name,
)


@given(st.binary(max_size=64))
def test_base64url_goes_there_and_back(data):
    assert b64url_decode(b64url(data)) == data


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "AA\n", "A A", "+/+/", "é", "AA=AA"])
def test_other_spellings_of_base64url_are_refused(text):
    with pytest.raises(ValueError, match="base64url"):
        b64url_decode(text)


def test_a_handle_is_read_back_and_its_key_hides_the_secret():
    handle = Handle.new()
    assert Handle.parse(str(handle)) == handle
    assert handle.key("code") == f"code:{{{handle.flow}}}:{digest(handle.secret)}"
    assert handle.secret not in handle.key("code") + repr(handle)


def test_handles_of_one_flow_share_its_tag():
    flow = new_flow()
    one, two = Handle.new(flow), Handle.new(flow)
    assert one.flow == two.flow == flow
    assert one.secret != two.secret


@given(st.text(max_size=60))
def test_no_text_but_a_handle_is_one(text):
    found = Handle.parse(text)
    assert found is None or str(found) == text


def test_texts_are_compared_as_bytes():
    assert equal("đ", "đ")
    assert not equal("đ", "d")


def test_a_name_that_people_type_is_no_option():
    assert not any(random_name(1).startswith("-") for _ in range(2_000))

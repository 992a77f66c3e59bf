"""The words of our messages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.notify.text import GSM_7_CHARACTERS, ONE_MESSAGE, code_text, request_text


@pytest.mark.attack("Q13")
@given(st.text("0123456789", min_size=6, max_size=6), st.integers(1, 10))
def test_Q13_one_unaccented_message_bound_to_our_origin_without_a_link(code, minutes):
    text = code_text(code, host="xacthuc.dinhdanh.example", minutes=minutes)
    assert len(text) <= ONE_MESSAGE
    assert set(text) <= GSM_7_CHARACTERS
    assert text.isascii()
    assert "://" not in text
    assert "dinh danh dien tu" in text
    assert f"{minutes} phut" in text
    assert set(re.findall(r"\d{2,}", text)) <= {code, str(minutes)}


def test_the_last_line_is_the_format_that_phones_know():
    lines = code_text("012345", host="id.example", minutes=5).split("\n")
    assert lines[-1] == "@id.example #012345"
    assert lines[-2] == ""


@pytest.mark.parametrize("host", ["x" * 100 + ".example", "định-danh.example"])
def test_a_host_that_does_not_fit_is_noticed_at_once(host):
    with pytest.raises(ValueError, match="one SMS"):
        code_text("012345", host=host, minutes=5)


@pytest.mark.attack("Q13")
@given(st.text(max_size=120))
def test_Q13_a_request_is_told_in_one_message_without_a_link(service):
    text = request_text(service)
    assert len(text) <= ONE_MESSAGE
    assert set(text) <= GSM_7_CHARACTERS
    assert not re.search(r"[./:][a-z0-9]", text)
    assert text.endswith("Neu khong, hay bo qua.")


def test_a_request_names_the_service():
    text = request_text("Ngân hàng Đồng Xuân (https://bank.example.vn)")
    assert text.startswith("Ngan hang Dong Xuan httpsbankexamplevn de nghi ban xac nhan.")

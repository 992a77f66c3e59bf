"""TLV: strict DER, and the walk that keeps BER bombs from recursive parsers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.mrtd import sod, tlv
from tests.mrtd.forgery import reason_of, refused


@pytest.mark.parametrize(
    ("data", "tag", "value"),
    [
        ("0400", 0x04, ""),
        ("5f1f03414243", 0x5F1F, "414243"),
        ("7f4900", 0x7F49, ""),
        ("5f818100", 0x5F8181, None),
        ("048180" + "00" * 128, 0x04, "00" * 128),
        ("04820100" + "00" * 256, 0x04, "00" * 256),
    ],
)
def test_elements_are_read(data: str, tag: int, value: str | None) -> None:
    if value is None:
        refused("tlv-malformed", tlv.read, bytes.fromhex(data))
    else:
        found = tlv.read(bytes.fromhex(data))
        assert (found.tag, found.value.hex(), found.raw.hex()) == (tag, value, data)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "04",
        "0401",
        "040100ff",  # something after it
        "04810100",  # a length that would fit one byte
        "0482000100",  # a length with a leading zero
        "3080040100" + "0000",  # indefinite
        "0484ffffffff00",  # four gigabytes
        "048500000000" + "0100",
        "04ff",
        "1f",
        "1f81",
        "0000",
    ],
)
def test_what_is_not_der_is_refused(data: str) -> None:
    refused("tlv-malformed", tlv.read, bytes.fromhex(data))


@pytest.mark.parametrize("data", ["0200", "02020001", "0202007f", "0201ff", "020180", "040101"])
def test_integers_are_minimal_and_not_negative(data: str) -> None:
    refused("tlv-malformed", tlv.read(bytes.fromhex(data)).integer)


@given(st.integers(min_value=0, max_value=1 << 600))
def test_integers_survive(number: int) -> None:
    assert tlv.read(tlv.encode_integer(number)).integer() == number


@given(st.sampled_from([0x04, 0x30, 0x5F1F, 0x7F49]), st.binary(max_size=300))
def test_elements_survive(tag: int, value: bytes) -> None:
    found = tlv.read(tlv.encode(tag, value))
    assert (found.tag, found.value) == (tag, value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for reader in (tlv.read, tlv.read_all, tlv.check_structure):
        assert reason_of(reader, data) in {None, "tlv-malformed"}


def test_a_set_is_in_der_order() -> None:
    assert tlv.encode_set([b"\x04\x01\x02", b"\x02\x01\x05"]).hex() == "3106020105040102"


@pytest.mark.parametrize(
    "data",
    ["3080040101" + "0000", "308030800000" + "0000", "2480040141040142" + "0000", "3003010100"],
)
def test_ber_of_real_cards_is_walked(data: str) -> None:
    assert tlv.check_structure(bytes.fromhex(data)).hex() == data


@pytest.mark.parametrize(
    "data", ["3080", "308004010100", "0480", "30030401", "3080300304010000", "300100"]
)
def test_ber_that_does_not_fit_is_refused(data: str) -> None:
    refused("tlv-malformed", tlv.check_structure, bytes.fromhex(data))


def _nested(depth: int) -> bytes:
    data = b"\x05\x00"
    for _ in range(depth):
        data = tlv.encode(0x30, data)
    return data


@pytest.mark.attack("K17")
@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(b"\x77\x83\xa0\x00\x00" + bytes(10 * 1024 * 1024), id="10 MiB"),
        pytest.param(bytes.fromhex("7784ffffffff3080"), id="length bomb"),
        pytest.param(tlv.encode(0x77, bytes.fromhex("3084ffffffff0601")), id="inner length bomb"),
        pytest.param(tlv.encode(0x77, b"\x30\x80" * 8000), id="indefinite, deep"),
        pytest.param(tlv.encode(0x77, b"\x30\x80" * 4 + b"\0\0" * 8000), id="ends of contents"),
        pytest.param(tlv.encode(0x77, _nested(1000)), id="1000 deep"),
        pytest.param(tlv.encode(0x77, tlv.encode(0x30, b"\x05\x00" * 8000)), id="8000 elements"),
        pytest.param(tlv.encode(0x77, bytes.fromhex("3003020180")), id="negative integer"),
    ],
)
def test_K17_malformed_asn1_is_refused_at_once(bomb: bytes) -> None:
    start = time.thread_time()
    refused("sod-malformed", sod.parse, bomb)
    assert time.thread_time() - start < 0.2

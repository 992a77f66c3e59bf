"""The logical data structure: which file has which tag, and how large it may be (ICAO 9303-10)."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.mrtd import mrz, tlv
from idp.mrtd.errors import MRTDError

SOD_TAG = 0x77
DATA_GROUP_TAGS = {
    number: 0x60 + code
    for number, code in enumerate(
        (1, 21, 3, 22, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), start=1
    )
}
MAX_SOD = 16 * 1024
MAX_DATA_GROUP = 30 * 1024
MAX_DATA_GROUPS = {1: 200, 13: 4 * 1024, 14: 4 * 1024, 15: 2 * 1024}
"""Bytes; the other data groups may have :data:`MAX_DATA_GROUP`."""

_MRZ_TAG = 0x5F1F


@dataclass(frozen=True, slots=True, repr=False)
class CardFiles:
    """The files of one card as they were read, each within its size. Nothing is proved of them."""

    sod: bytes
    data_groups: Mapping[int, bytes]

    def __post_init__(self) -> None:
        """Refuse files that are too large.

        Raises:
            MRTDError: file-too-large, or dg-malformed when there is no such data group.
        """
        if not DATA_GROUP_TAGS.keys() >= self.data_groups.keys():
            raise MRTDError("dg-malformed")
        if len(self.sod) > MAX_SOD:
            raise MRTDError("file-too-large")
        for number, data in self.data_groups.items():
            if len(data) > max_size(number):
                raise MRTDError("file-too-large")

    def data_group(self, number: int) -> bytes:
        """One data group, raw.

        Raises:
            MRTDError: dg-missing.
        """
        try:
            return self.data_groups[number]
        except KeyError:
            raise MRTDError("dg-missing") from None


def max_size(number: int) -> int:
    """How many bytes data group ``number`` may have."""
    return MAX_DATA_GROUPS.get(number, MAX_DATA_GROUP)


def content(number: int, data: bytes) -> bytes:
    """What is inside data group ``number``.

    Raises:
        MRTDError: dg-malformed.
    """
    with_tag = DATA_GROUP_TAGS[number]
    try:
        return tlv.read(data).expect(with_tag)
    except MRTDError:
        raise MRTDError("dg-malformed") from None


def parse_dg1(data: bytes) -> mrz.Td1:
    """The machine readable zone in DG1 (9303-10 §4.7.1), of size TD1.

    Raises:
        MRTDError: dg-malformed, dg1-malformed, or what :func:`idp.mrtd.mrz.parse_td1` raises.
    """
    try:
        text = tlv.read(content(1, data)).expect(_MRZ_TAG)
    except MRTDError:
        raise MRTDError("dg1-malformed") from None
    return mrz.parse_td1(text.decode("latin-1"))


def build_dg1(zone: mrz.Td1) -> bytes:
    """DG1 that holds ``zone``."""
    text = mrz.build_td1(zone).encode("ascii")
    return tlv.encode(DATA_GROUP_TAGS[1], tlv.encode(_MRZ_TAG, text))

"""BER-TLV as the card files use it: ISO/IEC 7816-4 §5.2.2, ISO/IEC 8825-1, read as strict DER.

:func:`check_structure` is for the one place where real cards need BER (CMS in EF.SOD): it walks
all of it without recursion before a recursive parser may see it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.mrtd.errors import MRTDError

MAX_DEPTH = 24
MAX_ELEMENTS = 1024
MAX_OID = 64
MAX_LENGTH_BYTES = 3

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8_STRING = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
PRINTABLE_STRING, SEQUENCE, SET = 0x13, 0x30, 0x31

_CONSTRUCTED = 0x20
_INDEFINITE = -1


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element. ``tag`` is its tag bytes as one number (0x61, 0x5F1F); ``raw`` all of it."""

    tag: int
    value: bytes
    raw: bytes

    def children(self, tag: int) -> tuple["Tlv", ...]:
        """The elements inside, this one having ``tag``.

        Raises:
            MRTDError: tlv-malformed.
        """
        return read_all(self.expect(tag))

    def expect(self, tag: int) -> bytes:
        """The value, this element having ``tag``.

        Raises:
            MRTDError: tlv-malformed.
        """
        if self.tag != tag:
            raise MRTDError("tlv-malformed")
        return self.value

    def integer(self) -> int:
        """The value of a DER INTEGER that is not negative.

        Raises:
            MRTDError: tlv-malformed.
        """
        value = self.expect(INTEGER)
        padded = len(value) > 1 and value[0] == 0 and value[1] < 0x80
        if not value or value[0] >= 0x80 or padded:
            raise MRTDError("tlv-malformed")
        return int.from_bytes(value)


def read(data: bytes) -> Tlv:
    """The one element that ``data`` is, nothing after it.

    Raises:
        MRTDError: tlv-malformed.
    """
    element, end = _read(data, 0)
    if end != len(data):
        raise MRTDError("tlv-malformed")
    return element


def read_all(data: bytes) -> tuple[Tlv, ...]:
    """The elements that ``data`` is a row of.

    Raises:
        MRTDError: tlv-malformed, or more than 1024 of them.
    """
    found: list[Tlv] = []
    offset = 0
    while offset < len(data):
        element, offset = _read(data, offset)
        found.append(element)
        if len(found) > MAX_ELEMENTS:
            raise MRTDError("tlv-malformed")
    return tuple(found)


def encode(tag: int, *parts: bytes) -> bytes:
    """The DER encoding of ``parts`` together under ``tag``."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8)
        length = bytes([0x80 | len(octets)]) + octets
    return tag.to_bytes((tag.bit_length() + 7) // 8) + length + value


def encode_integer(number: int) -> bytes:
    """The DER INTEGER of a number that is not negative."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def encode_set(elements: Iterable[bytes]) -> bytes:
    """The DER SET OF ``elements``, in the order that DER wants."""
    return encode(SET, *sorted(elements))


def check_structure(data: bytes) -> bytes:
    """``data``, its BER walked: every length fits, at most 24 deep, 1024 elements, no endless OID.

    Raises:
        MRTDError: tlv-malformed.
    """
    containers = [(len(data), False)]
    offset = elements = 0
    while containers:
        end, indefinite = containers[-1]
        if indefinite and data[offset : offset + 2] == b"\0\0" and offset + 2 <= end:
            containers.pop()
            offset += 2
        elif offset == end and not indefinite:
            containers.pop()
        else:
            start = offset
            offset, length = _header(data, start, end, der=False)
            elements += 1
            if data[start] & _CONSTRUCTED:
                containers.append((end, True) if length < 0 else (offset + length, False))
            else:
                offset += length
            endless = data[start] == OID and length > MAX_OID
            if len(containers) > MAX_DEPTH or elements > MAX_ELEMENTS or endless:
                raise MRTDError("tlv-malformed")
    return data


def _read(data: bytes, start: int) -> tuple[Tlv, int]:
    begin, length = _header(data, start, len(data), der=True)
    end = begin + length
    tag_bytes = 1 if data[start] & 0x1F != 0x1F else 2 + (data[start + 1] >= 0x80)
    tag = int.from_bytes(data[start : start + tag_bytes])
    return Tlv(tag, data[begin:end], data[start:end]), end


def _header(data: bytes, start: int, end: int, *, der: bool) -> tuple[int, int]:
    """Where the value begins, and its length: -1 for the indefinite form (never in DER)."""
    try:
        offset = start + 1
        if data[start] & 0x1F == 0x1F:  # a tag of two or three bytes
            offset += 1 + (data[offset] >= 0x80)
            if data[offset - 1] >= 0x80:
                raise MRTDError("tlv-malformed")
        first = data[offset]
        offset += 1
        if first == 0x80 and not der and data[start] & _CONSTRUCTED and offset < end:
            return offset, _INDEFINITE
        if first < 0x80:
            length = first
        else:
            length = _long_length(data[offset : offset + (first & 0x7F)], der=der)
            offset += first & 0x7F
    except IndexError:
        raise MRTDError("tlv-malformed") from None
    if offset + length > end or data[start] == 0:
        raise MRTDError("tlv-malformed")
    return offset, length


def _long_length(octets: bytes, *, der: bool) -> int:
    # Octets cut short by the end of the data give a length that no longer fits: the caller sees.
    length = int.from_bytes(octets)
    if not 1 <= len(octets) <= MAX_LENGTH_BYTES:
        raise MRTDError("tlv-malformed")
    if der and (octets[0] == 0 or length < 0x80):
        raise MRTDError("tlv-malformed")
    return length

"""Records: frozen dataclasses kept as JSON objects, which other releases read and write too.

Two releases run side by side while an update rolls out, and sessions live longer than a process.
So a record changes only in these ways:

- **Add** a field with a default. Records without it get the default; older releases ignore it.
- **Remove** a field: stop writing it. Older releases must not need it: give it a default one
  release earlier.
- **Rename** a field: add the new one, read both for one release, then remove the old one.

Never change what a field means or its type. Fixtures of each release (``tests/records``) are read
by the tests for ever.
"""

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

import msgspec
import structlog

from idp.core.errors import Unavailable

T = TypeVar("T")
_log = structlog.get_logger("idp.records")
_encode = msgspec.json.Encoder().encode
_decoders: dict[type[Any], Any] = {}


class Unreadable(Unavailable):
    """A stored record does not fit its class: a defect, or another release's record."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"record {kind}")


class Record:
    """Base of a frozen dataclass that is kept as a JSON object.

    Fields are str, int, bool, float, enums, records, Mapping (kept as it is), tuples of these, and
    any of them or None. Unknown members are ignored, missing ones get their defaults.
    """

    __slots__ = ()

    def dump(self) -> dict[str, Any]:
        """The JSON object."""
        return cast(dict[str, Any], msgspec.to_builtins(self))

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Self:
        """The record of a JSON object.

        Raises:
            Unreadable: a member is missing that has no default, or is of another type.
        """
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError as error:
            raise Unreadable(cls.__name__) from error

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Like :meth:`load`; None where there is nothing, or nothing that can be read."""
        if stored is None:
            return None
        try:
            return cls.load(stored)
        except Unreadable:
            _warn(cls)
            return None


def encode(content: Record | Mapping[str, Any]) -> bytes:
    """The JSON text (UTF-8) of a record or a JSON object."""
    return _encode(content)


def decode(text: str | bytes, kind: type[T] | None) -> T | None:
    """The record of class ``kind`` in a JSON text; None where it cannot be read as one.

    Without ``kind``, the JSON object.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        return cast(T, _decoder(kind or dict)(text))
    except msgspec.ValidationError:
        _warn(kind or dict)
        return None
    except msgspec.DecodeError as error:
        raise Unreadable((kind or dict).__name__) from error


def _decoder(kind: type[Any]) -> Any:
    found = _decoders.get(kind)
    if found is None:
        found = _decoders[kind] = msgspec.json.Decoder(kind).decode
    return found


def _warn(kind: type[Any]) -> None:
    _log.warning("record not readable", kind=kind.__name__)

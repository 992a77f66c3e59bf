"""JSON as security data: one reading only (RFC 8725 §2.4, RFC 8259 §4)."""

import json
from collections import Counter
from typing import Any

MAX_DEPTH = 16
MAX_DIGITS = 100


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: Any) -> bytes:
    """``value`` as JSON in UTF-8, without white space."""
    return _compact(value).encode("utf-8")


class RepeatedName(ValueError):
    """An object has one name twice: two readers may take different values (RFC 8259 §4)."""


def loads_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The one JSON object in ``data``.

    Raises:
        ValueError: not UTF-8, not an object, nested deeper than ``max_depth``, a repeated name,
            NaN or an infinity, a lone surrogate, an integer of over 100 digits.
    """
    value = _loads(data, max_depth)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def loads_array(data: bytes, *, max_depth: int = MAX_DEPTH) -> list[Any]:
    """The one JSON array in ``data``, as strictly.

    Raises:
        ValueError: it is anything else.
    """
    value = _loads(data, max_depth)
    if not isinstance(value, list):
        raise ValueError("not an array")
    return value


def loads_line(text: str) -> Any:
    """The value in a line of JSON that is short and that its reader checks field by field.

    Raises:
        RepeatedName: a name is repeated in an object.
        ValueError, RecursionError: not JSON.
    """
    return _LINE.decode(text)


def loads_unrepeated(text: str) -> Any:
    """The value in a line of JSON without the members that are repeated: they have no value.

    Raises:
        ValueError, RecursionError: not JSON.
    """
    return _UNREPEATED.decode(text)


def _loads(data: bytes, max_depth: int) -> Any:
    text = data.decode("utf-8")
    if _depth(text) > max_depth:
        raise ValueError("too deep")
    value = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant,
        parse_int=_bounded_int,
    )
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses lone surrogates
    return value


def _depth(text: str) -> int:
    """An upper bound of the nesting: brackets inside strings count too, which is harmless."""
    deepest = depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedName("a name is repeated")
    return found


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


_LINE = json.JSONDecoder(object_pairs_hook=_unique)
_UNREPEATED = json.JSONDecoder(object_pairs_hook=_unrepeated)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("integer too long")
    return int(digits)

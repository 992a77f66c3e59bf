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

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Self, TypeAlias, Union, get_args, get_origin, get_type_hints

import structlog

from idp.core.errors import Unavailable

Convert: TypeAlias = Callable[[Any], Any]
_SCALARS = (str, int, bool, float)
_log = structlog.get_logger("idp.records")


class Unreadable(Unavailable):
    """A stored record is not what its kind should be: a defect, or another release's."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"record {kind}")


class Record:
    """Base of a frozen dataclass that is kept as a JSON object.

    Fields are str, int, bool, float, enums, records, Mapping (kept as it is), tuples of these, and
    any of them or None.
    """

    __slots__ = ()

    def dump(self) -> dict[str, Any]:
        """The JSON object; what it holds is shared with the record, not copied."""
        plan = _plan(type(self))
        stored: dict[str, Any] = dict(zip(plan.names, plan.values(self), strict=True))
        for name, convert in plan.dumps:
            stored[name] = convert(stored[name])
        return stored

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Self:
        """The record of a JSON object. Unknown members are ignored, missing ones get defaults.

        Raises:
            Unreadable: a member is missing that has no default, or is of another type.
        """
        plan = _plan(cls)
        try:
            members = {name: load(stored[name]) for name, load in plan.loads if name in stored}
            return cls(**members)
        except (TypeError, ValueError) as error:
            raise Unreadable(cls.__name__) from error

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Like :meth:`load`; None where there is nothing, or nothing that can be read."""
        if stored is None:
            return None
        try:
            return cls.load(stored)
        except Unreadable:
            _log.warning("record not readable", kind=cls.__name__)
            return None


class _Plan:
    """How the records of one class are dumped and loaded: worked out once."""

    __slots__ = ("dumps", "loads", "names", "values")

    def __init__(self, kind: type[Any]) -> None:
        hints = get_type_hints(kind)
        known: tuple[Field[Any], ...] = fields(kind)
        self.names = tuple(each.name for each in known)
        get = attrgetter(*self.names)
        self.values: Convert = get if len(self.names) > 1 else lambda record: (get(record),)
        self.loads = [(each.name, _loader(hints[each.name])) for each in known]
        self.dumps = [
            (each.name, dump) for each in known if (dump := _dumper(hints[each.name])) is not None
        ]


_plans: dict[type[Any], _Plan] = {}


def _plan(kind: type[Any]) -> _Plan:
    found = _plans.get(kind)
    if found is None:
        found = _plans[kind] = _Plan(kind)
    return found


def _loader(hint: Any) -> Convert:
    """What checks a stored member and makes the field's value of it."""
    kind, arguments = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        inner = _loader(next(each for each in arguments if each is not NoneType))
        return lambda stored: None if stored is None else inner(stored)
    if kind is tuple:
        return _tuple_loader(arguments)
    if kind in (dict, Mapping):
        return lambda stored: _checked(stored, dict)
    if isinstance(hint, type) and issubclass(hint, Record):
        return lambda stored: hint.load(_checked(stored, dict))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if hint in _SCALARS:
        return lambda stored: _checked(stored, hint)
    raise TypeError(f"no record has a field of the type {hint}")


def _tuple_loader(arguments: tuple[Any, ...]) -> Convert:
    inner = _loader(arguments[0])
    if arguments[1:] == (Ellipsis,):
        return lambda stored: tuple([inner(each) for each in _checked(stored, list, tuple)])
    if set(arguments) != {arguments[0]}:
        raise TypeError("a record's tuple holds values of one type")
    return lambda stored: _of_length(
        tuple([inner(each) for each in _checked(stored, list, tuple)]), len(arguments)
    )


def _checked(stored: Any, *kinds: type) -> Any:
    if type(stored) not in kinds:
        raise TypeError(f"not {kinds[0].__name__}")
    return stored


def _of_length(found: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    if len(found) != length:
        raise ValueError(f"not {length} values")
    return found


def _dumper(hint: Any) -> Convert | None:
    """What makes the stored member of a field's value; None where JSON takes it as it is."""
    kind, arguments = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        optional = _dumper(next(each for each in arguments if each is not NoneType))
        return optional and (lambda value: None if value is None else optional(value))
    if kind is tuple:
        one = _dumper(arguments[0])
        return one and (lambda value: [one(each) for each in value])
    if isinstance(hint, type) and issubclass(hint, Record):
        return Record.dump
    return None

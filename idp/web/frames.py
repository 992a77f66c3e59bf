"""Pages whose text is the same for everybody but for a few values: rendered once, filled in often.

The frame of a page is rendered with a mark in place of each slot. It is kept for each template,
language and context, so nothing about a person may stand in the context.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

MAX_FRAMES = 512
"""About 6 KB each: pages by languages by relying parties that are asked for often."""
_MARK = f"slot-{secrets.token_hex(16)}-"
"""Nobody outside can write it: it is another word in each process."""
_UNTOUCHED = re.compile(r"[^&<>'\"]*")
"""What HTML escaping leaves as it is."""
Context: TypeAlias = tuple[tuple[str, Any], ...]
Render: TypeAlias = Callable[[str, Context], str]


def fill(
    render: Render, template: str, context: Mapping[str, Any], slots: Mapping[str, str]
) -> str:
    """The page that ``render`` gives for ``template`` with both ``context`` and ``slots``.

    ``render`` depends on its arguments alone, and equal ones give equal pages. Members of the
    context are hashable. An empty slot is part of the context: a template may ask whether it is.
    """
    if not all(_UNTOUCHED.fullmatch(each) for each in slots.values()):
        return render(template, tuple({**context, **slots}.items()))
    given = {name: value for name, value in slots.items() if value}
    empty = {name: "" for name in slots if name not in given}
    parts = _frame(render, template, tuple({**context, **empty}.items()), tuple(given))
    return "".join(given[each] if place % 2 else each for place, each in enumerate(parts))


@lru_cache(MAX_FRAMES)
def _frame(
    render: Render, template: str, context: Context, slots: tuple[str, ...]
) -> tuple[str, ...]:
    """Text and names of slots in turn, text first and last."""
    marks = tuple((name, f"{_MARK}{name}-") for name in slots)
    slot = re.compile(f"{_MARK}({'|'.join(map(re.escape, slots))})-")
    return tuple(slot.split(render(template, (*context, *marks))))

"""Text that one party writes and another one reads: Unicode TR #36 §2.5, UAX #9 §2.7.

A client's name or message may hold characters that nobody sees and that change how the text around
it reads. Doors refuse them (:func:`check_shown`). A client stored long ago may still hold some, so
whatever shows such a text replaces (:func:`visible`), isolates (:func:`isolated`) or escapes
(:func:`escaped`) them. What citizens type about themselves is another matter.
"""

import re
import unicodedata

_IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
_BLANK = re.compile(f"[{_IGNORABLE}\U000e0100-\U000e01ef]")
"""Characters that show nothing although their category is a letter's or a mark's."""
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def hidden(character: str) -> bool:
    """Whether nobody sees it: control, format, separator, surrogate, private, unassigned, blank."""
    return not character.isprintable() or _BLANK.match(character) is not None


def check_shown(text: str) -> str:
    """The text, in which every character can be seen.

    Raises:
        ValueError: the first character that cannot, by its code point and name.
    """
    for each in text:
        if hidden(each):
            name = unicodedata.name(each, "a control or unassigned character")
            raise ValueError(f"has a character that is not shown: U+{ord(each):04X} ({name})")
    return text


def visible(text: str) -> str:
    """The text with U+FFFD in the place of every hidden character."""
    return "".join("\ufffd" if hidden(each) else each for each in text)


def isolated(text: str) -> str:
    """The text for a plain message: :func:`visible`, and it does not turn what stands around it."""
    return f"{_FIRST_STRONG_ISOLATE}{visible(text)}{_POP_ISOLATE}"


def escaped(text: str, *, kept: str = "") -> str:
    """The text for a terminal: hidden characters but ``kept`` ones as in JSON, ``\\u202e``."""
    return "".join(each if each in kept or not hidden(each) else _escape(each) for each in text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

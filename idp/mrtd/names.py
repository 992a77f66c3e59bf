"""The name in the machine readable zone: ICAO 9303-3 §4.6 and §6, truncated as 9303-4 §4.2.3.

The zone has the letters A to Z, and thirty places on a card (9303-5 §4.2.2). So one name has
several right forms: a State chooses among the spellings of 9303-3 §6, and a long name is cut.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from idp.core.person import Name
from idp.mrtd.errors import MRTDError
from idp.mrtd.transliteration import DOUBLED, LOOK_ALIKES, SPELLINGS

Letter: TypeAlias = tuple[str, ...]
"""What one letter may be in the zone, the recommended form first."""
Word: TypeAlias = tuple[Letter, ...]
_LETTERS = ("Lu", "Ll", "Lt", "Lo")


class UnprintableName(ValueError):
    """No letter of a name can be printed in the zone."""


def require_agreement(printed: str, name: Name) -> Name:
    """``name``, when the zone's name field ``printed``, fillers and all, is a form of it.

    A name that fits has to be there whole, letter for letter; how its words are divided does not
    count. A longer one may be cut by any rule, as long as the field is used up.

    Raises:
        MRTDError: name-mismatch.
    """
    words, shown = _words(name.full), printed.rstrip("<")
    if _spells(words, shown):
        return name
    if _longest(words) > len(printed):
        if len(shown) >= len(printed) - 1 and _begins(_joined(words), shown.replace("<", "")):
            return name  # cut at the end of the field, or before a filler that stood there
        if any(_is_truncated(words, at, printed) for at in range(1, len(words) + 1)):
            return name
    raise MRTDError("name-mismatch")


def transliterate(name: str) -> str:
    """``name`` in the letters of the zone, the recommended ones, its words apart by one space."""
    return " ".join("".join(letter[0] for letter in word) for word in _words(name))


def unprintable(name: str) -> str:
    """The letters of ``name``, as capitals, that no table brings into the zone: Lao ones, say."""
    letters = (each for word in _capitals(name) for each in word if _is_letter(each))
    return "".join(each for each in letters if next(_forms(each, ("",)), None) is None)


def _is_letter(character: str) -> bool:
    """Whether it stands for itself: marks and modifier letters change others."""
    return unicodedata.category(character) in _LETTERS


def printed_name(name: str, width: int = 30) -> str:
    """``name`` as the field shows it: the first word, two fillers, the rest.

    What does not fit is cut so that a letter stands in the last place, which tells that the name
    may go on: 9303-4 §4.2.3.

    Raises:
        UnprintableName: no letter of it can be.
    """
    if not (words := transliterate(name).split()):
        raise UnprintableName("the name has no letter that the machine readable zone can show")
    family, *rest = words
    if rest and len(family) > width - 3:
        family = family[: width - 3]  # room for two fillers and the first letter of the rest
    whole = family + "<<" + "<".join(rest) if rest else family
    if whole[width - 1 : width] == "<" and len(whole) > width:
        *before, last, after = *whole[: width - 1].split("<"), whole[width]
        whole = "<".join([*before, last[:-1], after]) if len(last) > 1 else whole[: width - 1]
    return whole[:width].ljust(width, "<")


def _is_truncated(words: Sequence[Word], at: int, printed: str) -> bool:
    """Whether ``printed`` is a truncated form of a name whose primary identifier has ``at`` words.

    Words may be cut to any length, an initial is the shortest, and words at the end of either
    identifier may be left out. Something that is lost would not fit any more: otherwise the name
    was not truncated, it is another one.
    """
    shown = printed.rstrip("<")
    parts = [[each for each in part.split("<") if each] for part in shown.split("<<", 1)]
    primary, secondary = parts[0], parts[1] if len(parts) > 1 else []
    lost: list[int] = []
    for real, given in ((words[:at], primary), (words[at:], secondary)):
        if len(given) > len(real):
            return False
        for word, part in zip(real, given, strict=False):
            if not _begins(word, part):
                return False
            lost.append(_longest([word]) - len(part))
        lost += [_longest([word]) + 1 for word in real[len(given) :]]
    return any(each > 0 and len(shown) + each > len(printed) for each in lost)


def _words(name: str) -> list[Word]:
    """Each word as its letters; a hyphen parts words, an apostrophe and a dot leave nothing."""
    found = (tuple(_letters(word)) for word in _capitals(name))
    return [word for word in found if word]


def _capitals(name: str) -> Iterator[str]:
    for word in unicodedata.normalize("NFC", name).replace("-", " ").upper().split():
        plain = unicodedata.normalize("NFKD", word)
        is_latin = any("A" <= each <= "Z" for each in plain)  # look-alikes are slips of a key
        yield word.translate(LOOK_ALIKES) if is_latin else word


def _letters(word: str) -> Iterator[Letter]:
    before: Letter = ("",)
    for character in word:
        for letter in _forms(character, before):
            yield letter
            before = letter


def _forms(character: str, before: Letter) -> Iterator[Letter]:
    """What one capital becomes: mostly one letter, none for a mark; ``before`` stood before it."""
    if character in SPELLINGS:
        yield SPELLINGS[character]
    elif character == DOUBLED:
        yield (*before, "")
    else:
        for part in unicodedata.normalize("NFKD", character):
            if "A" <= part <= "Z":
                yield (part,)
            elif part in SPELLINGS:
                yield SPELLINGS[part]


def _joined(words: Sequence[Word]) -> Word:
    return tuple(letter for word in words for letter in word)


def _longest(words: Sequence[Word]) -> int:
    """How many places the words take at most, with the fillers between them."""
    letters = sum(max(map(len, letter)) for letter in _joined(words))
    return letters + len(words) - 1 + (len(words) > 1)


def _spells(words: Sequence[Word], shown: str) -> bool:
    letters, ends = shown.replace("<", ""), {0}
    for letter in _joined(words):
        ends = {at + len(form) for at in ends for form in letter if letters.startswith(form, at)}
    return len(letters) in ends


def _begins(word: Word, shown: str) -> bool:
    """Whether some spelling of ``word`` begins with ``shown``."""
    ends = {0}
    for letter in word:
        if any(form.startswith(shown[at:]) for at in ends for form in letter):
            return True
        ends = {at + len(form) for at in ends for form in letter if shown.startswith(form, at)}
    return len(shown) in ends

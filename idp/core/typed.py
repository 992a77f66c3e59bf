"""What people type or paste, as the characters they meant: Unicode categories Cf, Pd and Zs.

Text copied from a document or a chat carries marks that nobody sees, dashes of a dozen kinds and
spaces that do not break. Every door that reads such text calls :func:`plain` (a name, an address)
or :func:`compact` (a number, a code). Which characters a value may hold is the door's own rule.
"""

import re
import unicodedata

# Category Cf, and the other Default_Ignorable_Code_Points of UAX #44: variation selectors, the
# combining grapheme joiner, fillers. A test compares the list with Python's own tables.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DASHES = re.compile(
    "[\u058a\u05be\u1400\u1806\u2010-\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030"
    "\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead]"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_ANY = re.compile("|".join(each.pattern for each in (_INVISIBLE, _DASHES, _SPACES)))
_SEPARATORS = re.compile(r"[\s.\-]")


def plain(text: str) -> str:
    """``text`` in NFC without invisible marks; every dash is ``-`` and every space a space.

    Letters and digits stay as they are: a name keeps its full-width letters.
    """
    if text.isascii():
        return text
    if _ANY.search(text):
        text = _SPACES.sub(" ", _DASHES.sub("-", _INVISIBLE.sub("", text)))
    return unicodedata.normalize("NFC", text)


def compact(text: str) -> str:
    """A number or code: :func:`plain`, full-width characters as ASCII (NFKC), without spaces,
    dots and dashes. Digits of other scripts stay what they are, so that the door refuses them.
    """
    return _SEPARATORS.sub("", plain(unicodedata.normalize("NFKC", text)))

"""Letters of names in the machine readable zone: the tables of ICAO 9303-3 §6.

The recommended form comes first; the others are those that a State may choose, or that another
language with the same letter has. A letter that is not here loses its marks; what then is none of
A to Z cannot be printed.
"""

_LATIN = {
    "Ä": "AE A",
    "Å": "AA A",
    "Æ": "AE",
    "Ð": "D",
    "Ñ": "N NXX",
    "Ö": "OE O",
    "Ø": "OE O",
    "Ü": "UE UXX U",
    "Þ": "TH",
    "Đ": "D",
    "Ɖ": "D",
    "Ħ": "H",
    "Ł": "L",
    "Ŋ": "N",
    "Œ": "OE",
    "Ŧ": "T",
    "ẞ": "SS",
}
_CYRILLIC = {
    "А": "A", "Б": "B", "В": "V", "Г": "G H", "Ґ": "G", "Д": "D", "Е": "E", "Ё": "E IO",
    "Ж": "ZH Z", "З": "Z", "И": "I Y", "Й": "I", "К": "K", "Л": "L", "М": "M", "Н": "N",
    "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F", "Х": "KH H",
    "Ц": "TS C", "Ч": "CH C", "Ш": "SH S", "Щ": "SHCH SHT", "Ъ": "IE", "Ы": "Y", "Ь": "",
    "Э": "E", "Ю": "IU", "Я": "IA", "Є": "IE", "І": "I", "Ї": "I", "Ј": "J", "Љ": "LJ",
    "Њ": "NJ", "Ў": "U", "Ђ": "D", "Ѓ": "G GJ", "Ѕ": "DZ", "Ћ": "C", "Ќ": "K KJ", "Џ": "DZ DJ",
    "Ғ": "F", "Ѣ": "IE", "Ѳ": "F", "Ѵ": "Y", "Ѫ": "U",
}  # fmt: skip
_ARABIC = {
    "\u0621": "XE", "\u0622": "XAA", "\u0623": "XAE", "\u0624": "U", "\u0625": "I",
    "\u0626": "XI", "\u0627": "A", "\u0628": "B", "\u0629": "XTA XAH", "\u062a": "T",
    "\u062b": "XTH", "\u062c": "J", "\u062d": "XH", "\u062e": "XKH", "\u062f": "D",
    "\u0630": "XDH", "\u0631": "R", "\u0632": "Z", "\u0633": "S", "\u0634": "XSH",
    "\u0635": "XSS", "\u0636": "XDZ", "\u0637": "XTT", "\u0638": "XZZ", "\u0639": "E",
    "\u063a": "G", "\u0641": "F", "\u0642": "Q", "\u0643": "K", "\u0644": "L", "\u0645": "M",
    "\u0646": "N", "\u0647": "H", "\u0648": "W", "\u0649": "XAY", "\u064a": "Y",
    "\u0671": "XXA", "\u0679": "XXT", "\u067c": "XRT", "\u067e": "P", "\u0681": "XKE",
    "\u0685": "XXH", "\u0686": "XC", "\u0688": "XXD", "\u0689": "XDR", "\u0691": "XXR",
    "\u0693": "XRR", "\u0696": "XRX", "\u0698": "XJ", "\u069a": "XXS", "\u06a9": "XKK",
    "\u06ab": "XXK", "\u06ad": "XNG", "\u06af": "XGG", "\u06ba": "XNN", "\u06bc": "XXN",
    "\u06be": "XDO", "\u06c0": "XYH", "\u06c1": "XXG", "\u06c2": "XGE", "\u06c3": "XTG",
    "\u06cc": "XYA", "\u06cd": "XXY", "\u06d0": "Y", "\u06d2": "XYB", "\u06d3": "XBE",
}  # fmt: skip
DOUBLED = "\u0651"
"""Shadda: the letter before it is written twice; often left out."""
SPELLINGS = {
    letter: tuple(forms.split(" ")) for letter, forms in (_LATIN | _CYRILLIC | _ARABIC).items()
}
"""The forms of a capital letter, or of one without case."""

LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXABEZHIKMNOPTYX",
)
"""Cyrillic and Greek capitals that stand in a Latin word for the letter they look like."""

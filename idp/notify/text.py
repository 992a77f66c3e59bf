"""The words of our messages: each one SMS of unaccented Vietnamese in GSM 03.38.

The last line of a one-time code's binds it to our origin (WICG origin-bound one-time codes): a
phone that knows the format offers the code on our pages only. No link anywhere, no citizen's name,
no number but the code.
"""

import unicodedata

GSM_7_CHARACTERS = frozenset(
    "@$_ !\"#%&'()*+,-./:;<=>?0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n"
)
"""What we use of the basic alphabet of GSM 03.38; each takes one of the 160 places."""
ONE_MESSAGE = 160


def code_text(code: str, *, host: str, minutes: int) -> str:
    """The message that carries ``code`` to be typed at ``host`` within ``minutes``.

    Raises:
        ValueError: it does not fit in one message, which would cost two and arrive in any order.
    """
    text = (
        f"Ma dang nhap dinh danh dien tu: {code}, dung trong {minutes} phut."
        " Khong dua ma cho bat ky ai, ke ca can bo.\n"
        "\n"
        f"@{host} #{code}"
    )
    if len(text) > ONE_MESSAGE or not set(text) <= GSM_7_CHARACTERS:
        raise ValueError("the message does not fit in one SMS")
    return text


def request_text(service: str) -> str:
    """The message that a service wants the citizen to confirm something.

    No link and no code, and of the service's name only what no phone takes for a link: whoever
    expects the message knows the page, and nobody can be sent elsewhere.
    """
    said = (
        " de nghi ban xac nhan. Neu chinh ban vua yeu cau, mo trang dinh danh dien tu,"
        " muc Yeu cau xac nhan. Neu khong, hay bo qua."
    )
    return _name(service)[: ONE_MESSAGE - len(said)].rstrip() + said


def _name(service: str) -> str:
    """A name without Vietnamese marks: letters, digits, blanks and hyphens."""
    plain = unicodedata.normalize("NFD", service.replace("Đ", "D").replace("đ", "d"))
    kept = (each for each in plain if each.isascii() and (each.isalnum() or each in " -"))
    return " ".join("".join(kept).split()) or "Mot dich vu"

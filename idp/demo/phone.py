"""The demo phone: what would have been sent to citizens' phones, for the portal to show."""

from pathlib import Path
from typing import Any

from idp.notify.console import inbox

SHOWN = 20
REQUEST = "ciba-"
"""What the references of messages begin with that lead to the page of requests."""


def texts(path: Path) -> list[dict[str, Any]]:
    """The last texts, the newest first; the phones' numbers masked but for their end."""
    return [
        {
            "number": f"*** {each.phone[-4:]}",
            "at": each.at,
            "text": each.text,
            "code": code_in(each.text),
            "asks": each.reference.startswith(REQUEST),
        }
        for each in inbox(path)[:SHOWN]
    ]


def code_in(text: str) -> str:
    """The one-time code of a text's last line (``@host #code``); empty when it has none."""
    line = text.rpartition("\n")[2]
    return line.rpartition("#")[2] if line.startswith("@") else ""

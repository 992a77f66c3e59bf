"""Confusable client names (Unicode TR39 §4, for Latin script)."""

import unicodedata
from collections.abc import Iterable

from idp.oidc.clients.model import Client

_ALIKE = str.maketrans({"đ": "d", "ı": "l", "i": "l", "1": "l", "0": "o", "5": "s", "ɡ": "g"})


def skeleton(name: str) -> str:
    """The name without case, marks, blanks and look-alike letters, for comparison."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_ALIKE)
    return "".join(each for each in plain if each.isalnum()).replace("rn", "m").replace("vv", "w")


def look_alikes(client: Client, others: Iterable[Client]) -> tuple[str, ...]:
    """The ids of other active clients with confusable names."""
    mine = _skeletons(client)
    return tuple(
        each.client_id
        for each in others
        if each.active and each.client_id != client.client_id and mine & _skeletons(each)
    )


def _skeletons(client: Client) -> set[str]:
    return {skeleton(each) for each in (client.client_name.vi, client.client_name.en)} - {""}

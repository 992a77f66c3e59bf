"""The samples of the documents, as text to run."""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ISSUER, PORTAL = "https://id.example.vn", "https://portal.example.vn"
"""What every sample calls the provider and itself."""


def sample(document: str, heading: str, language: str, put: Mapping[str, str]) -> str:
    """The block in ``language`` under a heading, each name of ``put`` replaced wherever it is."""
    text = (ROOT / document).read_text("utf-8")
    section = re.search(rf"^{heading}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert section, f"{document} has no {heading}"
    block = re.search(rf"^```{language}\n(.*?)^```$", section[1], re.M | re.S)
    assert block, f"{heading} has no {language}"
    adapted = block[1]
    for name, instead in put.items():
        assert name in adapted, f"{heading} does not say {name}"
        adapted = adapted.replace(name, instead)
    return adapted

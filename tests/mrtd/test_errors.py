"""Every reason is documented, and every documented reason can be given."""

import re
from pathlib import Path

import pytest

import idp.mrtd
from idp.mrtd.errors import REASONS, MRTDError, malformed

SOURCES = [path.read_text("utf-8") for path in Path(idp.mrtd.__path__[0]).rglob("*.py")]


def test_reasons_and_sources_agree() -> None:
    given = set()
    for source in SOURCES:
        given.update(re.findall(r'(?:MRTDError|malformed|refused)\(\s*"([a-z0-9-]+)"', source))
        given.update(re.findall(r'reason="([a-z0-9-]+)"', source))
        given.update(re.findall(r'reasons\.found\["([a-z0-9-]+)"\]', source))
    assert given == set(REASONS)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", reason) for reason in REASONS)


@pytest.mark.parametrize(
    "error",
    [ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError],
)
def test_parsing_fails_in_one_way_and_says_nothing_of_the_card(error: type[Exception]) -> None:
    with pytest.raises(MRTDError) as caught, malformed("dg13-malformed"):
        raise error("Nguyễn Thị Đào")
    assert caught.value.reason == "dg13-malformed"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert caught.value.sentence == REASONS["dg13-malformed"]


def test_the_first_reason_stays() -> None:
    with pytest.raises(MRTDError, match="key-weak"), malformed("sod-malformed"):
        raise MRTDError("key-weak")

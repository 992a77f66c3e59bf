"""The documents: every link leads to a file and a heading, and the changelog keeps its form."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    each.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "tests/**/*.md")
    for each in ROOT.glob(pattern)
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    assert list(dead_links(ROOT / document)) == []


def dead_links(document: Path) -> Iterator[str]:
    """The links of a document to a file that is missing, or to a heading that its file lacks."""
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(document)):
        if re.match(r"[a-z]+:", link):  # elsewhere: a test reaches nothing but this machine
            continue
        path, _, heading = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (heading and heading not in headings(target)):
            yield link


def headings(document: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    found = re.findall(r"^#+ (.*)$", without_code(document), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in found}


def without_code(document: Path) -> str:
    return re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.M | re.S)


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("# A `heading`, here\n```\n# no heading\n```\n")
    document = tmp_path / "links.md"
    document.write_text(
        "[good](here.md#a-heading-here) [bad](here.md#no-heading) [gone](gone.md) [own](#none)"
    )
    assert list(dead_links(document)) == ["here.md#no-heading", "gone.md", "#none"]


def test_the_changelog_has_each_section_of_a_version_once() -> None:
    versions = (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1:]
    allowed = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in versions:
        sections = re.findall(r"^### (.*)$", version, re.M)
        assert sections == [each for each in allowed if each in sections]


def test_the_changelog_tells_nothing_twice() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert [each for each in set(entries) if entries.count(each) > 1] == []

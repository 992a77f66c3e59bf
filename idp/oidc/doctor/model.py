"""Findings of the doctor: one for each check."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Result of a check. Only a problem makes the client unhealthy."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: the metadata member (or ``requests``), a verdict, a sentence.

    ``subject`` is the checked address, or the kind of refused request. ``sentence`` states the
    defect and the remedy.
    """

    check: str
    subject: str
    verdict: Verdict
    sentence: str


def ok(check: str, subject: str, sentence: str) -> Finding:
    """Nothing to change."""
    return Finding(check, subject, Verdict.OK, sentence)


def warning(check: str, subject: str, sentence: str) -> Finding:
    """It works, but should be changed."""
    return Finding(check, subject, Verdict.WARNING, sentence)


def problem(check: str, subject: str, sentence: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(check, subject, Verdict.PROBLEM, sentence)


def not_checked(check: str, subject: str, sentence: str) -> Finding:
    """The provider cannot check it."""
    return Finding(check, subject, Verdict.NOT_CHECKED, sentence)

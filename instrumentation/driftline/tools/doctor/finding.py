"""A finding: what was looked at, how it is, and what to do about it, in one line."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple


class Severity(Enum):
    """How much a finding matters. A note is worth knowing, and may be meant; only a problem changes the exit status."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """What a check found. check: its name, for scripts. remedy: "" where there is nothing to do."""

    severity: Severity
    check: str
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    return Finding(Severity.OK, check, message)


def note(check: str, message: str, remedy: str = "") -> Finding:
    return Finding(Severity.NOTE, check, message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.PROBLEM, check, message, remedy)


_MARKS: Final = {Severity.OK: "ok      ", Severity.NOTE: "note    ", Severity.PROBLEM: "PROBLEM "}
_SHOWN: Final = 8


def as_line(finding: Finding) -> str:
    """One line, whatever the names in it hold."""
    text = finding.message + (f" → {finding.remedy}" if finding.remedy else "")
    return _MARKS[finding.severity] + " ".join(text.split())


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings as JSON values."""
    return [{**each._asdict(), "severity": each.severity.value} for each in findings]


def problems(findings: Iterable[Finding]) -> int:
    return sum(each.severity is Severity.PROBLEM for each in findings)


def listed(names: Sequence[str], most: int = _SHOWN) -> str:
    """The names in a sentence; of many, the first ones and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def counted(number: float, noun: str, plural: str = "") -> str:
    """The number with its noun: `1 row`, `1,200 rows`. plural: where it is not the noun and an s."""
    return f"{number:,.0f} {noun if number == 1 else plural or f'{noun}s'}"

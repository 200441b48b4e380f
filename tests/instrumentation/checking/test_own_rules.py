"""Rules of the user's own."""

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftline.checking.own_rules import read_rules

COLUMNS: dict[str, Any] = {
    "age": np.array([17.0, 40.0, 130.0]),
    "start": np.array([1.0, 5.0, 2.0]),
    "end": np.array([2.0, 4.0, 2.0]),
    "mail": np.array(["a@b.c", "nobody", None], object),
    "country": np.array(["DE", "FR", "DE"], object),
}
AGES = np.array([60.0, 7000.0, 8000.0])
"""Of `updated_at`, in seconds."""


def adults(columns: Any) -> Any:
    """Nobody under 18"""
    return columns["age"] >= 18


CASES: list[tuple[Any, str, list[int]]] = [
    ("start <= end", "", [1]),
    ({"rule": "start <= end", "when": "country == 'FR'"}, "", [1]),
    ({"rule": "age >= 18", "when": "country == 'FR'"}, "", []),
    ({"rule": "start < end", "name": "stay"}, "", [1, 2]),
    ({"column": "age", "min": 18, "max": 120}, "age", [0, 2]),
    ({"column": "age", "max": 120, "when": "country == 'FR'"}, "age", []),
    ({"column": "mail", "pattern": "[^@]+@[^@]+"}, "mail", [1]),
    ({"column": "country", "in": ["DE", "AT"]}, "country", [1]),
    ({"column": "updated_at", "within": "2h"}, "updated_at", [2]),
    ({"column": "updated_at", "within": "90 min"}, "updated_at", [1, 2]),
    ({"column": "updated_at", "min": "2020-01-01"}, "updated_at", []),
    (adults, "", [0]),
    ("nowhere > 1", "", [0, 1, 2]),
    ({"column": "nowhere", "min": 1}, "nowhere", [0, 1, 2]),
]


@pytest.mark.parametrize(
    ("given", "column", "expected"), CASES, ids=[getattr(case[0], "__name__", str(case[0])) for case in CASES]
)
def test_rows_that_break_a_rule_are_found(given: Any, column: str, expected: list[int]) -> None:
    """Missing values break none; a missing column breaks it for every row."""
    (rule,) = read_rules([given])

    assert rule.column == column
    columns = {**COLUMNS, "updated_at": time.time() - AGES}
    assert np.flatnonzero(rule.broken(columns, 3).rows).tolist() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "rule 1: must be a condition"),
        ({"column": "a"}, "must have one of rule, min, max, pattern, within, in"),
        ({"column": "", "min": 1}, "column: must be a non-empty string"),
        ({"min": 1}, "column: must be a non-empty string"),
        ({"column": "a", "least": 1}, "must have no keys but"),
        ({"column": "a", "min": "many"}, "must be a number or a time (got 'many')"),
        ({"column": "a", "pattern": "("}, "pattern: must be a regular expression"),
        ({"column": "a", "within": "soon"}, "within: must be a duration"),
        ({"column": "a", "in": "abc"}, "in: must be a list"),
        ({"rule": "a <"}, "rule 1: must be a condition on columns"),
        ("open('x')", "must call nothing but abs and missing"),
    ],
)
def test_an_invalid_rule_is_named(given: Any, message: str) -> None:
    """The error has its number, what must hold, and the value."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_rules([given])


def test_rules_come_from_yaml(tmp_path: Path) -> None:
    """A file is a list of conditions and mappings."""
    path = tmp_path / "rules.yaml"
    path.write_text("- start <= end\n- {column: age, min: 18}\n", encoding="utf-8")

    assert [rule.name for rule in read_rules(path)] == ["start <= end", "min"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "must be YAML"), ("a: 1", "must be a list of rules"), ("- {column: a, min: b}", "rule 1: must be a num")],
)
def test_an_invalid_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The error begins with its path."""
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=re.escape(f"{path}: ") + ".*" + re.escape(message)):
        read_rules(str(path))

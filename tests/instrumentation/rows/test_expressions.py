"""Conditions on columns: what they mean, and what they must not contain."""

from typing import Any

import numpy as np
import pytest

from driftline.rows.expressions import Expression

NAN = float("nan")
COLUMNS: dict[str, Any] = {
    "a": np.array([1.0, 2.0, NAN]),
    "b": np.array([2.0, 2.0, 1.0]),
    "flag": np.array([True, False, True]),
    "city": np.array(["x", "y", None], object),
    "start": np.array(["2026-01-01", "2026-01-03", None], object),
    "end": np.array(["2026-01-02", "2026-01-02", "2026-01-02"], object),
    "order id": np.array([7, 8, 9]),
    "code": np.array([1.0, 2.0, 3.0]),
}

CASES: list[tuple[str, list[float]]] = [
    ("a < b", [1, 0, NAN]),
    ("a <= b and b > 1", [1, 1, 0]),
    ("a > b or b >= 1", [1, 1, 1]),
    ("not a == 1", [0, 1, NAN]),
    ("1 <= a <= 1.5", [1, 0, NAN]),
    ("a + b * 2 - 1 == 4", [1, 0, NAN]),
    ("a / 0 > 1", [1, 1, NAN]),
    ("b % 2 == 0", [1, 1, 0]),
    ("abs(-a) == a", [1, 1, NAN]),
    ("-b < 0", [1, 1, 1]),
    ("missing(a)", [0, 0, 1]),
    ("not missing(city)", [1, 1, 0]),
    ("city == 'x'", [1, 0, NAN]),
    ("city != 'x'", [0, 1, NAN]),
    ("city in ('x', 'z')", [1, 0, NAN]),
    ("city not in ['x']", [0, 1, NAN]),
    ("b in (1, 3)", [0, 0, 1]),
    ("start <= end", [1, 0, NAN]),
    ("flag", [1, 0, 1]),
    ("flag and city == 'x'", [1, 0, NAN]),
    ("`order id` >= 8", [0, 1, 1]),
    ("code == '2'", [0, 1, 0]),
    ("1 < 2", [1, 1, 1]),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_condition_holds_row_by_row(text: str, expected: list[float]) -> None:
    """It is true, false, or unknown where a value that decides is missing."""
    np.testing.assert_array_equal(Expression(text).truth(COLUMNS, 3), expected)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.b < 1",
        "a[0] < 1",
        "(lambda: 1)()",
        "[x for x in a]",
        "a ** 999999999",
        "a if b else a",
        "f'{a}'",
        "print(a)",
        "abs(a, b)",
        "a := 1",
        "a <",
        "",
        "a = 1",
        "a is None",
        "b'x' == a",
        "1 << 60",
        "a;b",
        "(" * 1000 + "a" + ")" * 1000,
        "a < 1 and " * 300 + "a < 1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Calls, attributes and statements are no conditions: nothing of a rule is ever executed."""
    with pytest.raises(ValueError, match="must"):
        Expression(text)


def test_the_columns_that_it_needs_are_known() -> None:
    """In the order of the text, without functions, quoted names as they are."""
    assert Expression("abs(b) < a and `order id` > b").names == ("b", "a", "order id")

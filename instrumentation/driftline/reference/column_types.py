"""What the values of a column are."""

from collections.abc import Callable
from typing import Final

from driftline.sketch.values import read_text, read_truth_or_text

FLOAT: Final = "float"
INTEGER: Final = "integer"
BOOLEAN: Final = "boolean"
STRING: Final = "string"
TIMESTAMP: Final = "timestamp"

CATEGORY: Final = "category"
"""Numbers that are codes."""

PAIR: Final = "pair"
"""The sides on which a row lies in two columns."""

EMPTY: Final = "empty"
"""Nothing but missing values so far: it agrees with every other type."""

UNUSABLE: Final = "unusable"
"""Lists, structures, raw bytes: no numbers and no categories."""


NAMED: Final = frozenset({STRING, CATEGORY})
"""Types whose values are names, also where they look like numbers."""

NUMBERS: Final = frozenset({FLOAT, INTEGER, BOOLEAN, TIMESTAMP})
"""Types whose values are numbers, also where they come as text."""


def text_reader(column_type: str | None) -> Callable[[str], float | None] | None:
    """What a text is in a numeric column of this type, None where it is no number; None for other types."""
    if column_type not in NUMBERS:
        return None
    return read_truth_or_text if column_type == BOOLEAN else read_text


def widest(a: str, b: str) -> str | None:
    """The type that holds the values of both; None where there is none.

    >>> widest("boolean", "float")
    'float'
    """
    if b in (a, EMPTY):
        return a
    if a == EMPTY:
        return b
    if {a, b} == {BOOLEAN, INTEGER}:
        return INTEGER
    return FLOAT if {a, b} <= {BOOLEAN, INTEGER, FLOAT} else None

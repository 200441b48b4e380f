"""What the values of a column are."""

from typing import Final

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

"""Segments that somebody declares: a column, of which every bin or category is one, or a condition on columns."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from driftline.rows.expressions import Expression

MOST_DECLARED: Final = 50
"""Of a model."""


@lru_cache(maxsize=1024)
def parsed(text: str) -> Expression:
    """A declared segment. Raises ValueError, which names the part and the text."""
    return Expression(text)


def checked_segments(texts: Iterable[str]) -> tuple[str, ...]:
    """The same, each once. Raises ValueError, which names the rule and the value.

    >>> checked_segments(["region", "age >= 65 and region == 'north'", "region"])
    ('region', "age >= 65 and region == 'north'")
    """
    found = tuple(dict.fromkeys(texts))
    if len(found) > MOST_DECLARED:
        raise ValueError(f"must be at most {MOST_DECLARED} segments (got {len(found)})")
    for text in found:
        if not parsed(text).names:
            raise ValueError(f"must name a column (got {text!r})")
    return found

"""Counts of the categories of a column, bounded."""

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

from driftline.semconv import OTHER


def hashed(name: str) -> str:
    """The name under which a category travels where values are not captured: 16 hex digits of its BLAKE2b digest.

    OTHER stays itself: it is no value of the data.
    """
    if name == OTHER:
        return name
    return "#" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


MOST_NAMED: Final = 256
"""Categories of a column that are counted by name, where nothing else is said."""


class CategoryCounter:
    """Counts rows of at most `limit` categories by name, and all other rows under OTHER.

    A category that has a count keeps it, so that cumulative counts never fall. Of those that come first in one batch,
    the most frequent are admitted, by name among equals: the result does not depend on the order of the rows.
    """

    def __init__(self, limit: int = MOST_NAMED) -> None:
        if limit < 1:
            raise ValueError(f"the limit on categories must be at least 1, got {limit!r}")
        self.limit = limit
        self._counts: dict[str, int] = {}
        self._others = 0

    def add(self, values: Iterable[str] | Mapping[str, int]) -> None:
        """Rows, or their counts by category."""
        batch = values if isinstance(values, Mapping) else Counter(values)
        new = []
        for name, count in batch.items():
            if name in self._counts:
                self._counts[name] += count
            elif name == OTHER:
                self._others += count
            else:
                new.append((-count, name))
        self._admit(new)

    def _admit(self, new: list[tuple[int, str]]) -> None:
        for minus_count, name in sorted(new):
            if len(self._counts) < self.limit:
                self._counts[name] = -minus_count
            else:
                self._others -= minus_count

    def merge(self, other: "CategoryCounter") -> None:
        """Adds the rows of another counter, which stays as it is.

        The most frequent categories of both keep their names, so that it commutes; it is for counts at rest, as a
        category may lose its own count by it.
        """
        union = Counter(self._counts)
        union.update(other._counts)  # noqa: SLF001  # of this class
        self._others += other._others  # noqa: SLF001  # of this class
        self._counts = {}
        self._admit([(-count, name) for name, count in union.items()])

    @property
    def rows(self) -> int:
        return self._others + sum(self._counts.values())

    def counts(self) -> dict[str, int]:
        """Rows by category, a copy; OTHER is there if it has any."""
        return self._counts | ({OTHER: self._others} if self._others else {})

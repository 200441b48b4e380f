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


RESERVED: Final = 1 / 8
"""Of the places for names: for categories that become frequent only after the others are taken."""

FREQUENT: Final = 0.02
"""Of the latest rows: what as many have is frequent."""

LATEST: Final = 1024
"""Rows that tell what is frequent, at least; after twice as many, those so far count half."""


class CategorySketch:
    """Counts rows of at most `limit` categories by name, and all other rows under OTHER.

    A category that has a count keeps it, so that cumulative counts never fall. Of those that come first in one batch,
    the most frequent are admitted, by name among equals: the result does not depend on the order of the rows. The last
    places are for categories that become frequent later: a count begins with the batch in which they are found so.
    """

    def __init__(self, limit: int = MOST_NAMED) -> None:
        if limit < 1:
            raise ValueError(f"the limit on categories must be at least 1, got {limit!r}")
        self.limit = limit
        self._first = limit - int(limit * RESERVED)
        self._counts: dict[str, int] = {}
        self._others = 0
        self._latest = _Latest(limit)

    def add(self, values: Iterable[str] | Mapping[str, int]) -> None:
        """Rows, or their counts by category."""
        batch = values if isinstance(values, Mapping) else Counter(values)
        new: dict[str, int] = {}
        for name, count in batch.items():
            if name in self._counts:
                self._counts[name] += count
            elif name == OTHER:
                self._others += count
            else:
                new[name] = count
        unnamed = self._admit(new, self._first)
        if unnamed and len(self._counts) < self.limit:
            frequent = {name: unnamed.pop(name) for name in self._latest.frequent(batch, unnamed)}
            unnamed |= self._admit(frequent, self.limit)
        self._others += sum(unnamed.values())

    def _admit(self, new: dict[str, int], limit: int) -> dict[str, int]:
        """Gives names to the most frequent while there are fewer than `limit`; the rows of the others."""
        room = max(limit - len(self._counts), 0)
        if not room:
            return new
        ranked = sorted(new.items(), key=_by_count)
        self._counts.update(ranked[:room])
        return dict(ranked[room:])

    def merge(self, other: "CategorySketch") -> None:
        """Adds the rows of another counter, which stays as it is.

        The most frequent categories of both keep their names, so that it commutes; it is for counts at rest, as a
        category may lose its own count by it.
        """
        union = Counter(self._counts)
        union.update(other._counts)  # noqa: SLF001  # of this class
        self._others += other._others  # noqa: SLF001  # of this class
        self._counts = {}
        self._others += sum(self._admit(union, self.limit).values())

    @property
    def rows(self) -> int:
        return self._others + sum(self._counts.values())

    def counts(self) -> dict[str, int]:
        """Rows by category, a copy; OTHER is there if it has any."""
        return self._counts | ({OTHER: self._others} if self._others else {})


class _Latest:
    """Which categories without a name are frequent among the latest rows; of at most `limit` it is remembered."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[str, float] = {}
        self._rows = 0.0

    def frequent(self, batch: Mapping[str, int], unnamed: Mapping[str, int]) -> list[str]:
        """Counts a batch, and says which of the `unnamed` in it are."""
        if self._rows >= 2 * LATEST:
            self._rows /= 2.0
            self._seen = {name: count / 2.0 for name, count in self._seen.items()}
        self._rows += sum(batch.values())
        seen, least = self._seen, FREQUENT * max(self._rows, LATEST)
        found = []
        for name, count in unnamed.items():
            seen[name] = seen.get(name, 0.0) + count
            if seen[name] >= least:
                found.append(name)
        if len(seen) > self._limit:
            self._seen = dict(sorted(seen.items(), key=_by_count)[: self._limit // 2])
        return found


def _by_count(each: tuple[str, float]) -> tuple[float, str]:
    """The most frequent first, by name among equals."""
    name, count = each
    return -count, name

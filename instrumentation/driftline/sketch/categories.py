"""Counts the categories of a column, with a limit on their number."""

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

from driftline.semconv import OTHER


def hashed(name: str) -> str:
    """The redacted name of a category: 16 hex digits of its BLAKE2b digest.

    OTHER is unchanged: it is not a value of the data.
    """
    if name == OTHER:
        return name
    return "#" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


MOST_NAMED: Final = 256
"""Default limit on categories counted by name."""


RESERVED: Final = 1 / 8
"""Share of the limit reserved for categories that become frequent later."""

FREQUENT: Final = 0.02
"""Share of the latest rows above which a category is frequent."""

LATEST: Final = 1024
"""Minimum number of latest rows; after twice as many, earlier rows count half."""


class CategorySketch:
    """Counts rows of at most `limit` categories by name, and all other rows as OTHER.

    A counted category keeps its count, so that cumulative counts never decrease. Of the new categories in a batch the
    most frequent are admitted, ties by name, so the result does not depend on the order of rows. The last places are
    reserved for categories that become frequent later; these are counted from that batch on.
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
        self.add_others(sum(self.add_named(batch).values()))

    def add_others(self, rows: int) -> None:
        """Rows of categories without a name."""
        self._others += rows

    def add_named(self, batch: Mapping[str, int]) -> dict[str, int]:
        """Add the rows of categories that have a name, or get one; returns the others, which are not counted."""
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
        return unnamed

    def _admit(self, new: dict[str, int], limit: int) -> dict[str, int]:
        """Admit the most frequent while there are fewer than `limit`; returns the rows of the others."""
        room = max(limit - len(self._counts), 0)
        if not room:
            return new
        ranked = sorted(new.items(), key=_by_count)
        self._counts.update(ranked[:room])
        return dict(ranked[room:])

    def merge(self, other: "CategorySketch") -> None:
        """Add the rows of another sketch, which is unchanged.

        The most frequent categories of both keep their counts, so merging commutes. A category may lose its count, so
        do not merge into a live sketch.
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
        """A copy of the rows by category, with OTHER if it has any."""
        return self._counts | ({OTHER: self._others} if self._others else {})


class _Latest:
    """Tracks which uncounted categories are frequent among the latest rows, remembering at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[str, float] = {}
        self._rows = 0.0

    def frequent(self, batch: Mapping[str, int], unnamed: Mapping[str, int]) -> list[str]:
        """Count a batch; returns which of its `unnamed` categories are frequent."""
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
    """Sort key: most frequent first, ties by name."""
    name, count = each
    return -count, name

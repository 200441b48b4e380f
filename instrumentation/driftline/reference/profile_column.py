"""A column of a training profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.exponential import TINY
from driftline.sketch.histogram import Histogram
from driftline.sketch.pairs import Pair
from driftline.sketch.points import NumericPoints


class ColumnKey(NamedTuple):
    """A column of a model: `target` is `input`, `pair` (of inputs), `output` or `label`."""

    target: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ProfileColumn:
    """A column of the training data, in the whole and by chunk.

    Attributes:
        key: target and name.
        type: "float", "integer", "boolean", "string", "timestamp", "category" (numbers declared to be codes) or "pair".
        rows: rows of the data.
        numbers: the sketch of a numeric column; None for a categorical one.
        categories: rows by category, also of integers with few values.
        states: rows without a value by state ("missing", "non_finite"), without zeros.
        edges: inner bin edges of a numeric column, [bins - 1]; empty for a categorical one.
        bin_categories: categories with a bin of their own, [bins - 1]; the last bin holds all others.
        bins: rows by chunk and bin, [chunks, bins].
        state_rows: for each state that occurs, its rows by chunk, [chunks].
        pair: members and thresholds of a pair of inputs; else None.
        block: that it belongs to, in the user's words; None for one of its own choosing.
        cluster: of inputs that were correlated with it, the first one; None where they are few.
        decimals: rows by chunk and number of decimals, [chunks, LEVELS]; None where they are not known.
        tolerance: how far it may move before that matters, a share of rows; None for that of the whole model.

    """

    key: ColumnKey
    type: str
    rows: int
    numbers: NumericPoints | None
    categories: Mapping[str, int]
    states: Mapping[str, int]
    edges: FloatArray
    bin_categories: tuple[str, ...]
    bins: IntArray
    state_rows: Mapping[str, IntArray]
    pair: Pair | None = None
    tolerance: float | None = None
    decimals: IntArray | None = None
    block: str | None = None
    cluster: str | None = None

    @property
    def valid(self) -> int:
        """Rows with a value that is counted."""
        return self.rows - sum(self.states.values())

    @property
    def chunk_rows(self) -> IntArray:
        """Rows by chunk, with and without a value, [chunks]."""
        total: IntArray = self.bins.sum(axis=1) + sum(self.state_rows.values())
        return total

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest value of a numeric column, None without any.

        Exact, except after a merge: then the edge of the outermost bucket may stand for it.
        """
        if self.numbers is None or not self.numbers.valid:
            return None
        ends = [_ends(part) for part in (self.numbers.core, *self.numbers.tails.values()) if part.count]
        return min(low for low, _ in ends), max(high for _, high in ends)


def _ends(part: Histogram) -> tuple[float, float]:
    """Smallest and largest value of a histogram with rows, or where its outermost bucket ends."""
    seen = part.intervals()
    low = float(seen.lower.min()) if part.minimum is None else part.minimum
    high = float(seen.upper.max()) if part.maximum is None else part.maximum
    return (0.0 if abs(low) <= TINY else low), high

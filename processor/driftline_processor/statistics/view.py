"""What a statistic sees: a column of the window beside the same column of the reference, cell by cell."""

from collections.abc import Callable
from dataclasses import dataclass

from driftline.sketch import Intervals
from driftline_processor.records import FloatArray

NUMERIC = "numeric"
CATEGORY = "category"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Two samples of one column on the same cells.

    kind: `numeric` or `category`. reference, window: effective rows in each cell, [cells]. p, q: the same as shares.
    reference_values, window_values: the sketches themselves, for numeric columns. spread: that of the reference, in the
    column's own unit. reference_missing, window_missing: share of all rows, None where there are no rows.
    """

    kind: str
    reference: FloatArray
    window: FloatArray
    p: FloatArray
    q: FloatArray
    reference_values: Intervals
    window_values: Intervals
    spread: float
    reference_missing: float | None
    window_missing: float | None

    @classmethod
    def of(
        cls,
        kind: str,
        reference: FloatArray,
        window: FloatArray,
        reference_values: Intervals,
        window_values: Intervals,
        *,
        spread: float = 1.0,
        reference_missing: float | None = None,
        window_missing: float | None = None,
    ) -> "View":
        """A view of these counts; shares of an empty side are all 0."""
        p, q = (counts / max(float(counts.sum()), 1e-300) for counts in (reference, window))
        missing = (reference_missing, window_missing)
        return cls(kind, reference, window, p, q, reference_values, window_values, spread, *missing)

    @property
    def empty(self) -> bool:
        """Whether one side has no rows: nothing can be compared."""
        return not (self.p.any() and self.q.any())


@dataclass(frozen=True, slots=True)
class Statistic:
    """A distance that users read; the verdict decides by itself, see README.md in this folder.

    name: as in `ml.drift.<name>`. kinds: the columns it applies to. reading: how to read it. compute: at least 0, and 0
    where both sides are equal; None where one of them is empty.
    """

    name: str
    title: str
    kinds: frozenset[str]
    description: str
    reading: str
    compute: Callable[[View], float | None]


ANY_KIND = frozenset({NUMERIC, CATEGORY})

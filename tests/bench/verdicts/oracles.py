"""What scipy says of the raw rows of a column, and how far our statistics may lie from that."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from bench.verdicts.stream import Column
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC


class Raw(NamedTuple):
    """The rows of a column that have a value, and the edges of the reference's cells, of a numeric one."""

    reference: Column
    window: Column
    edges: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Oracle:
    """What scipy says of the raw rows, and how far ours may lie from that.

    below: by how much ours may be less. above: by how much it may be more. relative: added to both, a share of what
    scipy says. said: all of it for people.
    """

    statistic: str
    kind: str
    exact: Callable[[Raw], float]
    below: float
    above: float
    relative: float
    said: str

    @property
    def name(self) -> str:
        return f"{self.statistic}, {self.kind}"


def ks(raw: Raw) -> float:
    return float(stats.ks_2samp(raw.reference, raw.window, method="asymp").statistic)


def wasserstein(raw: Raw) -> float:
    return float(stats.wasserstein_distance(raw.reference, raw.window)) / _spread(raw.reference)


def _spread(rows: Column) -> float:
    """The unit of ours, from raw rows: IQR / 1.349, else the standard deviation, else the size of the constant."""
    return float(stats.iqr(rows)) / 1.349 or float(rows.std()) or abs(float(rows[0])) or 1.0


def jensen_shannon(raw: Raw) -> float:
    return float(distance.jensenshannon(*_table(raw), base=2))


def chi_square(raw: Raw) -> float:
    return float(stats.chi2_contingency(_table(raw), correction=False).statistic)


def _table(raw: Raw) -> NDArray[np.float64]:
    """Rows by category, or by cell, (lower, upper]; without those that are empty on both sides, [2, cells]."""
    rows = np.concatenate((raw.reference, raw.window))
    cells = rows.astype(str) if rows.dtype == object else raw.edges.searchsorted(rows)
    _, place = np.unique(cells, return_inverse=True)
    sides = np.split(place, [len(raw.reference)])
    return np.array([np.bincount(side, minlength=place.max() + 1) for side in sides], float)


ROUNDING: Final = 1e-9
"""Of sums that are added up in another order."""

ORACLES: Final = (
    # What both sketches are sure of, so never more. Less by the rows of a bucket, where the distance is widest inside
    # one: tests/contracts/test_sketch_accuracy.py holds .005, of heavy tails .01, and beside an atom .011.
    Oracle("ks", NUMERIC, ks, 0.01, ROUNDING, 0.0, "<= .01 below, never above"),
    # A row stands at the middle of its bucket: here too high, there too low, which leaves hundredths of a bucket, or
    # half of one where all moved into it. A bucket is 4.4 % wide where a column spans 16 octaves (scale 4). The unit is
    # an IQR of which either end may be off by half a bucket: .04 of it where values are few.
    Oracle("wasserstein", NUMERIC, wasserstein, 0.01, 0.01, 0.05, "<= .01 spreads + 5 %"),
    # The reference fills its cells exactly. A bucket of the window over several cells is split as the reference is
    # there: what is unlike it inside of one goes unseen, as with KS. To this it is held; what is sure is far wider, .1,
    # the root of the share of rows that may lie beyond an edge (Lin 1991).
    Oracle("js", NUMERIC, jensen_shannon, 0.01, 0.01, 0.0, "<= .01, over the same cells"),
    # Categories are counted, not sketched. Those never seen share one cell: neither sum changes by that.
    Oracle("js", CATEGORY, jensen_shannon, ROUNDING, ROUNDING, ROUNDING, "equal but for rounding"),
    Oracle("chi_square", CATEGORY, chi_square, ROUNDING, ROUNDING, ROUNDING, "equal but for rounding"),
)

NAMED: Final = {oracle.name: oracle for oracle in ORACLES}


@dataclass(frozen=True, slots=True)
class Compared:
    """One value. statistic: the name of its oracle. column: where, with its stream and window."""

    statistic: str
    column: str
    ours: float
    scipy: float

    @property
    def difference(self) -> float:
        return self.ours - self.scipy

    @property
    def used(self) -> float:
        """The difference over what is allowed; infinite where either value is no number."""
        oracle = NAMED[self.statistic]
        allowed = (oracle.above if self.difference > 0.0 else oracle.below) + oracle.relative * self.scipy
        used = abs(self.difference) / allowed
        return used if isfinite(used) else inf

    @property
    def holds(self) -> bool:
        return self.used <= 1.0

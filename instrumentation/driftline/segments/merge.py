"""Training's counts of two profiles with the same cells → those of the rows of both."""

import numpy as np

from driftline.segments.training import LABELLED, LOW, ROWS, WRONG, SegmentTraining, Variation
from driftline.sketch.arrays import FloatArray


def merge_training(a: SegmentTraining, b: SegmentTraining, chunks: int, scale: float) -> SegmentTraining | None:
    """Counts add up; of two variations the larger holds, and no less than the two profiles differ. None of other cells.

    Args:
        a: counts of one profile.
        b: of the other, in chunks of the same length.
        chunks: of the merged profile.
        scale: the length of the chunks of both, in those of the merged profile.

    """
    if (a.columns, a.paired, a.flags, a.declared) != (b.columns, b.paired, b.flags, b.declared):
        return None
    singles = a.lattice.singles
    between = [_between(a, b, flag, of, singles) for flag, of in ((ROWS, None), (LOW, ROWS), (WRONG, LABELLED))]
    varied = tuple(_larger(mine, its, between, scale) for mine, its in zip(a.variation, b.variation, strict=False))
    return SegmentTraining(a.columns, a.paired, chunks, a.sums + b.sums, _correction(a, b), varied, a.flags, a.declared)


def _correction(a: SegmentTraining, b: SegmentTraining) -> FloatArray:
    mine, its = (each.lattice.tables(each.sums[ROWS]) for each in (a, b))
    expected = mine / np.maximum(a.correction, 1e-9) + its / np.maximum(b.correction, 1e-9)
    return np.where(expected > 0.5, (mine + its) / np.maximum(expected, 0.5), 1.0)


def _between(a: SegmentTraining, b: SegmentTraining, flag: int, of: int | None, singles: int) -> FloatArray:
    """Squared coefficient of variation of a rate between two profiles, beyond what counting explains."""
    events = np.array([each.sums[flag, :singles] for each in (a, b)])
    rows = np.array([np.full(singles, each.rows) if of is None else each.sums[of, :singles] for each in (a, b)])
    rate = events.sum(0) / np.maximum(rows.sum(0), 1.0)
    seen = events / np.maximum(rows, 1.0)
    chance = (rate / np.maximum(rows, 1.0)).mean(0)
    found = np.maximum((seen[0] - seen[1]) ** 2 / 2 - chance, 0.0) / np.maximum(rate, 1e-9) ** 2
    return np.where((rows > 0).all(0) & (rate > 0), found, 0.0)


def _larger(mine: Variation, its: Variation, between: list[FloatArray], scale: float) -> Variation:
    shares, low, wrong = between
    return Variation(
        mine.duration * scale,
        max(mine.stretches, its.stretches),
        np.maximum.reduce([mine.shares, its.shares, shares]),
        np.maximum.reduce([mine.low, its.low, low]),
        np.maximum.reduce([mine.wrong, its.wrong, wrong]),
        np.maximum(mine.pairs, its.pairs),
    )

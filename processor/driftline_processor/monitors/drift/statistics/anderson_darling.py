"""Two-sample Anderson-Darling statistic, with ties. Source: Scholz and Stephens 1987, K-Sample Anderson-Darling Tests.

Over bins, because sketches of unlike layouts would tear ties apart. A bin is a tie: its rows share the middle rank. On
columns of many values that gives 5 to 20% more than the raw rows do, on columns of few values the same.
"""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import NUMERIC, Sample, Statistic, View


def anderson_darling(view: View) -> FloatArray:
    """The squared difference of the cumulative shares at middle ranks, over its variance were both samples alike.

    Equation 7 for samples of n and m rows: (N - 1) n m / N² times the sum of l (F - G)² / (h (1 - h) - l / 4), where l
    is the share of the N pooled rows in a bin, and h the share below its middle.
    """
    n, m = view.reference_rows, view.window_rows
    rows = np.maximum(n + m, 1.0)
    share = (view.reference + view.window) / rows[view.column]
    below = view.below(share)
    variance = below * np.maximum(1.0 - below - share, 0.0) + share * (1.0 - share) / 4  # h (1 - h) - l / 4
    gap = view.below(view.p - view.q) + (view.p - view.q) / 2
    terms = share * gap**2 / np.where(variance > 0.0, variance, 1.0)
    return view.known((rows - 1.0) * (n / rows) * (m / rows) * view.sums(terms))


def _oracle(reference: Sample, window: Sample) -> float:
    """Equation 7 as it stands. SciPy standardises it, and takes whole rows only."""
    pooled = reference.counts + window.counts
    rows, middle = pooled.sum(), np.cumsum(pooled) - pooled / 2
    variance = middle * (rows - middle) - rows * pooled / 4
    total = 0.0
    for counts in (reference.counts, window.counts):
        squares = (rows * (np.cumsum(counts) - counts / 2) - counts.sum() * middle) ** 2
        total += (pooled * squares)[pooled > 0.0] @ (1.0 / variance[pooled > 0.0]) / rows / counts.sum()
    return float(total * (rows - 1.0) / rows)


ANDERSON_DARLING = Statistic(
    name="anderson_darling",
    title="Anderson–Darling",
    kinds=frozenset({NUMERIC}),
    description="Squared difference of the cumulative shares over its variance, over bins: weighs tails more than KS",
    reading="About 1 by chance, above 2.5 in 5 windows of 100 (4 for two values); grows with the rows, as chi-square",
    compute=anderson_darling,
    oracle=_oracle,
)

"""Population stability index, in the form that credit scoring made known: about ten classes of the reference.

Source: Siddiqi, Credit Risk Scorecards (2006); the sum is Jeffreys' divergence (1946).
"""

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View

CLASSES = 10
"""Numeric bins are joined to tenths of the reference, so that the usual thresholds mean what they usually mean."""

PSEUDO_ROWS = 0.5
"""Added to every class of the smaller side, and as large a share to the other: an empty class would make the index
infinite (Krichevsky and Trofimov 1981), and equal shares stay equal."""


def population_stability_index(view: View) -> FloatArray:
    """The sum of (q - p) ln(q / p) over the classes, each share smoothed by half a row."""
    place, column, classes = _classes(view)
    both = [np.bincount(place, shares, len(column)) for shares in (view.p, view.q)]
    added = PSEUDO_ROWS / np.maximum(np.minimum(view.reference_rows, view.window_rows), 1e-300)
    p, q = (shares + added[column] for shares in both)
    divergence = np.bincount(column, (q - p) * np.log(q / p), len(classes))
    return view.known(divergence / (1.0 + added * classes))


def _classes(view: View) -> tuple[IntArray, IntArray, IntArray]:
    """The class of each bin, the column of each class, and the number of classes of each column."""
    middle = view.below(view.p) + view.p / 2  # summed over all columns: one on a bound may lie a hair below it
    tenth = np.clip((middle * CLASSES + 1e-9).astype(np.int64), 0, CLASSES - 1)
    single = np.arange(len(view.column)) - view.starts[view.column]
    classes = np.where(view.numeric, CLASSES, view.sizes)
    start = np.cumsum(classes) - classes
    place = start[view.column] + np.where(view.numeric[view.column], tenth, single)
    return place, np.repeat(np.arange(len(classes)), classes), classes


def _oracle(reference: Sample, window: Sample) -> float:
    """SciPy has none: class by class, as in a spreadsheet; numbers in tenths by the middle rank of their bin."""
    numeric = len(reference.values) > 0
    classes = np.zeros((2, 10 if numeric else len(reference.counts)))
    below = 0.0
    for i, (p, q) in enumerate(zip(reference.shares, window.shares, strict=True)):
        tenth = min(int(10 * (below + p / 2) + 1e-9), 9)
        classes[:, tenth if numeric else i] += p, q
        below += p
    half = 0.5 / min(reference.counts.sum(), window.counts.sum())
    p, q = (classes + half) / (1.0 + half * classes.shape[1])
    return float(((q - p) * np.log(q / p)).sum())


PSI = Statistic(
    name="psi",
    title="Population stability index",
    kinds=ANY_KIND,
    description="Sum of (q - p) ln(q / p) over tenths of the reference, or over categories",
    reading="0 equal. By convention .1 is some and .2 a large change; chance alone gives (classes - 1) / rows",
    compute=population_stability_index,
    oracle=_oracle,
)

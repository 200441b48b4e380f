"""Population stability index, in the form that credit scoring made known: about ten classes of the reference.

Source: Siddiqi, Credit Risk Scorecards (2006); the sum is Jeffreys' divergence (1946).
"""

import numpy as np

from driftline_processor.records import FloatArray
from driftline_processor.statistics.view import ANY_KIND, NUMERIC, Statistic, View

CLASSES = 10
"""Numeric cells are joined to tenths of the reference, so that the usual thresholds mean what they usually mean."""

PSEUDO_ROWS = 0.5
"""Added to every class of the smaller side, and as large a share to the other: an empty class would make the index
infinite (Krichevsky and Trofimov 1981), and equal shares stay equal."""


def population_stability_index(view: View) -> float | None:
    """The sum of (q - p) ln(q / p) over the classes, each share smoothed by half a row."""
    if view.empty:
        return None
    p, q = _classes(view, view.p), _classes(view, view.q)
    added = PSEUDO_ROWS / float(min(view.reference.sum(), view.window.sum()))
    p, q = p + added, q + added
    return float((q - p) @ np.log(q / p) / (1.0 + added * len(p)))


def _classes(view: View, shares: FloatArray) -> FloatArray:
    if view.kind != NUMERIC:
        return shares
    middle = np.cumsum(view.p) - view.p / 2
    tenth = np.minimum((middle * CLASSES).astype(np.int64), CLASSES - 1)
    return np.bincount(tenth, shares, CLASSES).astype(np.float64)


PSI = Statistic(
    name="psi",
    title="Population stability index",
    kinds=ANY_KIND,
    description="Sum of (q - p) ln(q / p) over tenths of the reference, or over categories",
    reading="0 equal. By convention .1 is some and .2 a large change; chance alone gives (classes - 1) / rows",
    compute=population_stability_index,
)

"""Pearson's chi-square of the table reference x window. Source: Pearson 1900."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View


def chi_square(view: View) -> FloatArray:
    """The sum of (observed - expected)²/expected over the table; bins that are empty on both sides drop out."""
    expected_reference, expected_window = expected_counts(view)
    distance = (view.reference - expected_reference) ** 2 / _positive(expected_reference)
    return view.known(view.sums(distance + (view.window - expected_window) ** 2 / _positive(expected_window)))


def expected_counts(view: View) -> tuple[FloatArray, FloatArray]:
    """Counts of both sides, were the shares equal."""
    both = view.reference + view.window
    rows = view.window_rows + view.reference_rows
    share = (view.window_rows / np.maximum(rows, 1e-300))[view.column]
    return both * (1.0 - share), both * share


def _positive(expected: FloatArray) -> FloatArray:
    return np.where(expected > 0.0, expected, 1.0)


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy import stats

    table = np.array([reference.counts, window.counts])
    filled = table[:, table.sum(axis=0) > 0.0]
    return float(stats.chi2_contingency(filled, correction=False).statistic)


CHI_SQUARE = Statistic(
    name="chi_square",
    title="Chi-square",
    kinds=ANY_KIND,
    description="Pearson's statistic of the table reference × window, over bins or categories",
    reading="About the number of bins less one by chance; it grows with the rows: read it beside the sample counts",
    compute=chi_square,
    oracle=_oracle,
)

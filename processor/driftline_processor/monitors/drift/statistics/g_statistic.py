"""The likelihood-ratio statistic G of the table reference x window. Source: Wilks 1938; Woolf 1957."""

import numpy as np
from scipy.special import rel_entr

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.chi_square import expected_counts
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View


def g_test(view: View) -> FloatArray:
    """2 sum observed ln(observed / expected) over both rows of the table; an empty bin adds nothing."""
    reference, window = expected_counts(view)
    entropy = rel_entr(view.reference, reference) + rel_entr(view.window, window)
    return view.known(np.maximum(2.0 * view.sums(entropy), 0.0))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy import stats

    table = np.array([reference.counts, window.counts])
    filled = table[:, table.sum(axis=0) > 0.0]
    return float(stats.chi2_contingency(filled, correction=False, lambda_="log-likelihood").statistic)


G_TEST = Statistic(
    name="g",
    title="G",
    kinds=ANY_KIND,
    description="Likelihood-ratio statistic of the table reference × window, over bins or categories",
    reading="As chi-square, and nearer to its distribution when categories are rare",
    compute=g_test,
    oracle=_oracle,
)

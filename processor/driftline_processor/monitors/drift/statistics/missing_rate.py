"""Difference of the missing rates."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View


def missing_rate(view: View) -> FloatArray:
    """|share missing in the window - share missing in the reference|."""
    return np.abs(view.window_missing - view.reference_missing)


def _oracle(reference: Sample, window: Sample) -> float:
    return abs(window.missing - reference.missing)


MISSING_RATE = Statistic(
    name="missing_rate",
    title="Missing-rate difference",
    kinds=ANY_KIND,
    description="Absolute difference between the shares of missing rows",
    reading="0 equal. .05 means 5 points of share; the verdict's text says in which direction",
    compute=missing_rate,
    oracle=_oracle,
)

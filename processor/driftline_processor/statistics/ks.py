"""Kolmogorov-Smirnov distance, by its certain lower bound: no interpolation inside a bucket of either sketch."""

from driftline.sketch import ks_lower_bound
from driftline_processor.statistics.view import NUMERIC, Statistic, View


def kolmogorov_smirnov(view: View) -> float | None:
    """The largest difference of the two cumulative shares that both sketches are sure of."""
    if not (view.reference_values.total and view.window_values.total):
        return None
    return ks_lower_bound(view.reference_values, view.window_values)


KS = Statistic(
    name="ks",
    title="Kolmogorov–Smirnov",
    kinds=frozenset({NUMERIC}),
    description="Largest difference between the cumulative shares; never above the exact value",
    reading="0 equal, 1 disjoint. .05 means that the share below some value moved by 5 points",
    compute=kolmogorov_smirnov,
)

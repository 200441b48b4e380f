"""Difference of the missing rates."""

from driftline_processor.statistics.view import ANY_KIND, Statistic, View


def missing_rate(view: View) -> float | None:
    """|share missing in the window - share missing in the reference|."""
    if view.reference_missing is None or view.window_missing is None:
        return None
    return abs(view.window_missing - view.reference_missing)


MISSING_RATE = Statistic(
    name="missing_rate",
    title="Missing-rate difference",
    kinds=ANY_KIND,
    description="Absolute difference between the shares of missing rows",
    reading="0 equal. .05 means 5 points of share; the verdict's text says in which direction",
    compute=missing_rate,
)

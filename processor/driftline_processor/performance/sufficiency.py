"""From how many labels on a metric is told; fewer give intervals that say nothing, or do not hold."""

from typing import Final

from driftline_processor.performance.measured import Refused

FEWEST_LABELS: Final = 20
FEWEST_OF_CLASS: Final = 5


def too_few_labels(rows: float) -> Refused | None:
    """For every metric of a window."""
    if rows >= FEWEST_LABELS:
        return None
    return Refused(f"{rows:,.0f} labelled rows (at least {FEWEST_LABELS} needed)")


def too_few_of_class(rows: float, noun: str, name: str) -> Refused | None:
    """For the metrics of a class. noun: `labels` or `predictions`."""
    if rows >= FEWEST_OF_CLASS:
        return None
    return Refused(f"{rows:,.0f} {noun} of class {name!r} (at least {FEWEST_OF_CLASS} needed)")

"""What a column holds, for people to read: with or without a reference."""

from collections.abc import Mapping

import numpy as np

from driftline.semconv import OTHER
from driftline.sketch.exponential import TINY
from driftline_processor.monitors.drift.binning.binned_counts import STATES
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.records import ColumnSummary

QUANTILES = {"p05": 0.05, "p50": 0.5, "p95": 0.95}

TOP = 50
"""Classes that are listed; the others are added up."""


def numbers(stacked: StackedIntervals) -> list[dict[str, float]]:
    """Mean and quantiles of each column's numbers; nothing where it has none."""
    filled = np.flatnonzero(stacked.totals)
    held = stacked.take(filled)
    quantiles = held.quantiles(tuple(QUANTILES.values()))
    quantiles[np.abs(quantiles) <= TINY] = 0.0  # within the interval of zero
    values = zip(held.means.tolist(), *quantiles.T.tolist(), strict=True)
    found: list[dict[str, float]] = [{} for _ in range(len(stacked))]
    for column, each in zip(filled.tolist(), values, strict=True):
        found[column] = dict(zip(("mean", *QUANTILES), each, strict=True))
    return found


def state_shares(summary: ColumnSummary) -> dict[str, float]:
    """Shares of the rows without a usable value, by their state, of those states that came."""
    if not summary.rows:
        return {}
    return {state: rows / summary.rows for state in STATES if (rows := summary.states.get(state, 0.0))}


def class_shares(categories: Mapping[str, float]) -> dict[str, float]:
    """Shares of the most frequent classes, and of all others together; nothing where there are none."""
    total = sum(categories.values())
    if not total:
        return {}
    seen = [name for name, rows in categories.items() if rows and name != OTHER]
    ranked = sorted(seen, key=lambda name: (-categories[name], name))
    shares = {name: categories[name] / total for name in ranked[:TOP]}
    others = 1.0 - sum(shares.values())
    return shares | ({OTHER: others} if len(ranked) > TOP or categories.get(OTHER) else {})

"""Results as JSON: what `replay --json`, the API and the page say of a column, under one set of names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.records import ColumnKey, ColumnResult, Histogram
from driftline_processor.verdicts.fields import fields
from driftline_processor.verdicts.reasons import ChangedDecimals, ManyCategories, ManyColumns, Moved, NeverSeen, Reason
from driftline_processor.verdicts.shift import direction
from driftline_processor.verdicts.verdict import Verdict

MOST_CUTS: Final = 16
"""Edges of a histogram that are evenly apart, and as many that part the training rows evenly."""

_DIGITS: Final = 6

_EVENTS: Final = (Moved, NeverSeen, ChangedDecimals, ManyCategories, ManyColumns)
"""Reasons that say what moved."""


def column_document(column: ColumnResult) -> dict[str, Any]:
    """Nulls where the reference does not know the column: nothing is judged. alarm: whether one is open."""
    verdict = column.verdict
    return {
        "target": column.column.target,
        "type": column.type or None,
        "rows": round(column.rows, 3),
        "effective_rows": round(column.effective_rows, 3),
        "reference_rows": round(column.reference_rows, 3),
        "distance": verdict and verdict.distance,
        "lower_bound": verdict and verdict.lower_bound,
        "tolerance": verdict and verdict.tolerance,
        "alarm": column.alarm is not None,
        "state": verdict and verdict.state.value,
        "sentence": verdict and verdict.sentence,
        **moved_document(column),
        "reasons": verdict and reason_documents(verdict),
        "quantiles": {"reference": dict(column.reference_distribution), "current": dict(column.distribution)},
        "shares": {"reference": dict(column.reference_shares), "current": dict(column.shares)},
        "states": dict(column.states),
        "histogram": column.histogram and histogram_document(column.histogram),
        "statistics": dict(column.statistics),
    }


def reason_documents(verdict: Verdict) -> list[dict[str, Any]]:
    """Each with its kind, and what is known of it."""
    return [fields(reason) for reason in verdict.reasons]


def moved_document(column: ColumnResult) -> dict[str, Any]:
    """The event that a verdict is about, its share of the rows in training and now, and which way values went."""
    verdict = column.verdict
    reason = next((each for each in verdict.reasons if isinstance(each, _EVENTS)), None) if verdict else None
    if verdict is None or reason is None:
        return dict.fromkeys(("event", "before", "after", "direction"))
    before, after = event_shares(reason)
    known = (column.reference_distribution, column.distribution) if verdict.aspect == "value" else ({}, {})
    told = fields(reason)
    whither = direction(verdict.reasons, *known)
    return {"event": told.get("event", told["kind"]), "before": before, "after": after, "direction": whither or None}


def event_shares(reason: Reason) -> tuple[float | None, float | None]:
    """Of the rows, in training and now; None where that is not known."""
    match reason:
        case Moved() | ChangedDecimals():
            return reason.before, reason.after
        case NeverSeen():
            return 0.0, reason.share
    return None, None


def histogram_document(histogram: Histogram) -> dict[str, Any]:
    """In fewer bins, each of several of the reference: shares of the rows, and the edges between them."""
    cuts = _cuts(histogram)
    parts = (histogram.reference, histogram.current)
    reference, current = (np.add.reduceat(shares, [0, *(cuts + 1).tolist()]) for shares in parts)
    return {
        "edges": rounded(histogram.edges[cuts]),
        "reference": rounded(reference),
        "current": rounded(current),
    }


def _cuts(histogram: Histogram) -> IntArray:
    """Which edges stay: the first and the last, some at even distances, and some at quantiles of the training data."""
    edges, last = histogram.edges, len(histogram.edges) - 1
    if last < 2 * MOST_CUTS:
        return np.arange(last + 1)
    even = edges.searchsorted(np.linspace(edges[0], edges[-1], MOST_CUTS))
    below = histogram.reference.cumsum()[:-1]
    masses = below.searchsorted(np.linspace(0.0, 1.0, MOST_CUTS))
    return np.unique(np.clip(np.concatenate(([0, last], even, masses)), 0, last))


def rounded(values: Sequence[float] | FloatArray) -> list[float]:
    """To six significant digits: more is not seen, and longer."""
    return [float(f"{value:.{_DIGITS}g}") for value in np.asarray(values).tolist()]


def named_columns(columns: Sequence[ColumnResult]) -> Mapping[str, ColumnResult]:
    """By name; by target and name where an input and an output are named alike."""
    times = Counter(each.column.name for each in columns)
    return {column_name(each.column, times): each for each in columns}


def column_name(key: ColumnKey, times: Mapping[str, int]) -> str:
    """times: columns by name."""
    return key.name if times[key.name] == 1 else f"{key.target}.{key.name}"

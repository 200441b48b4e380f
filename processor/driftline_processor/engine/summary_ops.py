"""Operations on column summaries: their sum, the bounds on their size, and their form in a snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.semconv import OTHER
from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray
from driftline_processor.records import ColumnSummary

MAX_INTERVALS: Final = 2048
"""Intervals of a column in one pane; senders with different layouts add up to a few hundred."""

MAX_CATEGORIES: Final = 1000
"""Categories of a column in one pane; rows of further ones are counted as OTHER."""


def total(summaries: Iterable[ColumnSummary]) -> ColumnSummary:
    """The sum of summaries, within the bounds on intervals and categories."""
    every = list(summaries)
    if len(every) == 1:
        return every[0]
    filled = [summary.intervals for summary in every if len(summary.intervals)]
    return bounded(
        ColumnSummary(
            intervals=filled[0].merge(*filled[1:]) if filled else Intervals.empty(),
            categories=_sum(summary.categories for summary in every),
            states=_sum(summary.states for summary in every),
            rows=sum(summary.rows for summary in every),
            squares=sum(summary.squares for summary in every),
            decimals=_sum(summary.decimals for summary in every),
        )
    )


def bounded(summary: ColumnSummary) -> ColumnSummary:
    """The same rows in at most MAX_INTERVALS intervals and MAX_CATEGORIES categories."""
    if len(summary.intervals) > MAX_INTERVALS:
        summary = replace(summary, intervals=summary.intervals.compact(MAX_INTERVALS))
    if len(summary.categories) > MAX_CATEGORIES:
        summary = replace(summary, categories=_largest(summary.categories))
    return summary


def _largest(categories: Mapping[str, float]) -> dict[str, float]:
    """The largest categories, ties by name, and the rest as OTHER."""
    named = ((name, rows) for name, rows in categories.items() if name != OTHER)
    ordered = sorted(named, key=lambda item: (-item[1], item[0]))
    kept = dict(ordered[: MAX_CATEGORIES - 1])
    rest = sum(rows for _, rows in ordered[MAX_CATEGORIES - 1 :])
    return {**kept, OTHER: rest + categories.get(OTHER, 0.0)}


def _sum(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    added: dict[str, float] = {}
    for each in counts:
        for name, rows in each.items():
            added[name] = added.get(name, 0.0) + rows
    return added


def pack_summary(summary: ColumnSummary) -> tuple[object, ...]:
    """A summary as plain values for MessagePack, but for its decimals."""
    held = summary.intervals
    arrays = tuple(_bytes(array) for array in (held.lower, held.upper, held.weight))
    return (*arrays, dict(summary.categories), dict(summary.states), summary.rows, summary.squares)


def unpack_summary(
    packed: tuple[bytes, bytes, bytes, dict[str, float], dict[str, float], float, float],
) -> ColumnSummary:
    lower, upper, weight, categories, states, rows, squares = packed
    intervals = Intervals(*(np.frombuffer(part, "<f8").astype(np.float64) for part in (lower, upper, weight)))
    return ColumnSummary(intervals, categories, states, rows, squares)


def _bytes(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array, "<f8").tobytes()

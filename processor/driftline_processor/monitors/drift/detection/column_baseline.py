"""A column of a reference, prepared once for all windows to come."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, OTHER, WRONG_TYPE
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.binned_counts import STATES
from driftline_processor.monitors.drift.binning.decimal_columns import DECIMALS
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.harmonics import DailyCycle, fit_cycle
from driftline_processor.monitors.drift.detection.novelty import Unseen, unseen_categories, unseen_numbers
from driftline_processor.monitors.drift.detection.selection_bias import undo_selection
from driftline_processor.monitors.drift.detection.tested_sets import (
    BinSets,
    category_events,
    decimal_events,
    numeric_events,
    state_events,
)
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.records import ReferenceColumn
from driftline_processor.reference.category_bins import minor_shares, without_cell

VALUE = "value"
ASPECTS = (VALUE, *STATES)

BUDGET: Mapping[str, float] = {VALUE: 0.6, MISSING: 0.2, NON_FINITE: 0.1, WRONG_TYPE: 0.1}
"""How the false alarms that a column may raise are split over its aspects: most of them are tests of values."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnBaseline:
    """chunks: counts by chunk and bin, corrected for selection. events and values: of the column's values.

    cycle: what the time of day does to its bins; `values` are without it. states: one of STATES after the other.
    tests: events of the values that may move by themselves.
    """

    chunks: FloatArray
    events: BinSets
    values: Baseline
    cycle: DailyCycle
    unseen: Unseen
    states: tuple[Baseline, ...]
    tests: int
    level: "ColumnLevel"


class ColumnLevel(NamedTuple):
    """The event that a shift of a column moves most: of numbers the ranks, else the bin that parts the rows best.

    rows: of each chunk; excess: how many more of them than in the whole are in it, time of day apart, [chunks].
    """

    event: int
    rows: FloatArray
    excess: FloatArray


def prepare(column: ReferenceColumn, tolerance: float, starts: FloatArray, ends: FloatArray) -> ColumnBaseline:
    """Starts and ends: of each chunk, Unix seconds; none where the time of day is of no concern."""
    chunks = _chunks(column)
    bins, numeric = chunks.shape[1], column.kind == NUMERIC and bool(chunks.sum())
    shares = chunks.sum(axis=0) / max(float(chunks.sum()), 1.0)
    of_decimals = column.key.target == DECIMALS
    events = decimal_events(bins) if of_decimals else category_events(bins)
    if numeric:
        events = numeric_events(bins).with_ranks(shares)
    cycle, timeless = fit_cycle(chunks, starts, ends, _rows(column, chunks))
    values, level = Baseline.of(timeless, events, tolerance, ordered=numeric), _level(timeless, events)
    if cycle:
        values = values.over_a_day(events.sums(cycle.of_day()), cycle.parameters)
    tests = len(events) if numeric or of_decimals else _number_of_tests(shares)
    if column.minor:
        parts = minor_shares(column)
        events, values = category_events(bins - 1 + len(parts), len(parts)), values.divided(parts)
        cycle, tests = cycle.divided(parts), len(events)
    states = tuple(_state(column, state, tolerance) for state in STATES)
    unseen = _unseen(column, float(chunks.sum()), tolerance)
    return ColumnBaseline(chunks, events, values, cycle, unseen, states, tests, level)


def _level(chunks: FloatArray, events: BinSets) -> ColumnLevel:
    rows, held = chunks.sum(axis=1), events.sums(chunks)
    shares = held.sum(axis=0) / max(float(rows.sum()), 1.0)
    event = len(events) - 1 if len(events.ranks) else int(np.abs(shares - 0.5).argmin())
    return ColumnLevel(event, rows, held[:, event] - rows * shares[event])


def _chunks(column: ReferenceColumn) -> FloatArray:
    """Counts by chunk and bin, as if the categories with a bin of their own had not been picked by these rows."""
    named = {name: rows for name, rows in column.summary.categories.items() if name != OTHER}
    if column.kind == NUMERIC or len(named) <= len(column.categories):
        return column.chunks
    most = max(rows for name, rows in without_cell(column).items() if name != OTHER)
    return undo_selection(column.chunks, list(named.values()), most)


def _rows(column: ReferenceColumn, chunks: FloatArray) -> FloatArray:
    """Of each chunk, those without a value too."""
    without = [counts[:, 1] for counts in column.states.values()]
    return np.asarray(chunks.sum(axis=1) + sum(without))


def timeless(column: ReferenceColumn, starts: FloatArray, ends: FloatArray) -> ReferenceColumn:
    """The column as its chunks were without what the time of day does to them."""
    _, chunks = fit_cycle(column.chunks, starts, ends, _rows(column, column.chunks))
    return replace(column, chunks=chunks)


def _number_of_tests(shares: FloatArray) -> int:
    """Categories that may move by themselves: of two that are all there is, one is the other."""
    held = int(np.count_nonzero(shares))
    return held if held != 2 else 1


def _unseen(column: ReferenceColumn, rows: float, tolerance: float) -> Unseen:
    if column.kind == NUMERIC:
        return unseen_numbers(rows, tolerance)
    single = sum(rows <= 1.0 for rows in without_cell(column).values())
    return unseen_categories(column.chunks, single, tolerance)


def _state(column: ReferenceColumn, state: str, tolerance: float) -> Baseline:
    """A state as a column of two bins; one that training never had is a constant."""
    counts = column.states.get(state)
    if counts is None or not counts[:, 1].any():
        return _never(column.summary.rows if counts is None else float(counts.sum()), tolerance)
    return Baseline.of(counts, state_events(), tolerance, ordered=False)


@lru_cache(maxsize=64)
def _never(rows: float, tolerance: float) -> Baseline:
    """A state that none of the rows was in."""
    return Baseline.of(np.array([[rows, 0.0]]), state_events(), tolerance, ordered=False)

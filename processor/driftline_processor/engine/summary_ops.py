"""Tallies: what a column held, as a value. Their sum, the bounds on their size, and their form in a snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.semconv import OTHER
from driftline.sketch import Intervals
from driftline_processor.records import FloatArray, Tally

MAX_INTERVALS: Final = 2048
"""Intervals of a column in one pane: senders with layouts of their own add up to a few hundred."""

MAX_CATEGORIES: Final = 1000
"""Categories of a column in one pane; a row of a further one is counted as OTHER."""


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies, within the bounds on intervals and categories."""
    every = list(tallies)
    if len(every) == 1:
        return every[0]
    filled = [tally.intervals for tally in every if len(tally.intervals)]
    return bounded(
        Tally(
            intervals=filled[0].merge(*filled[1:]) if filled else Intervals.empty(),
            categories=_sum(tally.categories for tally in every),
            states=_sum(tally.states for tally in every),
            rows=sum(tally.rows for tally in every),
            squares=sum(tally.squares for tally in every),
        )
    )


def bounded(tally: Tally) -> Tally:
    """The same rows in at most MAX_INTERVALS intervals and MAX_CATEGORIES categories."""
    if len(tally.intervals) > MAX_INTERVALS:
        tally = replace(tally, intervals=tally.intervals.compact(MAX_INTERVALS))
    if len(tally.categories) > MAX_CATEGORIES:
        tally = replace(tally, categories=_largest(tally.categories))
    return tally


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


def pack(tally: Tally) -> tuple[object, ...]:
    """Plain values that MessagePack knows."""
    held = tally.intervals
    arrays = tuple(_bytes(array) for array in (held.lower, held.upper, held.weight))
    return (*arrays, dict(tally.categories), dict(tally.states), tally.rows, tally.squares)


def unpack(packed: tuple[bytes, bytes, bytes, dict[str, float], dict[str, float], float, float]) -> Tally:
    lower, upper, weight, categories, states, rows, squares = packed
    intervals = Intervals(*(np.frombuffer(part, "<f8").astype(np.float64) for part in (lower, upper, weight)))
    return Tally(intervals, categories, states, rows, squares)


def _bytes(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array, "<f8").tobytes()

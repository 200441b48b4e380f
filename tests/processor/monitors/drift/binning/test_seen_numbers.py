"""Seen numbers: where the training data had values, and what lies beyond."""

import numpy as np

from driftline.sketch import Intervals
from driftline_processor.monitors.drift.binning.seen_numbers import SeenNumbers


def beyond(seen: list[float], values: list[float]) -> float:
    return SeenNumbers(Intervals.of_values(seen)).beyond(Intervals.of_values(values)).total


def test_outside_the_range_and_in_gaps() -> None:
    """Of a column with two levels a third one is new, between them or beyond; the known ones are not."""
    levels = [2.0] * 500 + [8.0] * 500

    assert beyond(levels, [2.0, 8.0, 8.0]) == 0.0
    assert beyond(levels, [5.0, -4.0, 30.0]) == 3.0


def test_a_little_beyond_the_range_is_not_new() -> None:
    """What lies as near to a seen value as a fifth of the usual range goes with the seen ones."""
    seen = list(np.linspace(0.0, 100.0, 1_001))

    assert beyond(seen, [-5.0, 110.0]) == 0.0
    assert beyond(seen, [-50.0, 150.0]) == 2.0


def test_an_outlier_in_training_does_not_widen_what_is_seen() -> None:
    """One 1e9 in a thousand rows makes 1e9 known, and nothing between."""
    seen = [*np.linspace(0.0, 1.0, 999), 1e9]

    assert beyond(seen, [1e9, 0.5]) == 0.0
    assert beyond(seen, [32.0, 5e8]) == 2.0


def test_of_a_constant_every_other_value_is_new() -> None:
    """A constant has no range: 3.5 is known, 3.51 is not."""
    assert beyond([3.5] * 100, [3.5, 3.51]) == 1.0


def test_without_training_rows_everything_is_new() -> None:
    """Nothing seen, nothing known."""
    assert beyond([], [1.0, 2.0]) == 2.0

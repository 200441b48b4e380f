"""Novelty: values that training never saw, and how much of it the training data itself predicts."""

import numpy as np
import pytest

from driftline.sketch import Intervals
from driftline_processor.monitors.drift.detection.novelty import (
    SeenNumbers,
    assess_novelty,
    unseen_categories,
    unseen_numbers,
)

ALPHA = 1e-7


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


def test_nothing_excuses_new_numbers() -> None:
    """A window all of new values alarms with five rows; a twentieth of the rows never does."""
    unseen = unseen_numbers(50_000.0, 0.05)

    assert assess_novelty(unseen, 5.0, 5.0, ALPHA).score[0] > 1.0
    assert assess_novelty(unseen, 50.0, 1_000.0, ALPHA).score[0] <= 1.0
    assert assess_novelty(unseen, 100.0, 1_000.0, ALPHA).score[0] > 1.0


def test_a_new_category_needs_few_rows() -> None:
    """One percent of rows in a category that training never saw is an alarm; one row in a thousand is not."""
    unseen = unseen_categories(np.tile([300.0, 200.0], (100, 1)), 0, 0.05)

    assert unseen.share == 0.0
    assert assess_novelty(unseen, 10.0, 1_000.0, ALPHA).score[0] > 1.0
    assert assess_novelty(unseen, 1.0, 1_000.0, ALPHA).score[0] <= 1.0


def test_training_that_keeps_seeing_new_categories_predicts_more() -> None:
    """Where each chunk brought a category of its own with 20 rows, as many in a window are no news."""
    chunks = np.hstack([np.full((100, 1), 480.0), 20.0 * np.eye(100)])
    unseen = unseen_categories(chunks, 0, 0.05)

    assert unseen.share == pytest.approx(0.04)
    assert unseen.burst == pytest.approx(20.0)
    assert assess_novelty(unseen, 40.0, 1_000.0, ALPHA).score[0] <= 0.0
    assert assess_novelty(unseen, 400.0, 1_000.0, ALPHA).score[0] > 1.0


def test_categories_seen_once_predict_as_good_and_turing() -> None:
    """Single rows in unlisted categories add their share of the rows."""
    assert unseen_categories(np.tile([90.0, 9.0], (10, 1)), 10, 0.05).share == pytest.approx(10 / 990)

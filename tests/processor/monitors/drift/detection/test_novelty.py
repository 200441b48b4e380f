"""Novelty: values that training never saw, and how much of it the training data itself predicts."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.novelty import (
    assess_novelty,
    unseen_categories,
    unseen_numbers,
)

ALPHA = 1e-7
OF_COLUMN = 2e-5
"""Of one in five columns: a false alarm in 30 days, in hourly windows and the horizons that end with them."""


def test_nothing_excuses_new_numbers() -> None:
    """A window all of new values alarms with five rows; a twentieth of the rows never does."""
    unseen = unseen_numbers(50_000.0, 0.05)

    assert assess_novelty(unseen, 5.0, 5.0, ALPHA, OF_COLUMN).score[0] > 1.0
    assert assess_novelty(unseen, 50.0, 1_000.0, ALPHA, OF_COLUMN).score[0] <= 1.0
    assert assess_novelty(unseen, 100.0, 1_000.0, ALPHA, OF_COLUMN).score[0] > 1.0


def test_a_new_category_needs_few_rows() -> None:
    """One percent of rows in a category that training never saw is an alarm; one row in a thousand is not."""
    unseen = unseen_categories(np.tile([300.0, 200.0], (100, 1)), 0, 0.05)

    assert unseen.share == 0.0
    assert assess_novelty(unseen, 10.0, 1_000.0, ALPHA, OF_COLUMN).score[0] > 1.0
    assert assess_novelty(unseen, 1.0, 1_000.0, ALPHA, OF_COLUMN).score[0] <= 1.0


def test_training_that_keeps_seeing_new_categories_predicts_more() -> None:
    """Where each chunk brought a category of its own with 20 rows, as many in a window are no news."""
    chunks = np.hstack([np.full((100, 1), 480.0), 20.0 * np.eye(100)])
    unseen = unseen_categories(chunks, 0, 0.05)

    assert unseen.share == pytest.approx(0.04)
    assert unseen.burst == pytest.approx(20.0)
    assert assess_novelty(unseen, 40.0, 1_000.0, ALPHA, OF_COLUMN).score[0] <= 0.0
    assert assess_novelty(unseen, 400.0, 1_000.0, ALPHA, OF_COLUMN).score[0] > 1.0


def test_categories_seen_once_predict_as_good_and_turing() -> None:
    """Single rows in unlisted categories add their share of the rows."""
    assert unseen_categories(np.tile([90.0, 9.0], (10, 1)), 10, 0.05).share == pytest.approx(10 / 990)

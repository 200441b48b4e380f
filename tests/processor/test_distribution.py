"""Distributions: what a column holds, for people."""

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline_processor.distribution import TOP, class_shares, kish, numbers
from driftline_processor.records import Tally
from made_columns import numeric_tally


def test_mean_and_quantiles() -> None:
    """Through the sketch they are those of the values, within a bucket."""
    values = np.random.default_rng(1).normal(10.0, 2.0, 20_000)

    found = numbers(numeric_tally(values))

    assert found == pytest.approx(
        {"mean": values.mean()} | {f"p{q:02}": np.percentile(values, q) for q in (5, 50, 95)}, abs=0.05
    )


def test_nothing_is_said_of_no_rows() -> None:
    """An empty column has no mean and no shares."""
    assert numbers(Tally()) == {}
    assert class_shares({}) == {}


def test_the_most_frequent_classes_and_the_rest() -> None:
    """Shares of at most fifty classes, and one for all others: together 1."""
    found = class_shares({f"c{i:03}": float(200 - i) for i in range(200)} | {OTHER: 100.0})

    assert len(found) == TOP + 1
    assert list(found)[:2] == ["c000", "c001"]
    assert sum(found.values()) == pytest.approx(1.0)


def test_few_classes_have_no_rest() -> None:
    """Where all classes are told there is no other."""
    assert class_shares({"a": 3.0, "b": 1.0}) == {"a": 0.75, "b": 0.25}


def test_effective_rows() -> None:
    """Ten rows of weight 1 and one of weight 10 count for 400/110 rows; unweighted rows for themselves."""
    assert 20.0 * kish(Tally(rows=20.0, squares=110.0)) == pytest.approx(400 / 110)
    assert kish(Tally(rows=20.0, squares=20.0)) == 1.0
    assert kish(Tally()) == 1.0

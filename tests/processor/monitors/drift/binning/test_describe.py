"""Distributions: what a column holds, for people."""

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline.sketch import Intervals
from driftline_processor.monitors.drift.binning.describe import TOP, class_shares, numbers
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from interval_statistics import mean
from made_columns import numeric_summary


def test_mean_and_quantiles() -> None:
    """Through the sketch they are those of the values, within a bucket."""
    values = np.random.default_rng(1).normal(10.0, 2.0, 20_000)

    (found,) = numbers(StackedIntervals.of([numeric_summary(values).intervals]))

    assert found == pytest.approx(
        {"mean": values.mean()} | {f"p{q:02}": np.percentile(values, q) for q in (5, 50, 95)}, abs=0.05
    )


def test_quantiles_are_those_of_each_column_alone() -> None:
    """Columns side by side, with buckets that overlap or not, have the quantiles of their own intervals, ties too."""
    random = np.random.default_rng(2)
    parts = [random.normal(size=30), random.lognormal(size=3_000), np.full(40, 7.0)]
    stacked = [numeric_summary(part).intervals for part in parts]
    stacked.append(stacked[1].merge(numeric_summary(parts[0] * 10.0).intervals))

    found = numbers(StackedIntervals.of(stacked))

    assert [list(each.values())[1:] for each in found] == [
        pytest.approx(b.quantiles((0.05, 0.5, 0.95))) for b in stacked
    ]
    assert [each["mean"] for each in found] == pytest.approx([mean(each) for each in stacked])


def test_zeros_are_told_as_zero() -> None:
    """A flag's quantiles lie in the interval of zero, which has a width that nobody can measure."""
    (found,) = numbers(StackedIntervals.of([numeric_summary(np.repeat([0.0, 1.0], [97, 3])).intervals]))

    assert (found["p05"], found["p50"], found["p95"]) == (0.0, 0.0, 0.0)


def test_nothing_is_said_of_no_rows() -> None:
    """An empty column has no mean and no shares."""
    assert numbers(StackedIntervals.of([Intervals.empty()])) == [{}]
    assert numbers(StackedIntervals.of([])) == []
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

"""What the values of a column are."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftline.sketch import hashed
from driftline.sketch.values import class_name, class_names, split


def array(*values: Any) -> Any:
    result = np.empty(len(values), object)
    result[:] = values
    return result


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (np.array([1.5, np.nan]), [1.5, np.nan]),
        (np.array([1.5], np.float32), [1.5]),
        (np.array([1.5], np.float16), [1.5]),
        (np.array([1, 2], np.int8), [1, 2]),
        (np.array([2**63], np.uint64), [2.0**63]),
        (np.array([True, False]), [1, 0]),
        (np.array(["1970-01-02", "NaT"], "datetime64[D]"), [86400, np.nan]),
        (np.array(["1970-01-01T00:00:00.5"], "datetime64[ns]"), [0.5]),
        (np.array([90, "NaT"], "timedelta64[m]"), [5400, np.nan]),
        (array(1, 2.5, True), [1, 2.5, 1]),
        (array(Decimal("0.5"), Fraction(1, 4), np.float32(2), np.int64(3), np.bool_(True)), [0.5, 0.25, 2, 3, 1]),
        (array(dt.datetime(1970, 1, 2), dt.date(1970, 1, 2)), [86400, 86400]),  # noqa: DTZ001  # naive is UTC
        (array(dt.datetime(1970, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))), [0]),
        (array(dt.time(1, 0, 1), dt.timedelta(minutes=1), np.datetime64(5, "s")), [3601, 60, 5]),
        (array(pd.Timestamp(7, unit="s"), np.timedelta64(1, "m")), [7, 60]),
    ],
    ids=repr,
)
def test_numbers(values: Any, numbers: list[float]) -> None:
    """Numbers, truth values and times are numeric; times are seconds."""
    result = split(values)

    np.testing.assert_array_equal(result.numbers, numbers)
    assert len(result.numbers) + sum(result.categories.values()) + result.missing == len(values)
    assert not result.categories
    assert not result.missing


@pytest.mark.parametrize(
    ("values", "categories", "missing"),
    [
        (np.array(["a", "b", "a"]), {"a": 2, "b": 1}, 0),
        (array("a", "b", "a"), {"a": 2, "b": 1}, 0),
        (array("a", None, pd.NA, pd.NaT), {"a": 1}, 3),
        (array("a", float("nan")), {"a": 1}, 1),
        (array(("x", 1), "a"), {"('x', 1)": 1, "a": 1}, 0),
        (array("x" * 129), {hashed("x" * 129): 1}, 0),
        (np.array(["x" * 129]), {hashed("x" * 129): 1}, 0),
    ],
    ids=repr,
)
def test_categories(values: Any, categories: Mapping[str, int], missing: int) -> None:
    """Texts, and other things by their text, are categories; whatever says so is missing."""
    result = split(values)

    assert dict(result.categories) == categories
    assert result.missing == missing
    assert len(result.numbers) + sum(result.categories.values()) + result.missing == len(values)


@pytest.mark.parametrize(
    ("value", "name"), [(1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "True"), ("yes", "yes"), (-1, "-1")]
)
def test_names_of_classes(value: Any, name: str) -> None:
    """1 and 1.0 are one class, as they are to scikit-learn."""
    assert class_name(value) == name


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32, object])
def test_classes_are_counted_by_name(dtype: Any) -> None:
    """Classes that are numbers are names nevertheless."""
    assert class_names(np.array([0, 1, 1], dtype)) == {"0": 1, "1": 2}


def test_classes_that_are_texts_have_the_names_of_single_ones() -> None:
    """Long texts and those beyond ASCII too, whether or not others of the column are no texts."""
    texts = ["yes", "é", "\ud800", "x" * 200, "yes"]

    assert class_names(np.array(texts, object)) == Counter(map(class_name, texts))
    assert class_names(array(*texts, None)) == Counter(map(class_name, texts))


def test_missing_classes_are_left_out() -> None:
    """A class that is missing has no name."""
    assert class_names(np.array([1.0, np.nan])) == {"1": 1}
    assert class_names(array("a", None)) == {"a": 1}

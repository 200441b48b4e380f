"""Rows by a hash: equal rows meet, different ones hardly ever, and the counts say how often rows repeat."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftline.sketch import Intervals
from driftline.sketch.row_hash import (
    BUCKETS,
    ERROR,
    MOST_INPUTS,
    RowHasher,
    bucket_values,
    counts_of,
    histogram,
    in_half_precision,
    repeats,
    row_buckets,
)


def buckets(columns: dict[str, Any]) -> NDArray[np.int64]:
    found = row_buckets({name: np.asarray(values) for name, values in columns.items()})
    assert found is not None
    return found[1]


def counts(columns: dict[str, Any]) -> NDArray[np.int64]:
    return np.bincount(buckets(columns), minlength=BUCKETS)


KINDS: dict[str, Any] = {
    "floats": lambda rng, n: {"a": rng.normal(size=n), "b": rng.lognormal(size=n)},
    "single precision": lambda rng, n: {"a": rng.normal(size=(n)).astype(np.float32), "b": rng.normal(size=n)},
    "flags": lambda rng, n: {f"f{i}": rng.integers(0, 2, n).astype(float) for i in range(16)},
    "truth values": lambda rng, n: {f"f{i}": rng.random(n) < 0.5 for i in range(16)},
    "powers of two": lambda rng, n: {f"p{i}": 2.0 ** rng.integers(0, 60, n) for i in range(6)},
    "integers": lambda rng, n: {f"i{i}": rng.integers(0, 1000, n) for i in range(4)},
    "texts": lambda rng, n: {"t": np.array([f"id{i}" for i in rng.integers(0, 10**9, n)], object)},
    "fixed-width texts": lambda rng, n: {"t": np.array([f"id{i}" for i in rng.integers(0, 10**9, n)])},
    "times": lambda rng, n: {"t": rng.integers(0, 10**9, n).astype("datetime64[s]")},
    "mixed": lambda rng, n: {"m": np.array([f"{i}" if i % 2 else i for i in rng.integers(0, 10**9, n)], object)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("distinct", "times"), [(50, 1), (2000, 1), (60, 25), (500, 2), (5000, 3), (1, 300)])
def test_counts_say_how_often_rows_repeat(kind: str, distinct: int, times: int) -> None:
    """Of values of any type, whatever the number of rows."""
    held = KINDS[kind](np.random.default_rng(distinct), distinct)
    often = repeats(counts({name: np.repeat(values, times) for name, values in held.items()}))

    assert abs(often - (times - 1)) <= 4.5 * ERROR * times


@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 4), st.integers(0, 2**32))
def test_counts_add_up_over_processes_and_time(distinct: int, times: int, parts: int, seed: int) -> None:
    """A sum of counts is the counts of all rows, and a difference those in between."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.repeat(rng.normal(size=distinct), times))
    whole = counts({"a": rows})
    summed = sum((counts({"a": part}) for part in np.array_split(rows, parts)), np.zeros(BUCKETS, np.int64))

    assert np.array_equal(whole, summed)
    difference = histogram(whole).minus(histogram(counts({"a": np.array_split(rows, parts)[0]})))
    assert difference is not None
    assert difference.count == len(rows) - len(np.array_split(rows, parts)[0])


def test_the_order_of_columns_is_no_matter() -> None:
    """Frames may have their columns in any order; two columns that swap their values are another row."""
    rng = np.random.default_rng(0)
    a, b = 2.0 ** rng.integers(0, 30, (2, 1000))

    assert np.array_equal(buckets({"a": a, "b": b}), buckets({"b": b, "a": a}))
    assert np.mean(buckets({"a": a, "b": b}) == buckets({"a": b, "b": a})) < 0.1


@pytest.mark.parametrize("kind", [np.float64, object, int, np.float32])
def test_a_number_is_the_same_in_every_type(kind: Any) -> None:
    """An object column of numbers, integers and single precision."""
    whole = np.arange(1000.0)

    assert np.array_equal(buckets({"a": whole}), buckets({"a": whole.astype(kind)}))


def test_values_that_cannot_be_read_spoil_no_row() -> None:
    """Missing values and foreign ones are values as well."""
    odd = np.array([None, float("nan"), 10**400, object(), b"x", "x", [1]], object)

    assert len(buckets({"a": odd, "b": np.arange(7.0)})) == 7


def test_of_many_columns_some_tell_rows_apart() -> None:
    """They are the same ones in every process; a column that is not whole leaves no bucket."""
    names = [f"x{i}" for i in range(100)]
    rows = RowHasher(3, names)
    for name in names[:50]:
        rows.add(name, np.zeros(3))

    assert len(rows.inputs.chosen) == MOST_INPUTS
    assert rows.inputs == RowHasher(9, reversed(names)).inputs
    assert rows.inputs.digest != RowHasher(3, names[1:]).inputs.digest
    assert rows.buckets() is None


def test_rows_without_columns_have_no_bucket() -> None:
    """Nothing could tell them apart."""
    assert row_buckets({}) is None


def test_a_histogram_carries_the_counts() -> None:
    """As a sketch, or as values in its buckets."""
    held = np.random.default_rng(0).integers(0, 5, BUCKETS)
    sketched, valued = histogram(held).intervals(), Intervals.of_values(bucket_values(np.arange(BUCKETS)), held)

    assert np.array_equal(counts_of(sketched.upper, sketched.weight), held)
    assert np.array_equal(counts_of(valued.upper, valued.weight), held)


def test_weights_are_rows() -> None:
    """Spans that were sampled at one half repeat as often as they do among themselves."""
    held = counts({"a": np.repeat(np.random.default_rng(0).normal(size=500), 2)})

    assert repeats(2.0 * held, 4.0 * held.sum()) == pytest.approx(repeats(held))


def test_half_precision_is_that_of_float16() -> None:
    """To the bit, but for numbers halfway between two."""
    numbers = np.random.default_rng(0).normal(100, 20, 1000)

    assert np.array_equal(in_half_precision(numbers), numbers.astype(np.float16).astype(np.float64))

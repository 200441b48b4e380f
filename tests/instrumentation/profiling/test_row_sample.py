"""What the first pass keeps: a sample of rows, and the frequent values."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiling.frequent_values import FrequentValues
from driftline.profiling.row_sample import MOST_ROWS, RowSample


def sample(rows: int, size: int) -> list[int]:
    kept = RowSample()
    for first in range(0, rows, size):
        kept.add(pa.RecordBatch.from_pydict({"row": np.arange(first, min(rows, first + size))}))
    found: list[int] = kept.rows().column("row").to_pylist()
    return found


def test_few_rows_are_all_kept() -> None:
    """A table of no more rows than the sample is the sample."""
    assert sample(MOST_ROWS, 1000) == list(range(MOST_ROWS))


@pytest.mark.parametrize("size", [777, 65_536])
def test_the_sample_is_spread_over_all_rows_without_a_step(size: int) -> None:
    """Each tenth of the data and each phase of a period has its share; how rows were batched does not matter."""
    kept = np.array(sample(300_000, size))
    assert len(kept) == MOST_ROWS
    assert kept.tolist() == sample(300_000, 10_000)
    for shares in (np.bincount(kept // 30_000), np.bincount(kept % 8)):
        expected = MOST_ROWS / len(shares)
        assert np.abs(shares - expected).max() < 4 * np.sqrt(expected)


def test_counts_are_exact_up_to_the_capacity() -> None:
    """With as many distinct values as there is room for, nothing is estimated; missing ones are no values."""
    values = FrequentValues(capacity=3)
    for part in (["a", "b", None], ["c", "a"]):
        values.add(pa.array(part))
    assert values.exact
    assert values.counts() == {"a": 2, "b": 1, "c": 1}


def test_beyond_the_capacity_the_frequent_values_stay() -> None:
    """Every value more frequent than rows / capacity is there, and its count is too low by no more than that."""
    rng = np.random.default_rng(0)
    rows = rng.zipf(1.3, 50_000) % 5000
    values = FrequentValues(capacity=200)
    for part in np.array_split(rows, 23):
        values.add(pa.array(part))
    truth, error = Counter(rows.tolist()), len(rows) / 200
    found = values.counts()
    assert not values.exact
    assert len(found) <= 200
    assert {value for value, count in truth.items() if count > error} <= found.keys()
    assert all(truth[value] - error <= count <= truth[value] for value, count in found.items())

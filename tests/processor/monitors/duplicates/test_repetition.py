"""How often the rows of a window repeat, and how sure that is."""

import numpy as np
import pytest

from driftline.sketch.row_hash import BUCKETS, ERROR, histogram
from driftline_processor.monitors.duplicates.repetition import Repetition
from driftline_processor.records import ColumnSummary


def window(often: list[int], seed: int = 0) -> Repetition:
    """Rows that occur so often, in buckets at random."""
    counts = np.bincount(np.random.default_rng(seed).integers(0, BUCKETS, len(often)), often, BUCKETS).astype(np.int64)
    rows = float(counts.sum())
    return Repetition.of(ColumnSummary(histogram(counts).intervals(), {}, {}, rows, rows))


@pytest.mark.parametrize("rows", [20, 200, 1000, 5000, 50_000])
def test_different_rows_hardly_ever_seem_to_repeat(rows: int) -> None:
    """Rows that meet in a bucket by chance are within four standard errors."""
    bounds = [window([1] * rows, seed).at_least(4.0) for seed in range(300)]

    assert max(bounds) <= 0.05


@pytest.mark.parametrize(("distinct", "times"), [(60, 25), (500, 2), (20_000, 3)])
def test_repeated_rows_tell_as_much_as_different_ones(distinct: int, times: int) -> None:
    """Their number is the effective one; the bound is below the estimate, and not far."""
    found = window([times] * distinct)

    assert found.effective == pytest.approx(distinct, rel=4 * ERROR)
    assert (times - 1) * 0.5 < found.at_least(3.0) < found.repeats


def test_a_health_check_is_one_row() -> None:
    """Beside others it is told by its share."""
    found = window([300, *[1] * 700])

    assert found.by_one_row
    assert found.most == pytest.approx(0.3, abs=0.01)
    assert found.hot == pytest.approx(found.most)
    assert not found.of_few_values


@pytest.mark.parametrize(
    ("often", "few"), [([1000], True), ([500, 500], True), ([200] * 5, False), ([950, *[1] * 50], True)]
)
def test_few_values_are_no_repetition(often: list[int], few: bool) -> None:
    """Where hardly any row differs, the values have changed: a join that finds nothing, say."""
    assert window(often).of_few_values is few

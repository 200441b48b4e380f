"""Sampling by key: unbiased, bounded, and thinned exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftline.rows import sampling
from driftline.rows.batch import RowBatch, merged_by_key, weighted
from driftline.rows.keys import Words
from driftline.rows.sampling import RANGE, RowSampler, fair_shares, read_threshold, threshold_text
from driftline.rows.table import OUTPUT, RowColumn, RowTable

VALUE = RowColumn(OUTPUT, "value")


def table(keys: Words, values: NDArray[np.float64], column: RowColumn = VALUE) -> RowTable:
    return RowTable(keys, np.zeros(len(keys), np.int64), {column: values})


def sample(keys: Words, values: NDArray[np.float64], most: int | None, at_once: int = 64) -> RowBatch:
    """An interval whose calls have `at_once` rows each."""
    sampler = RowSampler()
    for start in range(0, len(keys), at_once):
        part = slice(start, start + at_once)

        def take(which: NDArray[np.int64], part: slice = part) -> RowTable:
            return table(keys[part][which], values[part][which])

        sampler.offer(keys[part], take, most)
        assert most is None or sampler.held <= 2 * most
    if most is not None:
        sampler.cut(most)
    return RowBatch("uid", sampler.threshold, sampler.seen, sampler.table())


def random_keys(rng: np.random.Generator, rows: int) -> Words:
    return rng.integers(0, 2**64, rows, np.uint64)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2000), st.integers(1, 300), st.integers(20, 700), st.integers(0, 2**32))
def test_what_is_kept_are_the_greatest(rows: int, most: int, at_once: int, seed: int) -> None:
    """At most the limit, all rows where there is room, and exactly those above the threshold."""
    rng = np.random.default_rng(seed)
    keys = random_keys(rng, rows)
    batch = sample(keys, np.zeros(rows), most, at_once)

    assert batch.seen == rows
    assert min(rows, most) - len(batch.table) in (0, 1)  # one may be lost to the rounding of the threshold
    assert (batch.threshold == 0) == (rows <= most)
    np.testing.assert_array_equal(batch.table.keys, keys[sampling.kept(keys, batch.threshold)])


def errors(most: int, *, then: float = 1.0, seeds: int = 150) -> NDArray[np.float64]:
    """Relative errors of the sum of a lognormal over intervals of very different traffic, thinned afterwards."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        total = estimate = 0.0
        for rows in (50, 300, 3000, 0, 150):
            values = rng.lognormal(size=rows)
            batch = sample(random_keys(rng, rows), values, most)
            batch = batch.thinned(sampling.thinned_to(batch.threshold, then))
            total += values.sum()
            estimate += batch.table.columns[VALUE].sum() * batch.weight if len(batch.table) else 0.0
        found.append(estimate / total - 1)
    return np.array(found)


@pytest.mark.parametrize(("then", "deviation"), [(1.0, 0.12), (0.3, 0.2)])
def test_sums_with_weights_are_unbiased(then: float, deviation: float) -> None:
    """Whatever the traffic does, and after thinning, as batches that wait for a backend are."""
    found = errors(200, then=then)
    assert abs(found.mean()) < 4 * found.std() / len(found) ** 0.5
    assert found.std() < deviation


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_thinning_is_exact(seed: int, one: float, other: float) -> None:
    """A batch thinned in two steps, or in one, is the sample that the greater threshold would have taken."""
    rng = np.random.default_rng(seed)
    keys = random_keys(rng, 500)
    whole = RowBatch("uid", 0, 500, table(keys, np.arange(500.0)))
    first, last = sorted(sampling.thinned_to(0, share) for share in (one, other))
    stepwise = whole.thinned(first).thinned(last)

    np.testing.assert_array_equal(stepwise.table.keys, keys[sampling.kept(keys, last)])
    np.testing.assert_array_equal(stepwise.table.keys, whole.thinned(last).thinned(first).table.keys)


def test_two_samples_of_the_same_ids_agree() -> None:
    """The smaller one lies within the greater one."""
    keys = random_keys(np.random.default_rng(0), 5000)
    small, great = (sample(keys, np.zeros(5000), most).table.keys for most in (100, 700))
    assert set(small.tolist()) < set(great.tolist())


def test_rows_of_one_id_are_merged() -> None:
    """Columns of both operations in one row, with the weight of the greater sample; the others keep theirs."""
    rng = np.random.default_rng(1)
    keys = random_keys(rng, 1000)
    score = RowColumn(OUTPUT, "score")
    classes = RowBatch("a", 0, 1000, table(keys, np.arange(1000.0))).thinned(sampling.thinned_to(0, 0.5))
    scores = RowBatch("b", 0, 1000, table(keys, np.arange(1000.0) * 2, score)).thinned(sampling.thinned_to(0, 0.1))

    merged = merged_by_key([scores, classes])

    assert sorted(merged.table.keys) == sorted(classes.table.keys)
    assert set(merged.weights) == {classes.weight}
    both = np.isin(merged.table.keys, scores.table.keys)
    np.testing.assert_array_equal(
        merged.table.columns[score][both], 2 * merged.table.columns[VALUE][both].astype(np.float64)
    )
    assert np.isnan(merged.table.columns[score][~both].astype(np.float64)).all()


def test_weights_are_calibrated_to_the_exact_count() -> None:
    """The ratio between rows stays; the sum is the count. Effective rows say what unequal weights are worth."""
    keys = random_keys(np.random.default_rng(2), 100)
    whole = RowBatch("a", 0, 100, table(keys, np.zeros(100)))
    rows = weighted([whole, whole.thinned(sampling.thinned_to(0, 0.2))])
    calibrated = rows.calibrated(1000)

    assert calibrated.weights.sum() == pytest.approx(1000)
    assert calibrated.effective_rows == pytest.approx(rows.effective_rows)
    assert rows.effective_rows < len(rows.weights)
    assert weighted([]).calibrated(10).effective_rows == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, RANGE - 1))
def test_thresholds_are_hexadecimal(threshold: int) -> None:
    """As in the trace state."""
    assert read_threshold(threshold_text(threshold)) == threshold


@pytest.mark.parametrize("text", ["", "g", "-1", "0x1", "1" * 15, "F", "1 "])
def test_other_thresholds_are_errors(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="hexadecimal"):
        read_threshold(text)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(1, 1000))
def test_shares_are_fair(wanted: list[int], total: int) -> None:
    """Nobody gets more than wanted; who gets less than wanted gets no less than anybody else."""
    shares = fair_shares(wanted, total)

    assert all(share <= want for share, want in zip(shares, wanted, strict=True))
    short = [share for share, want in zip(shares, wanted, strict=True) if share < want]
    assert not short or min(short) >= max(shares) - 1
    assert sum(shares) <= max(total, len(wanted))
    assert sum(shares) == min(total, sum(wanted)) or total < len(wanted)

"""Decimals of numbers: told by their values, whatever type they have been in."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from driftline.sketch.column import ColumnSketch
from driftline.sketch.decimals import EXACT, LEVELS, ROOM, DecimalCounter, count_decimals, decimal_rows, decimals


def shares(values: Any) -> dict[str, float]:
    """Shares of the levels that occur."""
    counts = count_decimals(np.asarray(values))
    return {level: round(rows / len(values), 3) for level, rows in zip(LEVELS, counts.tolist(), strict=True) if rows}


def level(value: float) -> str:
    (found,) = decimals(np.array([value])).tolist()
    return LEVELS[found] if found >= 0 else "none"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (9.95, "2"),
        (-9.95, "2"),
        (0.1 + 0.2, "1"),
        (1e-5, "5"),
        (1e-6, "6+"),
        (np.pi, "6+"),
        (7.0, "0"),
        (-120.0, "-1"),
        (4_500.0, "-2"),
        (3e6, "-3"),
        (1_234_567.89, "2"),
        (2.0**53, "none"),
        (1e300, "none"),
        (0.0, "none"),
        (-0.0, "none"),
        (np.nan, "none"),
        (np.inf, "none"),
    ],
)
def test_a_number_has_the_decimals_that_people_write(value: float, found: str) -> None:
    """Sums of decimals too; what has as many as any, and what is too large to tell, has none."""
    assert level(value) == found


@pytest.mark.parametrize("size", [1.0, 50.0, 3_000.0, 50_000.0])
@pytest.mark.parametrize("places", [-1, 0, 1, 2, 3])
def test_a_coarser_type_changes_no_decimals_that_it_can_tell(size: float, places: int) -> None:
    """In float32 all numbers keep their decimals, or have some; in float16 none becomes another."""
    values = np.round(np.random.default_rng(0).lognormal(np.log(size), 0.5, 4_000), places)
    exact = decimals(values)

    for kind in (np.float32, np.float16):
        with np.errstate(over="ignore"):
            found = decimals(values.astype(kind))
        told = (found >= 0) & (found < len(EXACT)) & (exact >= 0)
        assert np.mean(told & (found != exact)) < 0.02
    assert (decimals(values.astype(np.float32)) == decimals(values.astype(np.float32).astype(np.float64))).mean() > 0.99


def test_of_many_numbers_a_sample_is_counted() -> None:
    """As many as there is room for between two collections, at random; few are counted each."""
    mixed = np.where(np.arange(100_000) % 2 == 0, 0.25, 3.0)
    counter = DecimalCounter()
    for _ in range(3):
        counter.add(mixed)
    counts = counter.counts()

    assert sum(counts.values()) == ROOM
    assert counts["0"] == pytest.approx(ROOM / 2, rel=0.2)

    counter.add(mixed[:10])
    assert sum(counter.counts().values()) == ROOM + 10


def test_numbers_may_change_after_they_were_added() -> None:
    """Buffers are used again."""
    counter, values = DecimalCounter(), np.array([1.5, 2.25])
    counter.add(values)
    values[:] = 7.0

    assert {level: rows for level, rows in counter.counts().items() if rows} == {"1": 1, "1+": 1}


@pytest.mark.parametrize(
    "values",
    [
        np.array([9.95, 19.99, 7.0]),
        np.array([9.95, 19.99, 7.0], np.float32),
        np.array([Decimal("9.95"), Decimal("19.99"), 7], object),
        np.array(["9.95", "19.99", "7", "x"], object),
    ],
)
def test_a_column_tells_its_decimals_in_any_container(values: Any) -> None:
    """Cumulative counts by level beside the others, and deltas."""
    kinds = {"read": lambda text: None if text == "x" else float(text)} if isinstance(values[0], str) else {}
    for delta in (False, True):
        sketch = ColumnSketch(0, 100, decimals=True, delta=delta, **kinds)
        sketch.add(values, 1)
        first = {level: count.rows for level, count in sketch.collect(2).decimals.items()}
        sketch.acknowledge()
        sketch.add(values, 3)
        second = {level: count.rows for level, count in sketch.collect(4).decimals.items()}

        assert first == {"0": 1, "2": 2}
        assert second == (first if delta else {"0": 2, "2": 4})


def test_integers_and_weights() -> None:
    """Whole numbers have none; sampled rows stand for several."""
    assert shares(np.array([1, 20, 300], np.int64)) == {"0": 0.333, "-1": 0.333, "-2": 0.333}
    assert decimal_rows(np.array([1.0, 2.25, 3.0]), np.array([2.0, 5.0, 3.0]))["0"] == 5.0

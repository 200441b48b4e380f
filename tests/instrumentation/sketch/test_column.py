"""A column, counted."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.semconv import MISSING, NON_FINITE, OTHER, OUT_OF_RANGE, VALID, WRONG_TYPE
from driftline.sketch.column import ColumnPoints, ColumnSketch


def objects(*values: Any) -> Any:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def states(points: ColumnPoints) -> dict[str, int]:
    return {name: count.rows for name, count in points.states.items()}


def own_states(points: ColumnPoints) -> dict[str, int]:
    """States that exclude each other."""
    return {name: rows for name, rows in states(points).items() if name != OUT_OF_RANGE}


def sketched(points: ColumnPoints) -> int:
    return sum(numbers.valid for _, numbers in points.numbers)


def test_every_row_has_one_state() -> None:
    """Valid rows are the sketch's; the others are counted by what they are."""
    series = ColumnSketch(0, 100)
    series.add(np.array([1.0, 2.0, np.nan, np.inf, -np.inf]), 1)
    points = series.collect(2)

    assert own_states(points) == {VALID: 2, MISSING: 1, NON_FINITE: 2}
    assert sketched(points) == 2


def test_outliers_are_valid_and_out_of_range() -> None:
    """Rows in the tails are contained in the valid ones."""
    series = ColumnSketch(0, 100)
    rng = np.random.default_rng(3)
    series.add(np.append(rng.normal(1000, 1, 5000), [1e9, -1e9]), 1)
    points = series.collect(2)

    assert states(points)[VALID] == sketched(points) == 5002
    assert states(points)[OUT_OF_RANGE] == sum(numbers.out_of_range for _, numbers in points.numbers) >= 2


def named(points: ColumnPoints) -> dict[str, int]:
    return {name: count.rows for name, count in points.categories.items()}


def test_texts_among_numbers_are_counted_by_name() -> None:
    """Which are of the wrong type, the reference tells; texts that are numbers are read as scikit-learn reads them."""
    series = ColumnSketch(0, 100)
    series.add(objects(1.0, 2.0, 2.5, "three"), 1)
    series.add(objects("4", "five", None), 2)

    points = series.collect(3)
    assert own_states(points) == {VALID: 6, MISSING: 1}
    assert sketched(points) == 4
    assert named(points) == {"three": 1, "five": 1}


def test_numbers_among_texts_are_counted_as_numbers() -> None:
    """A missing value stays missing."""
    series = ColumnSketch(0, 100)
    series.add(objects("a", "b", 3.0, float("nan")), 1)

    points = series.collect(2)
    assert own_states(points) == {VALID: 3, MISSING: 1}
    assert sketched(points) == 1
    assert named(points) == {"a": 1, "b": 1}


@pytest.mark.parametrize("first", ["numbers", "texts"])
def test_what_comes_first_decides_nothing(first: str) -> None:
    """One odd value before thousands of others costs one row, as it does after them."""
    series = ColumnSketch(0, 100)
    blocks = [np.arange(3000.0), objects("unknown")]
    for block in blocks if first == "numbers" else reversed(blocks):
        series.add(block, 1)

    points = series.collect(2)
    assert sketched(points) == 3000
    assert named(points) == {"unknown": 1}


def test_texts_of_numbers_beyond_the_named_ones_are_counted_as_numbers() -> None:
    """A column of numbers that come as texts loses none of them to the limit on categories."""
    series = ColumnSketch(0, 100)
    series.add(np.array([f"{number}.5" for number in range(1000)]), 1)

    points = series.collect(2)
    assert sum(named(points).values()) + sketched(points) == own_states(points)[VALID] == 1000
    assert OTHER not in named(points)


class Nameless:
    def __str__(self) -> str:
        raise ValueError("it has no text")


@pytest.mark.parametrize("bad", [10**400, Nameless(), Decimal("sNaN")], ids=["huge", "nameless", "signalling"])
def test_an_unreadable_value_is_one_row_of_the_wrong_type(bad: object) -> None:
    """It takes no other row along."""
    series = ColumnSketch(0, 100)
    series.add(objects(bad, *range(3000)), 1)

    points = series.collect(2)
    assert own_states(points) == {VALID: 3000, WRONG_TYPE: 1}
    assert sketched(points) == 3000


def test_text_that_is_no_unicode_can_be_sent() -> None:
    """A lone surrogate would make the whole request unencodable."""
    series = ColumnSketch(0, 100)
    series.add(objects("a\ud800", "b"), 1)

    assert named(series.collect(2)) == {"a?": 1, "b": 1}


def test_the_type_is_open_while_everything_is_missing() -> None:
    """A column that begins with missing values becomes what comes first."""
    series = ColumnSketch(0, 100)
    series.add(np.full(5, np.nan), 1)
    series.add(objects("a"), 2)

    assert states(series.collect(3)) == {VALID: 1, MISSING: 5}


def test_classes_that_are_numbers_are_counted_by_name() -> None:
    """A class column has categories whatever its values look like."""
    series = ColumnSketch(0, 100, classes=True)
    series.add(np.array([0, 1, 1]), 1)
    series.add(np.array([1.0, np.nan]), 2)
    points = series.collect(3)

    assert {name: count.rows for name, count in points.categories.items()} == {"0": 1, "1": 3}
    assert states(points) == {VALID: 4, MISSING: 1}


def test_what_is_new_starts_when_it_was_last_not_there() -> None:
    """A category that first comes hours later has a start of its own: no receiver takes its rows for an old total."""
    series = ColumnSketch(0, 100)
    series.add(objects("a"), 10)
    first = series.collect(20)
    series.acknowledge()
    series.add(objects("a", "b", None), 30)
    second = series.collect(40)

    assert first.categories["a"].start == second.categories["a"].start == 0
    assert second.categories["b"].start == second.states[MISSING].start == 20


def test_numbers_that_come_late_start_late() -> None:
    """As with categories, also with sketches."""
    series = ColumnSketch(0, 100)
    series.add(np.array([np.nan]), 10)
    series.collect(20)
    series.acknowledge()
    series.add(np.array([1.0]), 30)

    ((span, _),) = series.collect(40).numbers
    assert span.start == 20


def test_nothing_is_due_without_rows() -> None:
    """A column is due when it has new rows, or when its last point is old."""
    series = ColumnSketch(0, 100)
    assert not series.is_due(5, repeat=100)
    series.add(np.array([1.0]), 10)
    assert series.is_due(11, repeat=100)
    series.collect(20)
    assert series.is_due(21, repeat=100)
    series.acknowledge()
    assert not series.is_due(22, repeat=100)
    assert series.is_due(200, repeat=100)


BLOCKS = st.lists(
    st.tuples(st.lists(st.floats(width=32, allow_nan=True), min_size=1, max_size=30), st.booleans()),
    min_size=1,
    max_size=8,
)


@given(BLOCKS)
def test_deltas_add_up_to_all_rows(blocks: list[tuple[list[float], bool]]) -> None:
    """Whatever exports fail, the deltas that arrive and a last one hold every row once, in time without gaps."""
    series = ColumnSketch(0, 100, delta=True)
    arrived: list[ColumnPoints] = []
    now = 0
    for values, succeeds in [*blocks, ([1.0], True)]:
        now += 10
        series.add(np.array(values), now)
        points = series.collect(now + 5)
        if succeeds:
            arrived.append(points)
            series.acknowledge()

    assert sum(sum(own_states(points).values()) for points in arrived) == sum(len(values) for values, _ in blocks) + 1
    assert sum(map(sketched, arrived)) == sum(states(points).get(VALID, 0) for points in arrived)
    for earlier, later in pairwise(arrived):
        assert all(count.start >= earlier.time for count in later.states.values())


@given(BLOCKS)
def test_cumulative_points_heal(blocks: list[tuple[list[float], bool]]) -> None:
    """The newest point of each stream holds every row, whatever was lost before."""
    series = ColumnSketch(0, 100)
    newest: dict[int, int] = {}
    now = 0
    for values, succeeds in [*blocks, ([1.0], True)]:
        now += 10
        series.add(np.array(values), now)
        points = series.collect(now + 5)
        if succeeds:
            newest.update({span.start: numbers.valid for span, numbers in points.numbers})
            last = points
            series.acknowledge()

    assert sum(own_states(last).values()) == sum(len(values) for values, _ in blocks) + 1
    assert sum(newest.values()) == states(last)[VALID]


@pytest.mark.parametrize("delta", [False, True])
def test_many_categories_are_bounded(delta: bool) -> None:  # a parameter of the test
    """Beyond the limit rows are counted under `other`; none is lost. One place is kept for what becomes frequent."""
    series = ColumnSketch(0, 10, delta=delta)
    series.add(np.array([f"c{number}" for number in range(1000)]), 1)
    points = series.collect(2)

    assert len(points.categories) == 9 + 1
    assert sum(count.rows for count in points.categories.values()) == states(points)[VALID] == 1000


def test_names_without_rows_are_told_beside_other_rows() -> None:
    """In deltas too: a category that has a name is not among the others. Without others they are left out."""
    series = ColumnSketch(0, 8, delta=True)
    series.add(np.array([f"c{i}" for i in range(7)]), 1)
    series.collect(2)
    series.acknowledge()
    series.add(np.array(["c0", "new"]), 3)
    beside = {name: count.rows for name, count in series.collect(4).categories.items()}
    series.acknowledge()
    series.add(np.array(["c0"]), 5)
    alone = {name: count.rows for name, count in series.collect(6).categories.items()}

    assert beside == {"c0": 1, OTHER: 1} | {f"c{i}": 0 for i in range(1, 7)}
    assert alone == {"c0": 1}

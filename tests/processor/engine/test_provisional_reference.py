"""Live data in the place of a training profile."""

import numpy as np

from driftline.semconv import WRONG_TYPE
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.engine.provisional_reference import ProvisionalData, provisional_reference
from driftline_processor.records import ColumnKey, ColumnSummary, Window
from engine_records import AGE, CHURN, MINUTE, SECOND, START

PLAN = ColumnKey("input", "plan")


def held(values: list[float | str | None]) -> ColumnSummary:
    column = Accumulator()
    column.add_values(values, np.ones(len(values)))
    return column.summary()


def pane(minute: int) -> Window:
    return Window(START + minute * MINUTE, START + (minute + 1) * MINUTE)


def test_it_takes_a_whole_window_and_a_hundred_rows() -> None:
    """Neither a busy minute nor a quiet window is enough."""
    busy, quiet = ProvisionalData(MINUTE), ProvisionalData(MINUTE)
    for minute in range(5):
        assert not busy.full
        busy.add(pane(minute), 1000.0, {AGE: held([1.0])}, 5 * MINUTE)
        quiet.add(pane(minute), 10.0, {AGE: held([1.0])}, 5 * MINUTE)

    assert busy.full
    assert not quiet.full


def test_panes_without_rows_are_not_kept() -> None:
    """A model that is called once a day does not gather empty minutes."""
    provisional = ProvisionalData(MINUTE)
    provisional.add(pane(0), 0.0, {}, 5 * MINUTE)

    assert not provisional.panes


def test_panes_become_chunks_with_a_clock() -> None:
    """Every row of a column is in its cells, chunks are stretches of time, and states have cells of their own."""
    rng = np.random.default_rng(0)
    panes = {
        START + i * MINUTE: {AGE: held([*rng.normal(40, 10, 99), None]), PLAN: held(["a", "a", "b"])} for i in range(5)
    }
    reference = provisional_reference(CHURN, panes, MINUTE)
    age, plan = reference.columns[AGE], reference.columns[PLAN]

    assert reference.provisional
    assert reference.has_timestamps
    assert reference.starts[0] == START / SECOND
    assert np.allclose(reference.ends - reference.starts, 60)
    assert (age.kind, plan.kind) == ("numeric", "category")
    assert np.allclose(age.chunks.sum(axis=1), 99)
    assert age.states["missing"].tolist() == [[99, 1]] * 5
    assert plan.categories == ("a", "b")
    assert plan.chunks.tolist() == [[2, 1, 0]] * 5


def test_a_column_that_comes_and_goes_has_a_row_of_chunks_all_the_same() -> None:
    """Panes without the column count as nothing in it."""
    panes = {START: {AGE: held([1.0])}, START + MINUTE: {PLAN: held(["a"])}}
    reference = provisional_reference(CHURN, panes, MINUTE)

    assert reference.columns[AGE].chunks.sum(axis=1).tolist() == [1, 0]
    assert reference.columns[PLAN].chunks.sum(axis=1).tolist() == [0, 1]


def test_texts_among_numbers_are_read_as_numbers() -> None:
    """Or else they are of the wrong type: most rows decide what a column is."""
    panes = {START: {AGE: held([*map(float, range(1000))])}, START + MINUTE: {AGE: held(["7", "unknown"])}}

    column = provisional_reference(CHURN, panes, MINUTE).columns[AGE]
    assert column.kind == "numeric"
    assert column.summary.intervals.total == 1001
    assert column.states[WRONG_TYPE].sum(axis=0).tolist() == [1001, 1]

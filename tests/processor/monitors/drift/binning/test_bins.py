"""Alignment: any window in the reference's bins, with what is new and what is of the wrong type."""

from dataclasses import replace

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline.sketch import Intervals, hashed, project
from driftline_processor.engine.summary_ops import total
from driftline_processor.monitors.drift.binning.bins import BinnedNumbers, CategoryBins, NumericBins
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.records import ColumnSummary, ReferenceColumn
from made_columns import category_column, category_summary, numeric_column, numeric_summary

RANDOM = np.random.default_rng(5)
COLORS = RANDOM.choice(["red", "green", "blue"], 3_000, p=[0.6, 0.3, 0.1])


def place(column: ReferenceColumn, summary: ColumnSummary) -> BinnedNumbers:
    return NumericBins([column]).place(StackedIntervals.of([summary.intervals]))


def test_numbers_fall_into_the_cells_of_the_reference() -> None:
    """A window with a layout of its own fills the bins as its raw values do, within a row or two of a hundred."""
    column = numeric_column(RANDOM.normal(size=20_000))
    values = RANDOM.normal(0.5, 1.0, 2_000)

    placed = place(column, numeric_summary(values))
    exact = np.bincount(np.searchsorted(column.edges, values), minlength=len(column.edges) + 1)

    assert placed.bins.sum() == pytest.approx(2_000)
    assert np.abs(np.cumsum(placed.bins - exact)).max() < 20


def test_new_numbers_are_counted() -> None:
    """Values far from all that was seen are novel, and still in the outer bins."""
    placed = place(numeric_column(RANDOM.normal(size=1_000)), numeric_summary(np.full(10, 50.0)))

    assert placed.novel.tolist() == [10.0]
    assert placed.bins[-1] == 10.0


def test_columns_do_not_touch_each_other() -> None:
    """Side by side each column is placed as it is alone, also one without a row, and as `project` does it."""
    samples = [RANDOM.normal(size=5_000), RANDOM.lognormal(size=5_000), np.full(500, 7.0), np.full(9, np.nan)]
    columns = [numeric_column(values) for values in samples]
    summaries = [numeric_summary(values * 1.3) for values in (samples[0], samples[3], samples[2], samples[1])]
    summaries[0] = total([summaries[0], numeric_summary(samples[1] * 3.0)])  # layouts that overlap

    together = NumericBins(columns).place(StackedIntervals.of([summary.intervals for summary in summaries]))
    alone = [place(column, summary) for column, summary in zip(columns, summaries, strict=True)]
    projected = [
        project(summary.intervals, column.edges, column.summary.intervals)
        for column, summary in zip(columns, summaries, strict=True)
    ]

    assert together.bins == pytest.approx(np.concatenate([placed.bins for placed in alone]))
    assert together.bins == pytest.approx(np.concatenate(projected))
    assert together.novel == pytest.approx(np.concatenate([placed.novel for placed in alone]))


def test_a_reference_of_many_layouts_guides_as_one() -> None:
    """Also where the training data's buckets overlap a wide bucket is split as the reference is there."""
    random = np.random.default_rng(8)
    parts = [numeric_summary(random.normal(mean, 1.0, 3_000)) for mean in (0.0, 0.5, 3.0)]
    column = replace(numeric_column(random.normal(size=3_000)), summary=total(parts))
    wide = ColumnSummary(
        intervals=Intervals(np.array([-1.0]), np.array([2.0]), np.array([80.0])), rows=80.0, squares=80.0
    )

    assert place(column, wide).bins == pytest.approx(project(wide.intervals, column.edges, column.summary.intervals))


def test_categories_by_name_and_by_hash() -> None:
    """A window whose sender hashes its values fills the same bins."""
    bins = CategoryBins(category_column(COLORS))
    plain = {"red": 5.0, "blue": 2.0, "pink": 1.0}
    digests = {hashed(name): rows for name, rows in plain.items()}

    open_, closed = bins.place(category_summary(plain)), bins.place(category_summary(digests))

    assert open_.bins.tolist() == closed.bins.tolist() == [5.0, 0.0, 2.0, 0.0]
    assert (open_.novel, closed.novel) == (("pink",), (hashed("pink"),))
    assert open_.novel_rows == closed.novel_rows == 1.0


def test_unlisted_categories_of_the_training_are_not_new() -> None:
    """What the profile counted without a bin of its own goes to the bin of all others."""
    aligned = CategoryBins(category_column(COLORS, limit=2)).place(category_summary({"blue": 4.0, "pink": 1.0}))

    assert aligned.bins.tolist() == [0.0, 0.0, 4.0]
    assert aligned.novel == ("pink",)


def test_rows_that_the_sender_could_not_name_go_where_they_are_expected() -> None:
    """Rows beyond the sender's bound are spread over the categories that it has not named, as training has them."""
    aligned = CategoryBins(category_column(COLORS)).place(category_summary({"red": 60.0, OTHER: 40.0}))

    assert aligned.bins[:3] == pytest.approx([60.0, 30.0, 10.0], abs=1.5)
    assert aligned.guessed == (1, 2)
    assert aligned.novel_rows == 0.0


def test_rows_that_can_be_no_known_category_are_new() -> None:
    """Where the window names every known category, what is left over must be new."""
    aligned = CategoryBins(category_column(COLORS)).place(
        category_summary({"red": 6.0, "green": 3.0, "blue": 1.0, OTHER: 90.0})
    )

    assert aligned.novel_rows == 90.0


def test_numbers_stand_for_coded_categories() -> None:
    """Classes 0, 1, 2 may come as numbers: they fill the bins of their names, and 7 is new."""
    column = category_column(RANDOM.choice(["0", "1", "2"], 900, p=[0.5, 0.3, 0.2]))

    aligned = CategoryBins(column).place(numeric_summary(np.array([0.0, 0.0, 1.0, 2.0, 7.0])))

    assert aligned.bins.tolist() == [2.0, 1.0, 1.0, 0.0]
    assert aligned.novel == ("7",)
    assert aligned.mistyped == 0.0


def test_a_wide_bucket_over_several_codes_is_split_as_the_reference_is() -> None:
    """A coarse tail bucket does not make classes vanish."""
    column = category_column(np.array(["0", "1", "1", "1", "2", "2"] * 50))
    wide = ColumnSummary(
        intervals=Intervals(np.array([0.5]), np.array([4.0]), np.array([50.0])), rows=50.0, squares=50.0
    )

    assert CategoryBins(column).place(wide).bins == pytest.approx([30.0, 20.0, 0.0, 0.0])


def test_numbers_in_a_column_of_strings_are_of_the_wrong_type() -> None:
    """Without codes numbers stand for nothing."""
    aligned = CategoryBins(category_column(COLORS)).place(numeric_summary(np.arange(1.0, 6.0)))

    assert (aligned.mistyped, aligned.bins.sum()) == (5.0, 0.0)


def test_zeros_are_where_the_reference_has_its_zeros() -> None:
    """A reference whose minimum is 0 begins at the smallest number below it; a live zero has a wider bucket."""
    tiny = float(np.finfo(np.float64).tiny)
    begin = float(np.nextafter(0.0, -np.inf))
    seen = ColumnSummary(
        Intervals(np.array([begin, 0.9]), np.array([0.0, 1.0]), np.array([80.0, 20.0])), {}, {}, 100.0, 100.0
    )
    column = replace(numeric_column(np.arange(10.0)), summary=seen, edges=np.array([begin, 0.0, 1.0]))
    live = ColumnSummary(
        Intervals(np.array([-tiny, 0.9]), np.array([0.0, 1.0]), np.array([4.0, 1.0])), {}, {}, 5.0, 5.0
    )
    assert place(column, live).bins.tolist() == [0.0, 4.0, 1.0, 0.0]


def test_named_categories_without_a_cell_take_no_room_among_the_unnamed() -> None:
    """Of 200 equal categories the sender names 100: what it does not name is spread as if nothing had changed."""
    names = np.array([f"c{i:03}" for i in range(200)])
    bins = CategoryBins(category_column(np.repeat(names, 50), limit=50))
    aligned = bins.place(category_summary({str(name): 10.0 for name in names[25:125]} | {OTHER: 1_000.0}))

    np.testing.assert_allclose(aligned.bins, [*np.full(50, 10.0), 1_500.0])


def test_a_category_that_is_named_without_rows_takes_none_of_the_unnamed() -> None:
    """Its sender would have counted its rows by name: they are of the others."""
    named = {"red": 60.0, "green": 0.0}
    aligned = CategoryBins(category_column(COLORS)).place(category_summary(named | {OTHER: 40.0}))

    assert aligned.bins[1] == 0.0
    assert aligned.bins.sum() == 100.0
    assert 1 not in aligned.guessed


def test_an_unknown_category_without_rows_is_no_novelty() -> None:
    """A sender goes on to name what it has once counted."""
    aligned = CategoryBins(category_column(COLORS)).place(category_summary({"red": 60.0, "mauve": 0.0}))

    assert (aligned.novel, aligned.novel_rows) == ((), 0.0)

"""Which rows are sent of which calls: whole rows from any container, within one budget."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import Captures
from driftline.export.reference_pairs import References
from driftline.export.row_collector import RowCollector
from driftline.records import ModelFacts, NamedColumn, Prediction, as_capture
from driftline.rows.batch import RowBatch
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.table import INPUT, OUTPUT, RowColumn, RowTable
from driftline.runtime.call_scope import RowIds
from driftline.runtime.self_faults import FAULTS
from driftline.settings import Settings

RNG = np.random.default_rng(8)
ROWS = 300
PREDICTION = RowColumn(OUTPUT, "prediction")
POOL = BufferPool(10**9)


def model(name: str = "m") -> ModelFacts:
    return ModelFacts(
        name, None, "M", "test", None, None, None, lambda _, found, __: [NamedColumn("prediction", found[0])]
    )


MODEL = model()


class Clock:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def call(rows: Any, returned: Any, ids: Any = None, facts: ModelFacts = MODEL) -> Prediction:
    captures = Captures(POOL)
    inputs, outputs = as_capture(captures.of(rows)), as_capture(captures.of(returned, returned=True))
    token = [False if ids is None else RowIds(ids)]
    return Prediction.of((facts, "predict", inputs, outputs, 0.1, None, None, token, 0.0))


def collector(budget: Any, clock: Clock | None = None) -> RowCollector:
    return RowCollector(Settings.read({}, rows=budget), References(None), clock or Clock())


def batches(subject: RowCollector) -> dict[str, RowBatch]:
    return {str(identity["ml.model.name"]): batch for identity, batch in subject.batches()}


NUMBERS = np.column_stack([np.arange(float(ROWS)), RNG.normal(size=ROWS), RNG.integers(0, 3, ROWS)])
TEXTS = RNG.choice(["a", "b", "c"], ROWS)
MIXED = {"a": NUMBERS[:, 0], "b": TEXTS, "c": NUMBERS[:, 2] > 1}
CONTAINERS: dict[str, Callable[[], Any]] = {
    "float64": lambda: NUMBERS,
    "float32": lambda: NUMBERS.astype(np.float32),
    "big-endian": lambda: NUMBERS.astype(">f8"),
    "Fortran": lambda: np.asfortranarray(NUMBERS),
    "integers": lambda: NUMBERS.astype(np.int64),
    "objects": lambda: NUMBERS.astype(object),
    "vector": lambda: NUMBERS[:, 1],
    "texts": lambda: np.column_stack([TEXTS, TEXTS]),
    "pooled": lambda: RNG.normal(size=(ROWS, 120)),
    "lists": NUMBERS.tolist,
    "values": NUMBERS[:, 1].tolist,
    "dictionaries": lambda: [dict(zip("abc", row, strict=True)) for row in NUMBERS.tolist()],
    "dictionaries that lack some": lambda: [{"a": row, **({"b": 1} if row % 7 else {})} for row in range(ROWS)],
    "frame of one type": lambda: pd.DataFrame(NUMBERS, columns=list("abc")),
    "frame of several": lambda: pd.DataFrame(MIXED),
    "series": lambda: pd.Series(NUMBERS[:, 0], name="a"),
    "nullable frame": lambda: pd.DataFrame(MIXED).convert_dtypes(),
    "times": lambda: pd.DataFrame(
        {"at": pd.date_range("2026-01-01", periods=ROWS, tz="Europe/Rome"), "n": NUMBERS[:, 0]}
    ),
    "polars": lambda: pl.DataFrame(MIXED),
    "sparse": lambda: sparse.csr_array(NUMBERS),
    "coordinates": lambda: sparse.coo_array(NUMBERS),
    "tensor": lambda: torch.from_numpy(NUMBERS),
    "bfloat16": lambda: torch.from_numpy(NUMBERS).to(torch.bfloat16),
    "images": lambda: np.repeat(np.arange(float(ROWS)), 192).reshape(ROWS, 3, 8, 8).astype(np.float32),
    "large images": lambda: RNG.normal(size=(ROWS, 3, 40, 40)).astype(np.float32),
    "record": lambda: {"x": NUMBERS, "y": NUMBERS[:, 1]},
}


def part(container: Any, rows: slice) -> Any:
    if isinstance(container, dict):
        return {name: part(each, rows) for name, each in container.items()}
    if hasattr(container, "iloc"):
        return container.iloc[rows]
    return container.tocsr()[rows] if sparse.issparse(container) else container[rows]


def sample(container: Any, budget: Any, bounds: list[int]) -> RowTable:
    subject = collector(budget)
    calls = []
    for start, stop in pairwise(bounds):
        calls.append(call(part(container, slice(start, stop)), NUMBERS[start:stop, 0], range(start, stop)))
    subject.add(calls)
    (batch,) = batches(subject).values()
    assert batch.seen == ROWS
    return batch.table


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_chosen_rows_are_whole_rows(container: str) -> None:
    """Whatever holds them, in calls of one row, of some and of many: a sample has the same values as all rows have."""
    FAULTS.reset()
    rows, bounds = CONTAINERS[container](), [0, 1, 2, 12, 13, 80, 90, ROWS]
    whole, some = sample(rows, "all", bounds), sample(rows, 40, bounds)

    assert whole.keys.tolist() == row_keys(hash_ids(range(ROWS)).hashes).tolist()
    assert whole.columns[PREDICTION].tolist() == NUMBERS[:, 0].tolist()
    assert len(some) in (39, 40)
    chosen = whole.chosen(np.isin(whole.keys, some.keys))
    assert chosen.keys.tolist() == some.keys.tolist()
    assert {column.role for column in some.columns} == {INPUT, OUTPUT}
    for column, values in some.columns.items():
        np.testing.assert_array_equal(values.astype(object), chosen.columns[column].astype(object))
    assert not FAULTS.counts()


def test_calls_of_several_containers_are_one_batch_in_order() -> None:
    """What a column lacks is missing; every value is of its own row."""
    calls = [
        call(NUMBERS[:2], NUMBERS[:2, 0], [0, 1]),
        call(pd.DataFrame(MIXED)[2:5], NUMBERS[2:5, 0], [2, 3, 4]),
        call(NUMBERS[5:6], NUMBERS[5:6, 0], [5]),
        call(NUMBERS[6:8], None, [6, 7]),
    ]
    subject = collector("all")
    subject.add(calls)
    table = batches(subject)["m"].table

    assert table.keys.tolist() == row_keys(hash_ids(range(8)).hashes).tolist()
    np.testing.assert_array_equal(table.columns[PREDICTION], [0, 1, 2, 3, 4, 5, np.nan, np.nan])
    np.testing.assert_array_equal(table.columns[RowColumn(INPUT, "x0")], [0, 1, *[np.nan] * 3, 5, 6, 7])
    assert table.columns[RowColumn(INPUT, "b")].tolist() == [None] * 2 + TEXTS[2:5].tolist() + [None] * 3


def test_outputs_that_are_not_one_for_each_row_are_left_out() -> None:
    """Generated sequences, detections: no row has one of them."""
    subject = collector("all")
    subject.add([call(NUMBERS[:4], NUMBERS[:7, 0])])
    assert {column.role for column in batches(subject)["m"].table.columns} == {INPUT}


def test_models_share_the_budget() -> None:
    """A shadow model with a tenth of the traffic sends all of its rows, as long as they fit into half of the budget."""
    subject, shadow = collector(100), model("shadow")
    for start in range(0, ROWS, 30):
        rows = NUMBERS[start : start + 30]
        subject.add([call(rows, rows[:, 0]), call(rows[:3], rows[:3, 0], facts=shadow)])

    found = batches(subject)
    assert (found["m"].seen, found["shadow"].seen) == (ROWS, 30)
    assert (found["shadow"].threshold, len(found["shadow"].table)) == (0, 30)
    assert len(found["m"].table) in (69, 70)


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0, 9, 10), (0.3, 9, 10), (2.0, 19, 20), (60.0, 50, 100)])
def test_the_budget_grows_with_time(seconds: float, least: int, most: int) -> None:
    """A flush after each row sends a second's worth; a late export, twice what fits between two at most."""
    clock = Clock()
    subject = collector(10, clock)
    subject.add([call(NUMBERS, NUMBERS[:, 0])])
    clock.now = seconds

    assert least <= len(batches(subject)["m"].table) <= most


def test_no_interval_holds_more_bytes_than_queued_rows_may() -> None:
    """With all rows asked for, a burst is thinned; the count stays exact."""
    subject = RowCollector(Settings(rows=np.inf, buffer_bytes=400_000), References(None), Clock())
    for _ in range(20):
        subject.add([call(NUMBERS, NUMBERS[:, 0])])
    batch = batches(subject)["m"]

    assert batch.seen == 20 * ROWS
    assert batch.threshold > 0
    assert batch.table.size <= 100_000
    assert len(batch.table) * batch.weight == pytest.approx(batch.seen, rel=0.15)


def test_a_call_of_a_million_rows_copies_what_stays() -> None:
    """Rows are chosen before any is copied."""
    subject = collector(50)
    subject.add([call(np.zeros((1_000_000, 1)), np.zeros(1_000_000))])
    batch = batches(subject)["m"]

    assert batch.seen == 1_000_000
    assert len(batch.table) in (49, 50)


def test_a_batch_is_never_empty_of_its_count() -> None:
    """Rows of one key all find room, or none: seen is exact in any case."""
    subject = collector(10)
    for _ in range(30):
        subject.add([call(NUMBERS[:1], NUMBERS[:1, 0], ["the same"])])
    batch = batches(subject)["m"]

    assert batch.seen == 30
    assert len(batch.table) <= 10
    assert not batches(subject)

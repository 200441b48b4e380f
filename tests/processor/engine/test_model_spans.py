"""Rows of many spans in one record: each span is counted once, in the pane of its own time."""

from dataclasses import replace

import numpy as np
import pytest

from driftline_processor.engine import model_state as module
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.model_state import IngestStatus, ModelState
from driftline_processor.engine.pane import OperationColumn
from driftline_processor.records import ColumnKey, ExampleRows
from engine_records import AGE, CHURN, MINUTE, SECOND, SETTINGS, START, digest, span

PLAN = ColumnKey("input", "plan")


def spans(times: list[int], rows: int = 1) -> ExampleRows:
    """One span for each time; its age is its number, its plan a letter."""
    count = len(times) * rows
    columns = {AGE: np.repeat(np.arange(float(len(times))), rows), PLAN: [chr(97 + i % 3) for i in range(count)]}
    keys = [digest("span", number) for number in range(len(times))]
    return ExampleRows(CHURN, "predict", keys, np.array(times), np.full(len(times), 2.0), rows, columns)


def new() -> ModelState:
    return ModelState.new(CHURN, SETTINGS.size, SETTINGS.step, SETTINGS.lateness)


def taken(model: ModelState, record: ExampleRows) -> list[tuple[IngestStatus, int, float]]:
    found = model.ingest_spans(record, record.times, START)
    return [(each.status, each.items, each.rows) for each in found]


def test_spans_of_one_record_go_to_their_panes() -> None:
    """Numbers and categories, each where its span belongs, by weight."""
    model = new()
    times = [START + 1, START + MINUTE + 1, START + 2, START + MINUTE + 2]

    assert taken(model, spans(times, rows=2)) == [(IngestStatus.COUNTED, 2, 8.0), (IngestStatus.COUNTED, 2, 8.0)]
    first, second = (model.panes.by_start[start].summaries() for start in (START, START + MINUTE))
    assert first[OperationColumn(AGE, "predict")].intervals.weight.tolist() == [4.0, 4.0]
    assert first[OperationColumn(PLAN, "predict")].categories == {"a": 2.0, "b": 4.0, "c": 2.0}  # rows 0, 1, 4 and 5
    assert second[OperationColumn(PLAN, "predict")].categories == {"a": 4.0, "b": 2.0, "c": 2.0}  # rows 2, 3, 6 and 7
    assert model.rows == 16


def test_together_or_one_by_one_is_the_same() -> None:
    """A record of many spans leaves the model as records of one span each do."""
    together, alone = new(), new()
    times = [START + second * 7 * SECOND for second in range(1, 30)]
    record = spans(times, rows=3)
    taken(together, record)
    for number in range(len(times)):
        taken(alone, record.chosen([number]))

    assert (together.rows, together.streams.keys, together.columns) == (alone.rows, alone.streams.keys, alone.columns)
    for start, pane in alone.panes.by_start.items():
        for cell, expected in pane.summaries().items():
            found = together.panes.by_start[start].summaries()[cell]
            assert (found.rows, found.squares) == (expected.rows, expected.squares)
            assert found.categories == expected.categories
            assert found.intervals.weight.tolist() == expected.intervals.weight.tolist()


def test_each_span_is_counted_once() -> None:
    """Also where only some of a record have come before, or one is in it twice."""
    model, record = new(), spans([START + 1, START + 2, START + 3])
    taken(model, record.chosen([1]))
    doubled = replace(record, keys=[record.keys[0], record.keys[1], record.keys[0]])

    assert taken(model, doubled) == [(IngestStatus.DUPLICATE, 2, 0.0), (IngestStatus.COUNTED, 1, 2.0)]
    assert taken(model, record) == [(IngestStatus.DUPLICATE, 2, 0.0), (IngestStatus.COUNTED, 1, 2.0)]
    assert taken(model, record) == [(IngestStatus.DUPLICATE, 3, 0.0)]
    assert model.rows == 6


def test_late_spans_of_a_record_do_not_take_the_others_along() -> None:
    """Those whose pane is closed are late, and how late the oldest is can be told."""
    engine = Engine(SETTINGS)
    engine.observe([span(99, START + 10 * MINUTE, {"age": 1.0})], START + 10 * MINUTE)
    observed = engine.observe([spans([START + 10 * MINUTE, START + 5, START + 6])], START + 10 * MINUTE)

    assert (observed.counted, observed.late) == (1, {CHURN: 4.0})
    assert engine.rows() == {CHURN: 3.0}
    ((items, reason),) = observed.rejections
    assert items == 2
    assert "600 s behind the newest" in reason


def test_spans_of_a_clock_that_is_ahead_count_on_arrival() -> None:
    """The others of their record keep their own time."""
    engine = Engine(SETTINGS)
    observed = engine.observe([spans([START + 1, START + 90 * MINUTE, START + 80 * MINUTE])], START + 2)

    assert observed.counted == 3
    assert observed.notices == ("model 'churn' version '1': a sender's clock is 5400 s ahead; using time of receipt",)


def test_spans_beyond_the_bound_on_keys_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be remembered is counted."""
    monkeypatch.setattr(module, "MAX_KEYS", 2)
    model = new()

    assert taken(model, spans([START + 1, START + 2, START + 3])) == [
        (IngestStatus.TOO_MANY_KEYS, 1, 0.0),
        (IngestStatus.COUNTED, 2, 4.0),
    ]
    assert taken(model, spans([START + 1])) == [(IngestStatus.TOO_MANY_KEYS, 1, 0.0)]

"""Rows that come again: one finding, whichever way rows come, and no other alarm."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import driftline
from driftline.profiling.in_memory import in_memory
from driftline.profiling.plan import Roles, make_plan
from driftline.profiling.tables import Table
from driftline.semconv import TARGET_INPUT, TARGET_ROWS
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.records import (
    AlarmChange,
    ColumnKey,
    ColumnResult,
    ExampleRows,
    InputRecord,
    ModelKey,
    Reference,
    SketchPoint,
    WindowResult,
)
from driftline_processor.reference import read_reference
from driftline_processor.replay.column_mapping import assign_columns
from driftline_processor.replay.sketcher import Sketcher
from driftline_processor.verdicts.reasons import Repeated
from driftline_processor.verdicts.verdict import State
from engine_records import MINUTE, SECOND, SETTINGS, START, digest
from served_columns import MODEL, Worker

ROWS = 1500
FRESH = ModelKey(MODEL.name)
DUPLICATES = ColumnKey(TARGET_ROWS, "duplicates")
Frame = pd.DataFrame
Change = Callable[[Frame, np.random.Generator], Frame]


def frame(seed: int, rows: int = ROWS) -> Frame:
    rng = np.random.default_rng(seed)
    return Frame(
        {
            "amount": rng.normal(100, 20, rows),
            "price": rng.lognormal(size=rows),
            "items": rng.integers(0, 50, rows),
            "plan": rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]),
            "flag": rng.random(rows) < 0.3,
        }
    )


TRAINING = driftline.profile(frame(0, 30_000), model=MODEL.name)
REFERENCE = read_reference(TRAINING.to_request())


def storm(rows: Frame, rng: np.random.Generator, distinct: int = 60) -> Frame:
    """Clients that retry, each of them 25 times."""
    return rows.iloc[np.repeat(rng.integers(0, len(rows), distinct), ROWS // distinct)].reset_index(drop=True)


def ensemble(rows: Frame, _rng: np.random.Generator) -> Frame:
    """A model that is called three times on the same rows."""
    return rows.iloc[np.tile(np.arange(ROWS // 3), 3)].reset_index(drop=True)


def health_checks(rows: Frame, rng: np.random.Generator) -> Frame:
    """One constant row among all others, at values that training has never seen."""
    checks = Frame({"amount": [0.0], "price": [-1.0], "items": [-1], "plan": ["test"], "flag": [False]})
    places = np.where(rng.random(len(rows)) < 0.3, len(rows), np.arange(len(rows)))
    return pd.concat([rows, checks], ignore_index=True).iloc[places].reset_index(drop=True)


def cache(rows: Frame, rng: np.random.Generator) -> Frame:
    """Some rows are asked for again and again: by Zipf's law."""
    share = 1.0 / np.arange(1, len(rows) + 1)
    return rows.iloc[rng.choice(len(rows), len(rows), p=share / share.sum())].reset_index(drop=True)


def few_clients(rows: Frame, rng: np.random.Generator) -> Frame:
    """A storm of five rows."""
    return storm(rows, rng, 5)


REPEATING: list[Change] = [storm, ensemble, health_checks, cache, few_clients]


def served(rows: Frame, time: int) -> list[InputRecord]:
    """By a model server, in calls of several sizes."""
    worker = Worker()
    for first in range(0, len(rows), 400):
        worker.predict(rows[first : first + 400])
    return [_at(record, time) for record in decode_metrics(worker.export()).records]


def _at(record: Any, time: int) -> InputRecord:
    """As of a process of its own."""
    moved: InputRecord = record._replace(start=time - SECOND, time=time, stream=digest(record.stream, time))
    return moved


def replayed(rows: Frame, time: int) -> list[InputRecord]:
    """From a file."""
    table = Table.of([in_memory(rows, {})])
    plan = make_plan(table.kinds, Roles())
    columns = assign_columns(plan.columns, REFERENCE)
    (batch,) = table.batches(plan.sources)
    sketcher = Sketcher(FRESH, columns, {}, frozenset(rows.columns))
    values = {column.key: column.values(batch) for column in columns}
    return sketcher.records(values, np.full(len(rows), time))


def spans(rows: Frame, time: int) -> list[InputRecord]:
    """From another SDK, a span a row."""
    columns: Mapping[ColumnKey, Any] = {
        ColumnKey(TARGET_INPUT, name): values.to_numpy(float) if values.dtype.kind in "fiu" else values.tolist()
        for name, values in rows.items()
    }
    keys = [digest("span", time, number) + b"12345678" for number in range(len(rows))]
    times = np.full(len(rows), time)
    return [ExampleRows(FRESH, "predict", keys, times, np.ones(len(rows)), 1, columns)]


PATHS = {"served": served, "replayed": replayed, "spans": spans}


def windows(
    send: Callable[[Frame, int], list[InputRecord]],
    change: Change,
    *,
    reference: Reference = REFERENCE,
    since: int = 2,
    until: int = 5,
    number: int = 8,
) -> list[WindowResult]:
    """Windows of 5 minutes, in some of which rows are changed."""
    engine, results = Engine(SETTINGS), []
    engine.put_reference(reference)
    for at in range(number):
        rows, time = frame(100 + at), START // (5 * MINUTE) * 5 * MINUTE + (5 * at + 5) * MINUTE
        changed = change(rows, np.random.default_rng(at)) if since <= at < until else rows
        assert not engine.observe(send(changed, time), time).rejections
        results += [result for result in engine.advance(time) if result.window.end % (5 * MINUTE) == 0]
    return results + engine.advance(time + 20 * MINUTE)


def opened(results: list[WindowResult]) -> list[ColumnKey]:
    return [event.column for each in results for event in each.alarms if event.change is AlarmChange.OPENED]


def finding(result: WindowResult) -> ColumnResult:
    (found,) = (column for column in result.columns if column.column == DUPLICATES)
    return found


@pytest.mark.parametrize("change", REPEATING)
@pytest.mark.parametrize("path", PATHS)
def test_rows_that_repeat_are_one_finding(path: str, change: Change) -> None:
    """No column alarms: the rows tell as much as those that differ. It closes when they are over."""
    results = windows(PATHS[path], change)

    assert opened(results) == [DUPLICATES]
    closed = [event for each in results for event in each.alarms if event.change is AlarmChange.CLOSED]
    assert [event.column for event in closed] == [DUPLICATES]
    assert "share of duplicates" in closed[0].summary


@pytest.mark.parametrize("change", REPEATING)
def test_all_paths_say_the_same(change: Change) -> None:
    """Rows of servers, of files and of spans have the same hashes."""
    told = []
    for send in PATHS.values():
        first = next(each for each in windows(send, change) if finding(each).alarm)
        told.append((finding(first).rows, finding(first).effective_rows))

    assert told[0] == told[1] == pytest.approx(told[2])


@pytest.mark.parametrize("path", PATHS)
def test_rows_that_do_not_repeat_are_healthy(path: str) -> None:
    """And the finding is there, to be plotted."""
    results = windows(PATHS[path], lambda rows, _: rows)

    assert not opened(results)
    assert all(finding(each).verdict.state is State.HEALTHY for each in results)  # type: ignore[union-attr]


def test_an_incident_of_duplicates_alone_names_them() -> None:
    """No column has moved, so none is counted."""
    results = windows(served, ensemble)
    (first, *_) = (event.summary for each in results for event in each.incidents)

    assert first.startswith("model churn (test): share of duplicates moved since")
    assert "each row comes 2.9 times on average, once in training: 1,500 rows tell as much as 514" in first


def test_a_change_among_repeated_rows_is_seen() -> None:
    """Twice the rows tell as much as half of them, which is enough for a change of unit."""

    def twice_in_another_unit(rows: Frame, rng: np.random.Generator) -> Frame:
        return ensemble(rows, rng).assign(price=lambda all_rows: all_rows["price"] * 10)

    assert set(opened(windows(served, twice_in_another_unit))) == {DUPLICATES, ColumnKey(TARGET_INPUT, "price")}


def test_values_that_become_constant_are_no_duplicates() -> None:
    """A join that finds nothing: what has changed are the columns."""

    def nothing(rows: Frame, _rng: np.random.Generator) -> Frame:
        return rows.assign(amount=0.0, price=-1.0, items=0, plan="none", flag=False)

    found = opened(windows(served, nothing))
    assert DUPLICATES not in found
    assert {"amount", "price", "plan"} <= {column.name for column in found}


def test_rows_of_few_categories_repeat_by_nature() -> None:
    """Three truth values, whatever becomes of them."""
    rng = np.random.default_rng(0)
    flags = lambda rows: Frame({name: rng.random(rows) < 0.5 for name in "abc"})  # noqa: E731
    reference = read_reference(driftline.profile(flags(20_000), model=MODEL.name).to_request())

    assert not opened(windows(served, lambda rows, _: flags(len(rows)), reference=reference, since=0, until=8))
    drifted = windows(served, lambda rows, _: flags(len(rows)).assign(a=True), reference=reference, since=0, until=8)
    assert ColumnKey(TARGET_INPUT, "a") in opened(drifted)
    assert DUPLICATES not in opened(drifted)


def test_values_that_drift_to_few_are_told_of_the_columns() -> None:
    """Rows of five digits repeat more often once two of them are constant: that is no finding of its own."""
    rng = np.random.default_rng(0)
    digits = lambda rows: Frame({name: rng.integers(0, 10, rows) for name in "abcde"})  # noqa: E731
    profile = replace(driftline.profile(digits(40_000), model=MODEL.name), pairs=())
    drifted = windows(
        served,
        lambda rows, _: digits(len(rows)).assign(a=3, b=4),
        reference=read_reference(profile.to_request()),
        since=0,
    )

    assert set(opened(drifted)) == {ColumnKey(TARGET_INPUT, name) for name in "ab"}


def test_what_training_repeats_is_usual() -> None:
    """Every row twice, in training as in the window."""
    training = frame(0, 20_000)
    twice = training.iloc[np.repeat(np.arange(len(training)), 2)]
    reference = read_reference(driftline.profile(twice, model=MODEL.name).to_request())

    def doubled(rows: Frame, _rng: np.random.Generator) -> Frame:
        return rows.iloc[np.repeat(np.arange(ROWS // 2), 2)].reset_index(drop=True)

    assert not opened(windows(served, doubled, reference=reference))


@pytest.mark.parametrize("old", ["sender", "reference"])
def test_without_hashes_on_both_sides_nothing_is_said(old: str) -> None:
    """Of an earlier version."""

    def without_hashes(rows: Frame, time: int) -> list[InputRecord]:
        return [r for r in served(rows, time) if not isinstance(r, SketchPoint) or r.column.target != TARGET_ROWS]

    send = without_hashes if old == "sender" else served
    reference = REFERENCE if old == "sender" else replace(REFERENCE, row_repeats={})
    results = windows(send, lambda rows, _: rows, reference=reference)
    assert not opened(results)
    assert all(column.column.target != TARGET_ROWS for each in results for column in each.columns)


def test_columns_say_why_their_rows_are_few() -> None:
    """How many rows there were, and as how many they count."""
    first = next(each for each in windows(served, storm) if finding(each).alarm)
    few = [column for column in first.columns if column.verdict and column.verdict.state is State.INSUFFICIENT_DATA]

    assert few
    for column in few:
        assert column.rows == ROWS
        assert column.effective_rows < 70
        assert any(isinstance(reason, Repeated) for reason in column.verdict.reasons)  # type: ignore[union-attr]


def test_two_operations_on_the_same_rows_are_no_repetition() -> None:
    """`predict` and `predict_proba` of one request: the evidence is taken once."""

    def twice(rows: Frame, time: int) -> list[InputRecord]:
        once: list[Any] = served(rows, time)
        return [*once, *(r._replace(operation="predict_proba", stream=digest(r.stream)) for r in once)]

    results = windows(twice, lambda rows, _: rows)
    assert not opened(results)
    columns = [column for each in results for column in each.columns if column.rows and column.column != DUPLICATES]
    assert all(column.effective_rows == ROWS for column in columns)


CONTAINERS: dict[str, Callable[[Frame], Any]] = {
    "frame": lambda rows: rows,
    "single precision": lambda rows: rows.astype({"amount": np.float32, "price": np.float32}),
    "records": lambda rows: rows.to_dict("records"),
    "polars": pl.from_pandas,
    "objects": lambda rows: rows.astype(object),
    "another order": lambda rows: rows[rows.columns[::-1]],
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_copies_are_seen_in_every_container(container: str) -> None:
    """And rows without copies are healthy in it."""

    def send(rows: Frame, time: int) -> list[InputRecord]:
        worker = Worker().predict(CONTAINERS[container](rows))
        return [_at(record, time) for record in decode_metrics(worker.export()).records]

    assert opened(windows(send, storm)) == [DUPLICATES]


def test_the_alarm_survives_a_restart() -> None:
    """Its reasons are in the snapshot; the first window stands in for a reference just as well."""
    engine, results = Engine(SETTINGS), []
    for at in range(8):
        time = START // (5 * MINUTE) * 5 * MINUTE + (5 * at + 5) * MINUTE
        rows = frame(at) if at < 6 else storm(frame(at), np.random.default_rng(0))
        engine.observe(served(rows, time), time)
        results += engine.advance(time)
    assert opened(results) == [DUPLICATES]
    (model,) = engine._models.values()

    restored = load(dump(model), SETTINGS.size, SETTINGS.step, SETTINGS.lateness)
    assert restored.alarms[DUPLICATES].reported.reasons == model.alarms[DUPLICATES].reported.reasons

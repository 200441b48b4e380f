"""What was found of segments survives a restart: nothing opens again, and nothing is forgotten."""

from collections.abc import Iterator

import numpy as np
import pytest

import driftline
from driftline.rows.batch import RowBatch
from driftline.rows.table import INPUT, OUTPUT, RowColumn, RowTable
from driftline.sketch.splitmix import splitmix64
from driftline_processor.engine.engine import Engine
from driftline_processor.records import AlarmEvent, ModelKey, ModelRows, Reference
from driftline_processor.reference.read import read_reference
from engine_records import MINUTE, SETTINGS, START, Sender

MODEL = ModelKey("churn", "1")
ROWS = 1000
WEAK, HEALTHY, WINDOWS = 5, 25, 60
"""Windows at which gold becomes weak, and is well again."""


def data(rows: int, seed: int, weak: bool = False) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "gold"], rows, p=[0.5, 0.3, 0.2])
    certain = 0.6 + 0.4 * rng.random(rows)
    unsure = weak & (plan == "gold") & (rng.random(rows) < 0.9)
    return {"age": rng.normal(40, 12, rows), "plan": plan}, np.where(unsure, 0.55, certain)


@pytest.fixture(scope="module")
def reference() -> Reference:
    frame, score = data(30_000, 0)
    return read_reference(driftline.profile(frame, score=score, model="churn").to_request())


class Line:
    """One model's traffic through an engine that may be replaced by another process's."""

    def __init__(self, reference: Reference) -> None:
        self.reference, self.sender = reference, Sender(model=MODEL, process="p")
        self.engine = self._new()

    def _new(self) -> Engine:
        engine = Engine(SETTINGS)
        engine.put_reference(self.reference)
        return engine

    def restart(self, now: int) -> None:
        states = [state for state in self.engine.snapshot().values() if state is not None]
        self.engine = self._new()
        self.engine.restore(states, now)

    def minute(self, number: int, with_rows: bool = True) -> list[AlarmEvent]:
        start = START + number * MINUTE
        frame, score = data(ROWS, number + 1, WEAK <= number < HEALTHY)
        self.sender.predict({"age": frame["age"].tolist()})
        self.engine.observe(self.sender.tell(start + MINUTE // 2), start + MINUTE)
        if with_rows:
            columns = {RowColumn(INPUT, name): values for name, values in frame.items()}
            times = np.full(ROWS, start + MINUTE // 2, np.int64)
            keys = splitmix64(np.arange(number * ROWS, (number + 1) * ROWS, dtype=np.uint64))
            table = RowTable(keys, times, {**columns, RowColumn(OUTPUT, "score"): score})
            batch = RowBatch(f"p.{number}", 0, ROWS, table, reference=self.reference.id)
            self.engine.observe([ModelRows(MODEL, "predict", batch)], start + MINUTE)
        results = self.engine.advance(start + MINUTE)
        return [event for result in results for event in result.alarms if event.column.target == "segment"]


def events(reference: Reference, restarts: frozenset[int] = frozenset()) -> Iterator[tuple[int, str, str]]:
    line = Line(reference)
    for number in range(WINDOWS):
        if number in restarts:
            line.restart(START + number * MINUTE)
        for event in line.minute(number, number not in restarts):
            yield number, event.change.value, event.column.name


def test_a_segment_is_found_and_closes(reference: Reference) -> None:
    """What the other tests interrupt."""
    assert [event[1:] for event in events(reference)] == [("opened", "plan = gold"), ("closed", "plan = gold")]


@pytest.mark.parametrize("restart", [3, WEAK + 1, 12, 20, HEALTHY + 1])
def test_a_restart_neither_reopens_nor_forgets(reference: Reference, restart: int) -> None:
    """Before, at and after it was found, and when it was well again; the first window after it has no rows."""
    found = list(events(reference, frozenset({restart})))
    assert [event[1:] for event in found] == [("opened", "plan = gold"), ("closed", "plan = gold")]
    assert found[1][0] > HEALTHY


def test_many_restarts(reference: Reference) -> None:
    """One every few windows."""
    found = list(events(reference, frozenset(range(2, WINDOWS, 4))))
    assert [event[1:] for event in found] == [("opened", "plan = gold"), ("closed", "plan = gold")]

"""Labels that come late, in any order, of some rows only: concept drift is found from them, and nothing else is."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
from scipy.special import expit, logit

from driftline.profiling.outcome_profiles import class_outcomes, number_outcomes
from driftline.rows.table import RowTable
from driftline.semconv import TARGET_LABEL
from driftline.sketch.time_units import DAY, HOUR
from driftline_processor.monitors.concept.monitor import CONCEPT, ERRORS, WRONG, Limits
from driftline_processor.outcomes.history import MOST_ROWS, OutcomeHistory
from driftline_processor.outcomes.labelled_sample import LABEL_TEXT, LABEL_VALUE
from driftline_processor.outcomes.tables import CHANCE, SCORES, TEXT, VALUE, WEIGHT, joined
from driftline_processor.records import ColumnKey, Window
from driftline_processor.verdicts.verdict import OpenAlarm, State

START = 470_000 * HOUR
LIMITS = Limits(2e-5)
WAIT = 30 * DAY
Array = np.ndarray[Any, np.dtype[Any]]


class Opened(NamedTuple):
    window: int
    column: ColumnKey
    sentence: str


class Model:
    """Calibrated scores; `flipped` of the outcomes are the other one, from an hour on."""

    def __init__(self, rate: int, seed: int, *, numbers: bool = False) -> None:
        self.rate, self.numbers, self._rng = rate, numbers, np.random.default_rng(seed)
        score, label = self.rows(20_000)
        chunks = np.arange(len(score)) // 200
        if numbers:
            outcomes: Any = number_outcomes(label, score, chunks, {})
        else:
            names = np.array(["0", "1"], object)
            outcomes = class_outcomes(names[label.astype(int)], names[(score >= 0.5).astype(int)], score, chunks)
        assert outcomes is not None
        self.reference: Any = SimpleNamespace(
            id="r",
            outcomes=outcomes,
            has_timestamps=True,
            starts=np.array([0.0]),
            ends=np.array([100 * 3600.0]),
            columns={ColumnKey(TARGET_LABEL, "paid"): SimpleNamespace(categories=("False", "True"))},
        )

    def rows(self, number: int, flipped: float = 0.0) -> tuple[Array, Array]:
        """Scores and outcomes; of numbers, predictions and labels."""
        rng = self._rng
        if self.numbers:
            told = rng.normal(10, 3, number)
            return told, told + rng.normal(5.0 * flipped, 1, number)
        score = rng.beta(0.8, 1.2, number).clip(1e-6, 1 - 1e-6)
        rate = expit(logit(score))
        return score, (rng.random(number) < (1 - flipped) * rate + flipped * (1 - rate)).astype(np.float64)

    def table(self, hour: int, flipped: float) -> tuple[RowTable, Array]:
        score, label = self.rows(self.rate, flipped)
        times = START + hour * HOUR + self._rng.integers(0, HOUR, self.rate)
        told = score if self.numbers else (score >= 0.5).astype(np.float64)
        texts = np.full(self.rate, "", object)
        columns = {VALUE: told, TEXT: texts, SCORES: score, WEIGHT: np.ones(self.rate)}
        return RowTable(self._rng.integers(1, 1 << 60, self.rate).astype(np.uint64), times, columns), label


def labelled(rows: RowTable, label: Array) -> RowTable:
    nothing = np.full(len(rows), np.nan)
    more = {LABEL_VALUE: label, LABEL_TEXT: np.full(len(rows), "", object), CHANCE: nothing}
    return RowTable(rows.keys, rows.times, {**rows.columns, **more})


def play(
    model: Model, hours: int, *, broken: int = 10**9, delay: float = 6.0, slower: float = 1.0, share: float = 1.0,
    saved: bool = False,
) -> Iterator[Opened]:  # fmt: skip
    """The alarms that open. delay: median hours; slower: so many times for the label 0. share: of rows with a label."""
    history, rng, alarms = OutcomeHistory(), np.random.default_rng(9), dict[ColumnKey, OpenAlarm]()
    due: dict[int, list[RowTable]] = {}
    for hour in range(hours):
        rows, label = model.table(hour, 0.3 if hour >= broken else 0.0)
        history.add_rows(rows)
        pairs = labelled(rows, label)
        wait = np.exp(rng.normal(np.log(delay), 1.0, len(rows))) * np.where(label == 0.0, slower, 1.0)
        comes = ((rows.times - START) / HOUR + wait).astype(np.int64)
        chosen = rng.random(len(rows)) < share
        for each in np.unique(comes[chosen]).tolist():
            due.setdefault(max(each, hour), []).append(pairs.chosen(chosen & (comes == each)))
        for table in due.pop(hour, []):
            history.add_pairs(table)
        if saved:
            packed = msgpack.unpackb(msgpack.packb(history.pack()), strict_map_key=False, use_list=False)
            history = OutcomeHistory.unpack(packed)
        window = Window(START + hour * HOUR, START + (hour + 1) * HOUR)
        for found in history.judge(model.reference, window, alarms, LIMITS, WAIT):
            assert found.verdict is not None
            if found.verdict.state is State.ALARM and found.column not in alarms:
                alarms[found.column] = OpenAlarm(window.end, found.verdict.largest_bound, ("outcome",))
                yield Opened(hour, found.column, found.verdict.sentence)


@pytest.mark.parametrize("numbers", [False, True], ids=["classes", "numbers"])
@pytest.mark.parametrize("rate", [20, 200])
@pytest.mark.parametrize(
    "how", [{"delay": 0.1}, {}, {"share": 0.3}, {"slower": 20.0}], ids=["at once", "late", "some", "one class later"]
)
def test_healthy_outcomes_say_nothing(numbers: bool, rate: int, how: dict[str, Any]) -> None:
    """From the first label on; of labels as they usually come a month."""
    hours = 720 if not how else 200
    assert list(play(Model(rate, 1, numbers=numbers), hours, **how)) == []


@pytest.mark.parametrize("numbers", [False, True], ids=["classes", "numbers"])
@pytest.mark.parametrize("saved", [False, True])
def test_other_outcomes_are_found_by_the_labels_that_come(numbers: bool, saved: bool) -> None:
    """Within a day of a label's usual delay; a restart at any window changes nothing."""
    opened = list(play(Model(200, 2, numbers=numbers), 140, broken=100, saved=saved))

    assert {each.column for each in opened} == {CONCEPT, ERRORS if numbers else WRONG}
    assert all(100 <= each.window <= 120 for each in opened), opened
    assert numbers or "share of label 'True'" in next(each.sentence for each in opened if each.column == CONCEPT)


def test_nothing_is_kept_for_a_model_without_a_reference() -> None:
    """Its rows are not waited for."""
    history, model = OutcomeHistory(), Model(200, 3)
    rows, label = model.table(0, 0.0)
    history.add_rows(rows)
    history.add_pairs(labelled(rows, label))

    assert history.judge(None, Window(START, START + HOUR), {}, LIMITS, WAIT) == ()
    assert not history.rows
    assert not history.pairs


def test_memory_is_bounded() -> None:
    """Whether windows are judged or not."""
    history, model = OutcomeHistory(), Model(30_000, 4)
    for hour in range(12):
        rows, label = model.table(hour, 0.0)
        history.add_rows(rows)
        history.add_pairs(labelled(rows, label))
        if hour % 6 == 5:
            assert len(joined(history.pairs)) <= MOST_ROWS
            history.judge(model.reference, Window(START + hour * HOUR, START + (hour + 1) * HOUR), {}, LIMITS, WAIT)
    for hour in range(12, 24):
        rows, label = model.table(hour, 0.0)
        history.add_rows(rows)
        history.add_pairs(labelled(rows, label))
        history.judge(model.reference, Window(START + hour * HOUR, START + (hour + 1) * HOUR), {}, LIMITS, WAIT)

    assert sum(len(pane.weights) for pane in history.panes.values()) <= MOST_ROWS

"""How the verdicts on a model's columns went: one step a window, fewer the older they are. Immutable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.time_units import DAY, HOUR
from driftline_processor.encode.documents import moved_document
from driftline_processor.records import ColumnKey, ColumnResult, WindowResult
from driftline_processor.verdicts.verdict import State

STATES: Final = (State.INSUFFICIENT_DATA, State.HEALTHY, State.WARNING, State.ALARM)
"""In the order of their severity; a step that stands for several has the most severe one."""

ROLLED_UP: Final = ((7 * DAY, 6 * HOUR), (90 * DAY, DAY))
"""From what age on there is one step in so many nanoseconds."""

MOST_ENDS: Final = 500
"""Of a timeline."""

KEPT_FOR: Final = 730 * DAY

STEP_BYTES: Final = 200
VALUE_BYTES: Final = 21


class Point(NamedTuple):
    """Of a column at the end of a step: its state, and figures in shares of the rows, None where there are none."""

    end: int
    state: State
    alarm: bool
    distance: float
    bound: float
    tolerance: float
    share: float | None

    @property
    def ratio(self) -> float | None:
        """The bound in tolerances; None where there is too little data."""
        known = self.state is not State.INSUFFICIENT_DATA and self.tolerance > 0.0
        return self.bound / self.tolerance if known else None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Of all judged columns of a model: severities, [columns], and figures, [columns, 4], NaN where there are none.

    span: nanoseconds that it stands for. alarms: whether the alarm was open. rows: of the window.
    """

    end: int
    span: int
    rows: float
    columns: tuple[ColumnKey, ...]
    states: NDArray[np.uint8]
    alarms: NDArray[np.bool_]
    figures: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        """About what it takes."""
        return STEP_BYTES + VALUE_BYTES * len(self.columns)


@dataclass(frozen=True, slots=True)
class History:
    """The steps of a model, the oldest first. bytes: about what they take."""

    steps: tuple[Step, ...] = ()
    bytes: int = 0

    @classmethod
    def of_steps(cls, steps: Sequence[Step]) -> "History":
        return cls(tuple(steps), sum(step.bytes for step in steps))

    def add(self, result: WindowResult) -> "History":
        """With one more window, which may replace the last one."""
        step = step_of(result, self.steps[-1].columns if self.steps else ())
        before = self.steps
        while before and before[-1].end >= step.end:
            before = before[:-1]
        replaced = sum(each.bytes for each in self.steps[len(before) :])
        return History((*before, step), self.bytes - replaced + step.bytes)

    def rolled_up(self, now: int) -> "History":
        """Old steps together, and none that is too old."""
        recent = [step for step in self.steps if now - step.end <= KEPT_FOR]
        grouped = groupby(recent, lambda step: _period(step, now))
        return History.of_steps([step for _, group in grouped for step in _merged(list(group))])

    def within(self, size: int) -> "History":
        """The newest steps, of so many bytes at most."""
        left, first = self.bytes, 0
        while left > size and first < len(self.steps):
            left -= self.steps[first].bytes
            first += 1
        return History(self.steps[first:], left) if first else self

    def of(self, column: ColumnKey, since: int = 0) -> list[Point]:
        """The points of a column."""
        return list(self._points(column, since))

    def _points(self, column: ColumnKey, since: int) -> Iterator[Point]:
        names: tuple[ColumnKey, ...] | None = None
        place: int | None = None
        for step in self.steps:
            if step.end < since:
                continue
            if step.columns is not names:
                names = step.columns
                place = names.index(column) if column in names else None
            if place is not None:
                yield _point(step, place)

    def timeline(self, since: int = 0, most: int = MOST_ENDS) -> "Timeline":
        """At most so many ends, of the columns of the newest step; neighbours are put together, by the worst."""
        steps = [step for step in self.steps if step.end >= since]
        columns = steps[-1].columns if steps else ()
        length = -(-len(steps) // most) or 1
        groups = [steps[at : at + length] for at in range(0, len(steps), length)]
        severities = np.zeros((len(groups), len(columns)), np.uint8)
        ratios = np.full((len(groups), len(columns)), np.nan, np.float32)
        places = _Places(columns)
        for at, group in enumerate(groups):
            for step in group:
                here, there = places.of(step.columns)
                severities[at, here] = np.maximum(severities[at, here], step.states[there])
                ratios[at, here] = np.fmax(ratios[at, here], _ratios(step)[there])
        ends, rows = [group[-1].end for group in groups], [sum(step.rows for step in group) for group in groups]
        return Timeline(ends, rows, columns, severities, ratios)


class Timeline(NamedTuple):
    """ends, rows: [ends]. severities, ratios: of each column, NaN where there is too little data, [ends, columns]."""

    ends: list[int]
    rows: list[float]
    columns: tuple[ColumnKey, ...]
    severities: NDArray[np.uint8]
    ratios: NDArray[np.float32]

    @property
    def worst(self) -> list[float | None]:
        """The highest ratio of all columns."""
        highest = np.fmax.reduce(self.ratios, axis=1) if len(self.columns) else np.full(len(self.ends), np.nan)
        return [None if np.isnan(ratio) else ratio for ratio in highest.tolist()]


class _Places:
    """Where columns of a step are among those of a timeline."""

    def __init__(self, columns: tuple[ColumnKey, ...]) -> None:
        self._columns, self._index = columns, {column: at for at, column in enumerate(columns)}
        self._last: tuple[ColumnKey, ...] = columns
        self._places: tuple[Any, Any] = (slice(None), slice(None))

    def of(self, columns: tuple[ColumnKey, ...]) -> tuple[Any, Any]:
        """Indices into the timeline, and into the step."""
        if columns is not self._last:
            both = [(self._index[column], at) for at, column in enumerate(columns) if column in self._index]
            here, there = zip(*both, strict=True) if both else ((), ())
            self._last, self._places = columns, (np.array(here, np.int64), np.array(there, np.int64))
        return self._places


def _ratios(step: Step) -> NDArray[np.float32]:
    known = (step.states > 0) & (step.figures[:, 2] > 0.0)
    ratios = np.full(len(known), np.nan, np.float32)
    return np.divide(step.figures[:, 1], step.figures[:, 2], out=ratios, where=known)


def step_of(result: WindowResult, like: tuple[ColumnKey, ...] = ()) -> Step:
    """What stays of a window. like: columns of the step before, to share where they are the same."""
    judged = [column for column in result.columns if column.verdict is not None]
    columns = tuple(column.column for column in judged)
    figures = np.array([_figures(column) for column in judged], np.float32).reshape(-1, 4)
    states = np.array([STATES.index(each.verdict.state) for each in judged if each.verdict], np.uint8)
    alarms = np.array([each.alarm is not None for each in judged], bool)
    shared = like if like == columns else columns
    return Step(
        result.window.end, result.window.end - result.window.start, result.rows, shared, states, alarms, figures
    )


def _figures(column: ColumnResult) -> tuple[float, float, float, float]:
    verdict = column.verdict
    assert verdict is not None
    share = moved_document(column)["after"]
    return verdict.distance, verdict.lower_bound, verdict.tolerance, np.nan if share is None else share


def _point(step: Step, place: int) -> Point:
    distance, bound, tolerance, share = step.figures[place].tolist()
    known = None if np.isnan(share) else share
    return Point(step.end, STATES[step.states[place]], bool(step.alarms[place]), distance, bound, tolerance, known)


def _period(step: Step, now: int) -> tuple[int, int]:
    """Steps of one period become one; a recent one is alone."""
    length = next((length for age, length in reversed(ROLLED_UP) if now - step.end > age), 1)
    return length, -(-step.end // length)


def _merged(steps: Sequence[Step]) -> Iterator[Step]:
    """One step for those of the same columns: of each column the one with the most severe state, then bound."""
    for columns, group in groupby(steps, lambda step: step.columns):
        same = list(group)
        if len(same) == 1:
            yield same[0]
            continue
        states, figures = np.stack([step.states for step in same]), np.stack([step.figures for step in same])
        most = (states + np.nan_to_num(figures[..., 1]).clip(0.0, 0.99)).argmax(axis=0)
        every = np.arange(len(columns))
        yield Step(
            end=same[-1].end,
            span=same[-1].end - same[0].end + same[0].span,
            rows=sum(step.rows for step in same),
            columns=columns,
            states=states[most, every],
            alarms=np.asarray(np.stack([step.alarms for step in same]).any(axis=0)),
            figures=figures[most, every],
        )

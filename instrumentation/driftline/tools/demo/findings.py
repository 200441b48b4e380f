"""What the processor has reported so far, as it arrived at the backend."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import Final, NamedTuple

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import (
    ALARM_EVENTS,
    CLASS_SHARE,
    DISTRIBUTION_MEDIAN,
    DRIFT_ALARM,
    DRIFT_DISTANCE,
    DRIFT_EVENT,
    DRIFT_LOWER_BOUND,
    DRIFT_STATE,
    DRIFT_TARGET,
    DRIFT_TOLERANCE,
    FEATURE_NAME,
    MODEL_NAME,
    OUTPUT_CLASS,
    PROCESSOR_ROWS,
)
from driftline.tools.demo.backend import LogEvent, MetricReading

_MOVES: Final = (ALARM_EVENTS["opened"], ALARM_EVENTS["updated"])

_OF_COLUMN: Final = frozenset(
    {DRIFT_DISTANCE, DRIFT_LOWER_BOUND, DRIFT_TOLERANCE, DRIFT_ALARM, DRIFT_STATE, DISTRIBUTION_MEDIAN}
)


class AlarmRun(NamedTuple):
    """The first of consecutive windows in which a column has an alarm; times are nanoseconds since the epoch.

    window_end: end of that window. seen: when the alarm arrived at the backend. moved: what has moved, in the words of
    the alarm's latest event; "" until one has arrived.
    """

    column: ColumnKey
    window_end: int
    seen: int
    distance: float | None
    tolerance: float | None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A column in its latest window; None for what the processor did not report.

    state: -1 too few rows, 0 healthy, 1 warning, 2 alarm.
    """

    column: ColumnKey
    median: float | None
    distance: float | None
    lower_bound: float | None
    tolerance: float | None
    state: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known about a model at one time. shares: predicted class -> share of rows."""

    columns: Mapping[ColumnKey, Finding] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    alarms: Sequence[AlarmRun] = ()
    rows_counted: int = 0


class Findings:
    """Collects metrics and alarm events of one model. Thread-safe: the backend's threads add, the display's reads."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = Lock()
        self._windows: dict[ColumnKey, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        self._seen: dict[tuple[ColumnKey, int], int] = {}
        self._moved: dict[tuple[ColumnKey, int], str] = {}
        self._shares: dict[int, dict[str, float]] = defaultdict(dict)
        self._rows_counted = 0

    def add(self, readings: Iterable[MetricReading], now: int) -> None:
        """Add readings that arrived at `now` (nanoseconds since the epoch), in any order."""
        with self._lock:
            for reading in readings:
                if reading.attributes.get(MODEL_NAME) == self._model:
                    self._add(reading, now)

    def add_events(self, events: Iterable[LogEvent]) -> None:
        """Add events, before or after the readings of their windows."""
        with self._lock:
            for event in events:
                if event.name in _MOVES and event.attributes.get(MODEL_NAME) == self._model:
                    self._moved[_column(event.attributes), event.time] = str(event.attributes.get(DRIFT_EVENT, ""))

    def report(self) -> Report:
        """All that is known now."""
        with self._lock:
            return Report(
                {column: _latest(column, windows) for column, windows in self._windows.items()},
                dict(self._shares[max(self._shares)]) if self._shares else {},
                tuple(sorted(self._alarms(), key=lambda alarm: (alarm.seen, alarm.column))),
                self._rows_counted,
            )

    def _add(self, reading: MetricReading, now: int) -> None:
        if reading.metric == PROCESSOR_ROWS:  # cumulative: a late export must not lower it
            self._rows_counted = max(self._rows_counted, round(reading.value))
        elif reading.metric == CLASS_SHARE:
            self._shares[reading.time][str(reading.attributes.get(OUTPUT_CLASS))] = reading.value
        elif reading.metric in _OF_COLUMN:
            column = _column(reading.attributes)
            self._windows[column][reading.time][reading.metric] = reading.value
            if reading.metric == DRIFT_ALARM and reading.value:
                self._seen.setdefault((column, reading.time), now)

    def _alarms(self) -> Iterable[AlarmRun]:
        for column, windows in self._windows.items():
            for run in _runs(windows):
                time, values, moved = run[0], windows[run[0]], self._last_move(column, run)
                seen = self._seen[column, time]
                yield AlarmRun(column, time, seen, values.get(DRIFT_DISTANCE), values.get(DRIFT_TOLERANCE), moved)

    def _last_move(self, column: ColumnKey, run: Sequence[int]) -> str:
        return next((self._moved[column, time] for time in reversed(run) if (column, time) in self._moved), "")


def _runs(windows: Mapping[int, Mapping[str, float]]) -> Iterable[list[int]]:
    """The ends of consecutive windows with an alarm, ascending."""
    for alarm, times in groupby(sorted(windows), lambda time: bool(windows[time].get(DRIFT_ALARM))):
        if alarm:
            yield list(times)


def _column(attributes: Mapping[str, str | float | bool]) -> ColumnKey:
    return ColumnKey(str(attributes.get(DRIFT_TARGET)), str(attributes.get(FEATURE_NAME)))


def _latest(column: ColumnKey, windows: Mapping[int, Mapping[str, float]]) -> Finding:
    last = windows[max(windows)]
    state = last.get(DRIFT_STATE)
    return Finding(
        column,
        last.get(DISTRIBUTION_MEDIAN),
        last.get(DRIFT_DISTANCE),
        last.get(DRIFT_LOWER_BOUND),
        last.get(DRIFT_TOLERANCE),
        None if state is None else int(state),
    )

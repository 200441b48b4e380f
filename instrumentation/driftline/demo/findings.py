"""What the processor has said so far, as it arrived at the backend."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, NamedTuple

from driftline.demo.sink import Event, Reading
from driftline.semconv import ALARM_EVENTS, DRIFT_EVENT, DRIFT_TARGET, FEATURE_NAME, MODEL_NAME, OUTPUT_CLASS, PREFIX

DISTANCE: Final = f"{PREFIX}.drift.distance"
LOWER_BOUND: Final = f"{PREFIX}.drift.lower_bound"
TOLERANCE: Final = f"{PREFIX}.drift.tolerance"
ALARM: Final = f"{PREFIX}.drift.alarm"
STATE: Final = f"{PREFIX}.drift.state"
MEDIAN: Final = f"{PREFIX}.distribution.p50"
CLASS_SHARE: Final = f"{PREFIX}.prediction.class.share"
ROWS_COUNTED: Final = "driftline.processor.rows"

_OF_COLUMN: Final = frozenset({DISTANCE, LOWER_BOUND, TOLERANCE, ALARM, STATE, MEDIAN})


class Column(NamedTuple):
    """A column of the model: `target` is `input`, `output` or `label`."""

    target: str
    name: str


class Alarm(NamedTuple):
    """The first window of an unbroken run of alarms of a column; times are nanoseconds since the epoch.

    window_end: end of that window. seen: when the alarm arrived at the backend. moved: what moved, in words; "" before
    its event has come.
    """

    column: Column
    window_end: int
    seen: int
    distance: float | None
    tolerance: float | None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A column in its latest window; None for what the processor did not say.

    state: -1 too few rows, 0 healthy, 1 warning, 2 alarm.
    """

    column: Column
    median: float | None
    distance: float | None
    lower_bound: float | None
    tolerance: float | None
    state: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything found about a model at one moment. shares: predicted class -> share of rows."""

    columns: Mapping[Column, Finding] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    alarms: Sequence[Alarm] = ()
    rows_counted: int = 0


class Findings:
    """Collects the readings of one model; written by the sink's threads, read by the one that shows them."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = Lock()
        self._windows: dict[Column, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        self._seen: dict[tuple[Column, int], int] = {}
        self._moved: dict[tuple[Column, int], str] = {}
        self._shares: dict[int, dict[str, float]] = defaultdict(dict)
        self._rows_counted = 0

    def add(self, readings: Iterable[Reading], now: int) -> None:
        """Take readings that arrived at `now` (nanoseconds since the epoch), in any order."""
        with self._lock:
            for reading in readings:
                if reading.attributes.get(MODEL_NAME) == self._model:
                    self._add(reading, now)

    def hear(self, events: Iterable[Event]) -> None:
        """Take events that arrived."""
        with self._lock:
            for event in events:
                if event.name == ALARM_EVENTS["opened"] and event.attributes.get(MODEL_NAME) == self._model:
                    self._moved[_column(event.attributes), event.time] = str(event.attributes.get(DRIFT_EVENT, ""))

    def report(self) -> Report:
        """What is known now."""
        with self._lock:
            return Report(
                {column: _latest(column, windows) for column, windows in self._windows.items()},
                dict(self._shares[max(self._shares)]) if self._shares else {},
                tuple(sorted(self._alarms(), key=lambda alarm: (alarm.seen, alarm.column))),
                self._rows_counted,
            )

    def _add(self, reading: Reading, now: int) -> None:
        if reading.metric == ROWS_COUNTED:  # a counter: it never falls, whatever comes late
            self._rows_counted = max(self._rows_counted, round(reading.value))
        elif reading.metric == CLASS_SHARE:
            self._shares[reading.time][str(reading.attributes.get(OUTPUT_CLASS))] = reading.value
        elif reading.metric in _OF_COLUMN:
            column = _column(reading.attributes)
            self._windows[column][reading.time][reading.metric] = reading.value
            if reading.metric == ALARM and reading.value:
                self._seen.setdefault((column, reading.time), now)

    def _alarms(self) -> Iterable[Alarm]:
        for column, windows in self._windows.items():
            before = False
            for time in sorted(windows):
                alarm = bool(windows[time].get(ALARM))
                if alarm and not before:
                    values, seen = windows[time], self._seen[column, time]
                    moved = self._moved.get((column, time), "")
                    yield Alarm(column, time, seen, values.get(DISTANCE), values.get(TOLERANCE), moved)
                before = alarm


def _column(attributes: Mapping[str, str | float | bool]) -> Column:
    return Column(str(attributes.get(DRIFT_TARGET)), str(attributes.get(FEATURE_NAME)))


def _latest(column: Column, windows: Mapping[int, Mapping[str, float]]) -> Finding:
    last = windows[max(windows)]
    state = last.get(STATE)
    return Finding(
        column,
        last.get(MEDIAN),
        last.get(DISTANCE),
        last.get(LOWER_BOUND),
        last.get(TOLERANCE),
        None if state is None else int(state),
    )

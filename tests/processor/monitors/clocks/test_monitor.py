"""Inputs that tell the time are held against the time of the rows, whatever the window and the length of training."""

from typing import Any

import numpy as np
import pytest

import driftline
from driftline.reference.clocks import KINDS, Clock
from driftline.semconv import TARGET_INPUT
from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY, HOUR, MINUTE
from driftline_processor.monitors.clocks.monitor import ASPECT, ClockMonitor, Limits, TimedWindow
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Window
from driftline_processor.verdicts.reasons import ClockOff
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict

BEGIN = 1_739_145_600
"""10 February 2025, a Monday."""

LIMITS = Limits(0.05, 2e-5)
NAMES = np.array(["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"])


def told(at: FloatArray, *, hours: float = 0.0) -> dict[str, Any]:
    """What clocks tell at these times, or so many hours later."""
    later = at + 3_600.0 * hours
    return {
        "hour": later // 3_600 % 24,
        "local": (later // 3_600 - 5) % 24,
        "minute_of_day": later % 86_400 / 60,
        "weekday": later // 86_400 % 7,
        "day_name": NAMES[(later // 86_400 % 7).astype(int)],
        "epoch": np.floor(later),
        "milliseconds": np.floor(later * 1e3),
        "order": np.floor((later - BEGIN) * 0.05),
        "month": later.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1.0,
    }


def trained(days: float) -> ClockMonitor:
    random = np.random.default_rng(0)
    at = BEGIN + np.sort(random.uniform(0.0, 86_400.0 * days, 20_000))
    made = driftline.profile({"at": at, "x": random.normal(size=len(at)), **told(at)}, timestamp="at")
    return ClockMonitor(made.clocks, 20_000.0)


@pytest.fixture(scope="module")
def monitor() -> ClockMonitor:
    return trained(42)


def summary(values: Any) -> ColumnSummary:
    rows = float(len(values))
    if values.dtype.kind == "U":
        names, counts = np.unique(values, return_counts=True)
        return ColumnSummary(
            categories=dict(zip(names.tolist(), counts.astype(float), strict=True)), rows=rows, squares=rows
        )
    return ColumnSummary(Intervals(values, values, np.ones(len(values))), rows=rows, squares=rows)


def verdicts(
    monitor: ClockMonitor, columns: dict[str, Any], window: Window, alarm: OpenAlarm | None = None
) -> dict[str, Verdict]:
    """By name; an alarm, if any, is open for all."""
    held = {ColumnKey(TARGET_INPUT, name): summary(values) for name, values in columns.items()}
    results = [ColumnResult(key, each.rows, each.rows, 0.0, {}, {}, {}, None) for key, each in held.items()]
    begins = np.arange(window.start // HOUR, -(-window.end // HOUR)) * HOUR
    hours = dict.fromkeys(begins.tolist(), 1.0)
    alarms = dict.fromkeys(held, alarm) if alarm is not None else {}
    found = monitor.judged(results, held, TimedWindow(window, hours, alarms), LIMITS)  # type: ignore[arg-type]
    return {each.column.name: each.verdict for each in found if each.verdict is not None}


def stretch(day: float, size: int) -> Window:
    start = BEGIN * 10**9 + round(day * DAY)
    return Window(start, start + size)


def times(window: Window, rows: int = 240) -> FloatArray:
    return np.linspace(window.start / 1e9, window.end / 1e9, rows, endpoint=False)


@pytest.mark.parametrize("days", [22, 28, 42, 90])
def test_healthy_clocks_raise_nothing(days: int) -> None:
    """In windows of any length, after training of any length, within it and long after; most are known at least."""
    monitor = trained(days)

    assert {clock.name for clock in monitor.clocks} >= {
        "hour",
        "local",
        "minute_of_day",
        "weekday",
        "day_name",
        "epoch",
    }
    for size in (5 * MINUTE, HOUR, 6 * HOUR, DAY):
        for day in (3.0, days / 2, days + 0.25, days + 17.5):
            window = stretch(day, size)
            found = verdicts(monitor, told(times(window)), window)
            assert {name for name, verdict in found.items() if verdict.state is not State.HEALTHY} == set()


def test_summer_time_is_no_fault(monitor: ClockMonitor) -> None:
    """A clock may go wrong by one hour."""
    window = stretch(50.0, HOUR)
    found = verdicts(monitor, told(times(window), hours=1), window)

    assert {found[name].state for name in ("hour", "local", "minute_of_day", "weekday")} == {State.HEALTHY}


@pytest.mark.parametrize("hours", [-11, -3, 2, 5, 12])
@pytest.mark.parametrize("size", [5 * MINUTE, HOUR])
def test_a_clock_in_another_zone_is_found_in_the_first_window(monitor: ClockMonitor, hours: int, size: int) -> None:
    """As are epochs; the sentence says by how much."""
    window = stretch(50.5, size)
    found = verdicts(monitor, told(times(window), hours=hours), window)
    clocks = ("hour", "local", "minute_of_day", "epoch", "milliseconds")

    assert {name for name in clocks if found[name].state is State.ALARM} == set(clocks)
    (reason,) = found["epoch"].reasons
    assert isinstance(reason, ClockOff)
    assert reason.behind == pytest.approx(-3_600 * hours, abs=120)
    word = "ahead" if hours > 0 else "behind"
    assert found["hour"].aspect == ASPECT
    assert word in found["epoch"].sentence


def test_a_day_is_told_apart(monitor: ClockMonitor) -> None:
    """Numbered from another day, or named a day late."""
    window = stretch(50.5, HOUR)
    found = verdicts(monitor, told(times(window), hours=24), window)

    assert {found[name].state for name in ("weekday", "day_name")} == {State.ALARM}
    assert found["hour"].state is State.HEALTHY


@pytest.mark.parametrize("size", [HOUR, 6 * HOUR, DAY])
def test_what_stops_is_found(monitor: ClockMonitor, size: int) -> None:
    """An epoch a window later; hours of the day as soon as a window has more of one than there may be."""
    window = stretch(50.5, size)
    columns = {name: np.repeat(values[:1], 240) for name, values in told(times(stretch(49.3, size))).items()}
    found = verdicts(monitor, columns, window)

    assert {found[name].state for name in ("epoch", "milliseconds", "weekday")} == {State.ALARM}
    assert found["hour"].state is State.ALARM


@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e6, 1 / 60])
def test_another_unit_is_found(monitor: ClockMonitor, scale: float) -> None:
    """Of an epoch, and of a counter."""
    window = stretch(50.5, HOUR)
    now = told(times(window))
    found = verdicts(monitor, {name: now[name] * scale for name in ("epoch", "milliseconds", "order")}, window)

    assert {verdict.state for verdict in found.values()} == {State.ALARM}


def test_a_counter_that_begins_again(monitor: ClockMonitor) -> None:
    """At once, with the alarm closed by the first window in which it goes on."""
    window = stretch(42.5, HOUR)
    again = verdicts(monitor, {"order": np.arange(240.0)}, window)["order"]
    on = verdicts(monitor, told(times(window)), window, OpenAlarm(window.start, 0.9))["order"]

    assert again.state is State.ALARM
    assert "do not go with their time (counter)" in again.sentence
    assert on.closing is not None


def test_dates_go_with_the_window(monitor: ClockMonitor) -> None:
    """In every zone: on the last day of a month the next one may have begun."""
    window = stretch(48.9, HOUR)  # 30 March
    wrong = verdicts(monitor, {"month": np.full(200, 9.0)}, window)["month"]

    assert wrong.state is State.ALARM
    for month, state in ((3.0, State.HEALTHY), (4.0, State.ALARM)):
        assert verdicts(monitor, {"month": np.full(200, month)}, window)["month"].state is state


def test_few_wrong_rows_are_tolerated(monitor: ClockMonitor) -> None:
    """Four of a hundred, as asked; no rows are no evidence."""
    window = stretch(50.5, HOUR)
    epoch = told(times(window))["epoch"]
    epoch[:9] = 0.0
    found = verdicts(monitor, {"epoch": epoch, "milliseconds": np.zeros(0)}, window)

    assert found["epoch"].state is State.HEALTHY
    assert found["epoch"].distance == pytest.approx(9 / 240)
    assert found["milliseconds"].state is State.INSUFFICIENT_DATA


def test_clocks_survive_their_file(monitor: ClockMonitor, tmp_path: Any) -> None:
    """Field by field, and a merge with themselves; a profile of later rows goes on."""
    random = np.random.default_rng(2)
    parts = []
    for first in (0.0, 42.0):
        at = BEGIN + 86_400.0 * first + np.sort(random.uniform(0.0, 86_400.0 * 42, 8_000))
        parts.append(driftline.profile({"at": at, "x": at % 7.0, **told(at)}, timestamp="at"))
    merged = parts[0].merge(parts[1])
    merged.save(tmp_path / "m.json")

    def plain(clocks: tuple[Clock, ...]) -> list[Any]:
        return [
            (c.name, c.kind, c.lows.tolist(), c.highs.tolist(), c.times.tolist(), c.scale, c.names, c.off)
            for c in clocks
        ]

    loaded = driftline.load_profile(tmp_path / "m.json").clocks
    assert {clock.kind for clock in loaded} <= set(KINDS)
    assert str(plain(loaded)) == str(plain(merged.clocks))
    window = stretch(90.0, HOUR)
    found = verdicts(ClockMonitor(loaded, 1.0), told(times(window)), window)
    assert {verdict.state for verdict in found.values()} == {State.HEALTHY}

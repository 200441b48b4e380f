from itertools import permutations

import pytest

from driftline.profiling.plan import ColumnKey
from driftline.semconv import (
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
from driftline.tools.demo import findings
from driftline.tools.demo.backend import LogEvent, MetricReading
from driftline.tools.demo.findings import Finding, Findings
from driftline_processor.encode.metrics import METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX

MODEL = "progression"
AGE = ColumnKey("input", "age")


def reading(metric: str, value: float, time: int, column: ColumnKey = AGE, model: str = MODEL) -> MetricReading:
    attributes = {MODEL_NAME: model, DRIFT_TARGET: column.target, FEATURE_NAME: column.name}
    return MetricReading(metric, attributes, value, time)


def report_of(*readings: MetricReading) -> findings.Report:
    collected = Findings(MODEL)
    for now, each in enumerate(readings):
        collected.add([each], now)
    return collected.report()


def test_the_names_are_those_that_the_processor_uses() -> None:
    """What is listened for is in the processor's own tables."""
    spoken = {metric.name for metric in METRICS} | {f"{METRIC_PREFIX}.{metric.name}" for metric in INTERNAL_METRICS}

    assert spoken >= {
        DRIFT_DISTANCE, DRIFT_LOWER_BOUND, DRIFT_TOLERANCE, DRIFT_ALARM, DRIFT_STATE, DISTRIBUTION_MEDIAN,
        CLASS_SHARE, PROCESSOR_ROWS,
    }  # fmt: skip


def test_nothing_heard_is_nothing_known() -> None:
    """The report of a silent processor is empty."""
    assert report_of() == findings.Report()


def test_a_column_is_shown_in_its_latest_window() -> None:
    """An older window that arrives late does not replace a newer one."""
    report = report_of(
        reading(DRIFT_DISTANCE, 0.02, time=20),
        reading(DRIFT_STATE, 1, time=20),
        reading(DRIFT_DISTANCE, 0.9, time=10),
    )

    assert report.columns == {AGE: Finding(AGE, None, 0.02, None, None, 1)}


def test_a_column_without_a_verdict_is_not_healthy_but_unjudged() -> None:
    """No word about it is not the word that all is well."""
    assert report_of(reading(DISTRIBUTION_MEDIAN, 48.0, time=10)).columns[AGE].state is None


def test_a_run_of_alarms_is_one_alarm() -> None:
    """Its window is the first of the run; after a healthy window the next run is another."""
    verdicts = [0, 1, 1, 0, 1]
    report = report_of(*(reading(DRIFT_ALARM, value, time) for time, value in enumerate(verdicts)))

    assert [alarm.window_end for alarm in report.alarms] == [1, 4]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    """The same windows in any order are the same alarm."""
    readings = [reading(DRIFT_ALARM, 0, 10), reading(DRIFT_ALARM, 1, 20), reading(DRIFT_ALARM, 1, 30)]

    assert [alarm.window_end for alarm in report_of(*(readings[i] for i in order)).alarms] == [20]


def test_an_alarm_has_the_figures_of_its_window() -> None:
    """Distance and tolerance belong to the window that raised it, whenever they arrive."""
    report = report_of(
        reading(DRIFT_ALARM, 1, 10), reading(DRIFT_DISTANCE, 0.4, 10), reading(DRIFT_TOLERANCE, 0.05, 10),
        reading(DRIFT_ALARM, 1, 20), reading(DRIFT_DISTANCE, 0.9, 20),
    )  # fmt: skip

    assert report.alarms == (findings.AlarmRun(AGE, window_end=10, seen=0, distance=0.4, tolerance=0.05),)


@pytest.mark.parametrize("first", ["event", "reading"])
def test_an_alarm_says_what_moved_when_its_event_is_there(first: str) -> None:
    """LogEvent and reading belong together by column and window, whichever comes first; others say nothing of it."""
    collected = Findings(MODEL)
    attributes = {MODEL_NAME: MODEL, DRIFT_TARGET: "input", FEATURE_NAME: "age", DRIFT_EVENT: "share above 3"}
    opened, closed = LogEvent("ml.alarm.opened", attributes, 10), LogEvent("ml.alarm.closed", attributes, 20)
    if first == "event":
        collected.add_events([opened, closed])
    collected.add([reading(DRIFT_ALARM, 1, 10), reading(DRIFT_ALARM, 0, 15), reading(DRIFT_ALARM, 1, 20)], 0)
    if first == "reading":
        assert [alarm.moved for alarm in collected.report().alarms] == ["", ""]
        collected.add_events([opened, closed])

    assert [alarm.moved for alarm in collected.report().alarms] == ["share above 3", ""]


def test_an_alarm_says_what_its_latest_event_says() -> None:
    """The first window may hold few broken rows; later ones tell more. The figures stay those of the first."""
    collected = Findings(MODEL)
    attributes = {MODEL_NAME: MODEL, DRIFT_TARGET: "input", FEATURE_NAME: "age"}
    for name, moved, time in [("opened", "14%", 10), ("updated", "96%", 20), ("opened", "9%", 50)]:
        collected.add_events([LogEvent(f"ml.alarm.{name}", attributes | {DRIFT_EVENT: moved}, time)])
    collected.add(
        [reading(DRIFT_ALARM, value, time) for value, time in [(1, 10), (1, 20), (1, 30), (0, 40), (1, 50)]], 0
    )

    assert [(alarm.window_end, alarm.moved) for alarm in collected.report().alarms] == [(10, "96%"), (50, "9%")]


def test_alarms_are_told_in_the_order_in_which_they_were_seen() -> None:
    """Not in that of their windows."""
    bmi = ColumnKey("input", "bmi")
    report = report_of(reading(DRIFT_ALARM, 1, 20), reading(DRIFT_ALARM, 1, 10, column=bmi))

    assert [alarm.column for alarm in report.alarms] == [AGE, bmi]


def test_other_models_are_not_listened_to() -> None:
    """The backend may add_events of more than the demo's model."""
    assert report_of(reading(DRIFT_ALARM, 1, 10, model="another")) == findings.Report()


def test_class_shares_are_those_of_the_latest_window() -> None:
    """Classes of an older window are gone."""
    report = report_of(
        *(
            MetricReading(CLASS_SHARE, {MODEL_NAME: MODEL, OUTPUT_CLASS: name}, share, time)
            for name, share, time in [("mild", 0.4, 20), ("severe", 0.6, 20), ("unknown", 1.0, 10)]
        )
    )

    assert report.shares == {"mild": 0.4, "severe": 0.6}


def test_rows_counted_never_fall() -> None:
    """The counter is cumulative: an export that comes late changes nothing."""
    assert report_of(reading(PROCESSOR_ROWS, 70, 20), reading(PROCESSOR_ROWS, 40, 10)).rows_counted == 70

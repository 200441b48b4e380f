from itertools import permutations

import pytest

from driftline.demo import findings
from driftline.demo.findings import Column, Finding, Findings
from driftline.demo.sink import Event, Reading
from driftline.semconv import DRIFT_EVENT, DRIFT_TARGET, FEATURE_NAME, MODEL_NAME, OUTPUT_CLASS
from driftline_processor.encode.metrics import METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX

MODEL = "progression"
AGE = Column("input", "age")


def say(metric: str, value: float, time: int, column: Column = AGE, model: str = MODEL) -> Reading:
    attributes = {MODEL_NAME: model, DRIFT_TARGET: column.target, FEATURE_NAME: column.name}
    return Reading(metric, attributes, value, time)


def heard(*readings: Reading) -> findings.Report:
    collected = Findings(MODEL)
    for now, reading in enumerate(readings):
        collected.add([reading], now)
    return collected.report()


def test_the_names_are_those_that_the_processor_uses() -> None:
    """What is listened for is in the processor's own tables."""
    spoken = {metric.name for metric in METRICS} | {f"{METRIC_PREFIX}.{metric.name}" for metric in INTERNAL_METRICS}

    assert spoken >= {
        findings.DISTANCE, findings.LOWER_BOUND, findings.TOLERANCE, findings.ALARM, findings.STATE, findings.MEDIAN,
        findings.CLASS_SHARE, findings.ROWS_COUNTED,
    }  # fmt: skip


def test_nothing_heard_is_nothing_known() -> None:
    """The report of a silent processor is empty."""
    assert heard() == findings.Report()


def test_a_column_is_shown_in_its_latest_window() -> None:
    """An older window that arrives late does not replace a newer one."""
    report = heard(
        say(findings.DISTANCE, 0.02, time=20), say(findings.STATE, 1, time=20), say(findings.DISTANCE, 0.9, time=10)
    )

    assert report.columns == {AGE: Finding(AGE, None, 0.02, None, None, 1)}


def test_a_column_without_a_verdict_is_not_healthy_but_unjudged() -> None:
    """No word about it is not the word that all is well."""
    assert heard(say(findings.MEDIAN, 48.0, time=10)).columns[AGE].state is None


def test_a_run_of_alarms_is_one_alarm() -> None:
    """Its window is the first of the run; after a healthy window the next run is another."""
    verdicts = [0, 1, 1, 0, 1]
    report = heard(*(say(findings.ALARM, value, time) for time, value in enumerate(verdicts)))

    assert [alarm.window_end for alarm in report.alarms] == [1, 4]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    """The same windows in any order are the same alarm."""
    readings = [say(findings.ALARM, 0, 10), say(findings.ALARM, 1, 20), say(findings.ALARM, 1, 30)]

    assert [alarm.window_end for alarm in heard(*(readings[i] for i in order)).alarms] == [20]


def test_an_alarm_has_the_figures_of_its_window() -> None:
    """Distance and tolerance belong to the window that raised it, whenever they arrive."""
    report = heard(
        say(findings.ALARM, 1, 10), say(findings.DISTANCE, 0.4, 10), say(findings.TOLERANCE, 0.05, 10),
        say(findings.ALARM, 1, 20), say(findings.DISTANCE, 0.9, 20),
    )  # fmt: skip

    assert report.alarms == (findings.Alarm(AGE, window_end=10, seen=0, distance=0.4, tolerance=0.05),)


@pytest.mark.parametrize("first", ["event", "reading"])
def test_an_alarm_says_what_moved_when_its_event_is_there(first: str) -> None:
    """Event and reading belong together by column and window, whichever comes first; others say nothing of it."""
    collected = Findings(MODEL)
    attributes = {MODEL_NAME: MODEL, DRIFT_TARGET: "input", FEATURE_NAME: "age", DRIFT_EVENT: "share above 3"}
    opened, closed = Event("ml.alarm.opened", attributes, 10), Event("ml.alarm.closed", attributes, 20)
    if first == "event":
        collected.hear([opened, closed])
    collected.add([say(findings.ALARM, 1, 10), say(findings.ALARM, 0, 15), say(findings.ALARM, 1, 20)], 0)
    if first == "reading":
        assert [alarm.moved for alarm in collected.report().alarms] == ["", ""]
        collected.hear([opened, closed])

    assert [alarm.moved for alarm in collected.report().alarms] == ["share above 3", ""]


def test_alarms_are_told_in_the_order_in_which_they_were_seen() -> None:
    """Not in that of their windows."""
    bmi = Column("input", "bmi")
    report = heard(say(findings.ALARM, 1, 20), say(findings.ALARM, 1, 10, column=bmi))

    assert [alarm.column for alarm in report.alarms] == [AGE, bmi]


def test_other_models_are_not_listened_to() -> None:
    """The backend may hear of more than the demo's model."""
    assert heard(say(findings.ALARM, 1, 10, model="another")) == findings.Report()


def test_class_shares_are_those_of_the_latest_window() -> None:
    """Classes of an older window are gone."""
    report = heard(
        *(
            Reading(findings.CLASS_SHARE, {MODEL_NAME: MODEL, OUTPUT_CLASS: name}, share, time)
            for name, share, time in [("mild", 0.4, 20), ("severe", 0.6, 20), ("unknown", 1.0, 10)]
        )
    )

    assert report.shares == {"mild": 0.4, "severe": 0.6}


def test_rows_counted_never_fall() -> None:
    """The counter is cumulative: an export that comes late changes nothing."""
    assert heard(say(findings.ROWS_COUNTED, 70, 20), say(findings.ROWS_COUNTED, 40, 10)).rows_counted == 70

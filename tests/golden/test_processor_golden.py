"""OTLP in, OTLP out: what the processor says to recorded requests stays what it was."""

from typing import Any

import pytest

from golden.processor_files import CHANGE, RECOVERY, REQUESTS, RESULTS, SECOND, START, read, results

STEP = 5
LAST_BROKEN = RECOVERY + STEP
"""The end of the last window with ages in the other unit."""


def close(value: Any) -> Any:
    """The same, with numbers compared to nine digits: libraries of other versions differ in the last ones."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-9, abs=1e-12)
    if isinstance(value, dict):
        return {key: close(each) for key, each in value.items()}
    return [close(each) for each in value] if isinstance(value, list) else value


def alarms(said: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """Columns in alarm, with the second at which their window ended."""
    return {
        (
            next(a["value"]["stringValue"] for a in point["attributes"] if a["key"] == "ml.feature.name"),
            (int(point["timeUnixNano"]) - START) // SECOND,
        )
        for request in said
        for held in request.get("resourceMetrics", ())
        for metric in held["scopeMetrics"][0]["metrics"]
        if metric["name"] == "ml.drift.alarm"
        for point in metric["gauge"]["dataPoints"]
        if point["asInt"] == "1"
    }


def events(said: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """What became of alarms: the event's name, its sentence, and the second at which its window ended."""
    return [
        (record["eventName"], record["body"]["stringValue"], (int(record["timeUnixNano"]) - START) // SECOND)
        for request in said
        for held in request.get("resourceLogs", ())
        for record in held["scopeLogs"][0]["logRecords"]
    ]


def test_results_are_those_of_the_golden_file() -> None:
    """Every metric, event, label, time and value is what it was when the golden file was made."""
    said = results(read(REQUESTS))

    assert len(said) == len(read(RESULTS)) > 0
    for request, expected in zip(said, read(RESULTS), strict=True):
        assert request == close(expected)


def test_golden_results_make_sense() -> None:
    """The file itself is right: the changed column alone has an alarm, from its change until it is back."""
    found = alarms(read(RESULTS))
    (incident, paged, _), (opened, what, first), *_, (over, _, _), (closed, _, last) = events(read(RESULTS))

    assert {column for column, _ in found} == {"age"}
    assert (incident, opened, first) == ("ml.incident.opened", "ml.alarm.opened", CHANGE)
    assert paged.startswith("model churn 3 (shop): 1 of 2 inputs moved since ")
    assert what.startswith("model churn 3 (shop): input age moved down since ")
    assert (over, closed) == ("ml.incident.closed", "ml.alarm.closed")
    assert last > LAST_BROKEN
    assert {second for _, second in found} == set(range(first, last, STEP))

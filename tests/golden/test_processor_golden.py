"""OTLP in, OTLP out: what the processor says to recorded requests stays what it was."""

from typing import Any

import pytest

from golden.processor_files import CHANGE, REQUESTS, RESULTS, SECOND, START, read, results


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
        for held in request["resourceMetrics"]
        for metric in held["scopeMetrics"][0]["metrics"]
        if metric["name"] == "ml.drift.alarm"
        for point in metric["gauge"]["dataPoints"]
        if point["asInt"] == "1"
    }


def test_results_are_those_of_the_golden_file() -> None:
    """Every metric, label, time and value is what it was when the golden file was made."""
    said = results(read(REQUESTS))

    assert len(said) == len(read(RESULTS)) > 0
    for request, expected in zip(said, read(RESULTS), strict=True):
        assert request == close(expected)


def test_golden_results_make_sense() -> None:
    """The file itself is right: the column that changed is in alarm from its change on, and no other ever."""
    found = alarms(read(RESULTS))

    assert {column for column, _ in found} == {"age"}
    assert min(second for _, second in found) == CHANGE

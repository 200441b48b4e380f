import json
from dataclasses import replace

import pytest

from driftline.profiling.plan import ColumnKey
from driftline.tools.demo.findings import AlarmRun
from driftline.tools.demo.result import DemoResult
from driftline.tools.demo.scenario import Expected
from driftline.tools.demo.scenarios.drift import SCENARIO

SECOND = 1_000_000_000
FAULT_BEGAN = 1_700_000_000 * SECOND
TRUE = AlarmRun(ColumnKey("input", "ldl"), FAULT_BEGAN + 2 * SECOND, FAULT_BEGAN + 5 * SECOND, 0.98, 0.05)
EARLY = TRUE._replace(window_end=FAULT_BEGAN)
OTHER = TRUE._replace(column=ColumnKey("input", "age"))
OUTPUT = TRUE._replace(column=ColumnKey("output", "prediction"))
EXPECTED = DemoResult("drift", SCENARIO.expected, FAULT_BEGAN, (TRUE,), rows_sent=100, rows_counted=100, collector=True)


def test_the_broken_feature_alone_is_what_is_expected() -> None:
    """No problem, and the delay is that from the fault to the alarm's arrival."""
    assert list(EXPECTED.problems()) == []
    assert EXPECTED.first_alarm_seconds == 5.0


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (replace(EXPECTED, alarms=()), "no alarm for ldl"),
        (replace(EXPECTED, alarms=(EARLY, TRUE)), "a false alarm: input ldl"),
        (replace(EXPECTED, alarms=(TRUE, OTHER)), "a false alarm: input age"),
        (replace(EXPECTED, alarms=(TRUE, OUTPUT)), "a false alarm: output prediction"),
        (replace(EXPECTED, rows_counted=99), r"got 99 of 100"),
        (replace(EXPECTED, fault_began=None), "no alarm for ldl"),
    ],
)
def test_anything_else_is_a_problem(result: DemoResult, problem: str) -> None:
    """Missing alarms, early ones, others, and rows that were lost are each named."""
    assert any(problem in each for each in result.problems())


def test_a_second_alarm_of_the_broken_feature_is_no_problem() -> None:
    """An alarm may close and open again while the fault lasts; the column is named once."""
    again = replace(EXPECTED, alarms=(TRUE, TRUE._replace(seen=TRUE.seen + SECOND)))

    assert list(again.problems()) == []
    assert again.alarmed == ["ldl"]


def test_what_shows_the_same_fault_is_no_false_alarm() -> None:
    """A scenario may name more columns; they neither replace the expected alarm nor set its time."""
    allowing = replace(EXPECTED, expected=Expected(TRUE.column, frozenset({OUTPUT.column})))
    sooner = OUTPUT._replace(seen=TRUE.seen - SECOND)

    assert list(replace(allowing, alarms=(sooner, TRUE)).problems()) == []
    assert replace(allowing, alarms=(sooner, TRUE)).first_alarm_seconds == 5.0
    assert any("no alarm for ldl" in each for each in replace(allowing, alarms=(sooner,)).problems())


def test_the_file_holds_the_facts() -> None:
    """Every key that scripts rely on, in JSON."""
    written = json.loads(json.dumps(EXPECTED.as_json()))

    assert written == {
        "scenario": "drift",
        "broken": "ldl",
        "alarmed": ["ldl"],
        "rows_sent": 100,
        "rows_counted": 100,
        "collector": True,
        "first_alarm_seconds": 5.0,
        "alarms": [
            {
                "column": "ldl",
                "target": "input",
                "at": "2023-11-14T22:13:25.000+00:00",
                "window_end": "2023-11-14T22:13:22.000+00:00",
                "distance": 0.98,
                "tolerance": 0.05,
                "moved": "",
            }
        ],
        "problems": [],
    }

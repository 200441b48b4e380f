"""The table of output metrics: one row says all of a metric, and the documentation's table comes from it."""

import re
from dataclasses import replace

import pytest

from driftline.semconv import PREFIX
from driftline_processor.encode.metrics import METRICS, STATES, Metric
from driftline_processor.monitors.drift.statistics import STATISTICS
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict

VERDICT = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Stated("share above 3: 20% to 40%"),))
COLUMN = ColumnResult(
    column=ColumnKey("output", "prediction"),
    rows=200.0,
    effective_rows=100.0,
    reference_rows=5_000.0,
    statistics={statistic.name: 0.25 + i for i, statistic in enumerate(STATISTICS)},
    distribution={"mean": 1.0, "p05": 0.5, "p50": 1.0, "p95": 2.0},
    shares={"stays": 0.75, "leaves": 0.25},
    verdict=VERDICT,
    alarm="id",
    reference_distribution={"mean": 2.0, "p05": 1.5, "p50": 2.0, "p95": 3.0},
    reference_shares={"stays": 0.5, "leaves": 0.5},
    states={"missing": 0.25},
)
BARE = ColumnResult(ColumnKey("input", "age"), 0.0, 0.0, 0.0, {}, {}, {}, None)
RESULT = WindowResult(ModelKey("churn"), Window(10**18, 10**18 + 10**9), 200.0, "abc", False, (COLUMN,))


def values(column: ColumnResult) -> dict[str, dict[str, float]]:
    return {row.name: dict(row.of_column(column)) for row in METRICS if row.of_column}


def test_every_statistic_is_a_metric() -> None:
    """A statistic needs nothing but its file and its place in STATISTICS to leave the processor."""
    found = values(COLUMN)

    assert [found[f"{PREFIX}.drift.{s.name}"] for s in STATISTICS] == [{"": 0.25 + i} for i in range(len(STATISTICS))]


def test_values_of_a_column() -> None:
    """Each row finds its value in a result."""
    found = values(COLUMN)

    assert found["ml.drift.alarm"] == {"": 1}
    assert found["ml.drift.state"] == {"": 2}
    assert found["ml.drift.distance"] == {"": 0.2}
    assert found["ml.drift.lower_bound"] == {"": 0.15}
    assert found["ml.drift.tolerance"] == {"": 0.05}
    assert found["ml.drift.sample.count"] == {"": 200.0}
    assert found["ml.drift.reference.count"] == {"": 5_000.0}
    assert found["ml.distribution.p05"] == {"": 0.5}
    assert found["ml.prediction.class.share"] == {"stays": 0.75, "leaves": 0.25}
    assert found["ml.prediction.top_class.share"] == {"": 0.75}
    assert found["ml.distribution.state.share"] == {"missing": 0.25}
    assert found["ml.reference.distribution.p05"] == {"": 1.5}
    assert found["ml.reference.class.share"] == {"stays": 0.5, "leaves": 0.5}


def test_alarm_is_the_open_one_and_not_the_verdict_of_a_window() -> None:
    """The gauge that users alert on stays at 1 through windows that are quiet, until the alarm is closed."""
    quiet = replace(VERDICT, state=State.HEALTHY)

    assert values(replace(COLUMN, verdict=quiet))["ml.drift.alarm"] == {"": 1}
    assert values(replace(COLUMN, alarm=None))["ml.drift.alarm"] == {"": 0}


def test_alarmed_columns_are_counted_by_target() -> None:
    """Of the targets that a reference knows; the others are absent."""
    age = replace(COLUMN, column=ColumnKey("input", "age"), alarm=None)
    (row,) = (row for row in METRICS if row.name == "ml.drift.alarmed.columns")
    assert row.of_model is not None

    assert row.of_model(replace(RESULT, columns=(COLUMN, age, BARE))) == {"output": 1, "input": 0}
    assert row.of_model(replace(RESULT, columns=(BARE,))) == {}


@pytest.mark.parametrize(("alarms", "found"), [((None, None), (0, 0)), (("id", None), (1, 1)), (("id", "id"), (1, 2))])
def test_an_incident_is_open_while_any_alarm_is(alarms: tuple[str | None, ...], found: tuple[int, int]) -> None:
    """Whatever its column's kind; it is absent where nothing is judged."""
    columns = (*(replace(COLUMN, alarm=alarm) for alarm in alarms), BARE)
    rows = {row.name: row.of_model for row in METRICS if row.of_model}
    opened, count = rows["ml.incident.open"], rows["ml.incident.column.count"]

    assert (opened(replace(RESULT, columns=columns)), count(replace(RESULT, columns=columns))) == (
        {"": found[0]},
        {"": found[1]},
    )
    assert opened(replace(RESULT, columns=(BARE,))) == count(replace(RESULT, columns=(BARE,))) == {}


def test_values_of_a_column_without_a_reference() -> None:
    """What cannot be said is absent, not zero: only the number of rows is known."""
    assert {name: found for name, found in values(BARE).items() if found} == {"ml.drift.sample.count": {"": 0.0}}


def test_a_column_without_rows_has_no_distance() -> None:
    """A zero would draw a healthy line for a column that never arrives: its state says that nothing was judged."""
    silent = replace(VERDICT, state=State.INSUFFICIENT_DATA, distance=0.0, lower_bound=0.0)
    found = values(replace(COLUMN, rows=0.0, verdict=silent, alarm=None))

    assert (found["ml.drift.distance"], found["ml.drift.lower_bound"]) == ({}, {})
    assert (found["ml.drift.state"], found["ml.drift.alarm"]) == ({"": -1}, {"": 0})


def test_inputs_have_no_prediction_metrics() -> None:
    """Shares of an input's categories are no predictions."""
    found = values(COLUMN.__class__(ColumnKey("input", "plan"), 1.0, 1.0, 0.0, {}, {}, {"gold": 1.0}, None))

    assert (found["ml.prediction.class.share"], found["ml.prediction.top_class.share"]) == ({}, {})


def test_window_bounds() -> None:
    """The window's bounds are seconds since 1970."""
    found = {row.name: dict(row.of_model(RESULT)) for row in METRICS if row.of_model}

    assert (found["ml.drift.window.start"], found["ml.drift.window.end"]) == ({"": 1e9}, {"": 1e9 + 1})


@pytest.mark.parametrize(
    ("state", "number"),
    [(State.INSUFFICIENT_DATA, -1), (State.HEALTHY, 0), (State.WARNING, 1), (State.ALARM, 2)],
)
def test_every_state_has_a_number(state: State, number: int) -> None:
    """A verdict is the value of a series: the number tells the state."""
    assert STATES[state] == number
    assert len(STATES) == len(State)


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_row_is_complete(row: Metric) -> None:
    """A name within our prefix, a unit that adds nothing in Prometheus, a meaning, a way to read it, one source."""
    assert re.fullmatch(
        rf"{PREFIX}\.(drift|distribution|incident|prediction|reference|segment)(\.[a-z_0-9]+)+", row.name
    )
    assert row.unit in ("", "{score}", "{row}", "{column}")
    assert row.description
    assert row.reading
    assert [row.of_column, row.of_model, row.of_segment].count(None) == 2


def test_names_are_unique() -> None:
    """No two metrics share a name, also not once dots are underscores: the second would be lost in Prometheus."""
    names = [row.name.replace(".", "_") for row in METRICS]

    assert len(names) == len(set(names))

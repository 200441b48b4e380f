"""One sentence about all columns of a model."""

from dataclasses import replace

import pytest

from driftline_processor.engine.alarm_summary import by_evidence, counts, model_in_words, statement
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict


def column(
    target: str,
    name: str,
    alarm: bool = False,
    state: State = State.HEALTHY,
    *,
    score: float = 0.1,
    rows: float = 9.0,
) -> ColumnResult:
    verdict = Verdict("value", State.ALARM if alarm else state, 0.1, 0.1, 0.05, score, (Stated(f"text of {name}"),))
    return ColumnResult(ColumnKey(target, name), rows, rows, 9.0, {}, {}, {}, verdict, "id" if alarm else None)


QUIET = column("input", "a")
UNKNOWN = ColumnResult(ColumnKey("input", "x"), 9.0, 9.0, 0.0, {}, {}, {}, None)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ([], ""),
        ([UNKNOWN], ""),
        ([QUIET, UNKNOWN], "inputs did not move"),
        ([QUIET, column("input", "b", alarm=True)], "1 of 2 inputs moved"),
        ([column("input", "b", alarm=True), column("output", "y")], "1 of 1 inputs moved; outputs did not"),
        ([QUIET, column("output", "y", alarm=True)], "inputs did not move; 1 of 1 outputs did"),
        (
            [QUIET, column("pair", "a × b", alarm=True), column("pair", "a × c"), column("output", "y")],
            "inputs did not move; 1 of 2 pairs did; outputs did not",
        ),
        (
            [QUIET, column("input", "b", alarm=True), column("label", "t", state=State.INSUFFICIENT_DATA)],
            "1 of 2 inputs moved; labels could not be judged",
        ),
        ([QUIET, column("label", "t", rows=0.0, state=State.INSUFFICIENT_DATA)], "inputs did not move"),
        ([column("input", "a", rows=0.0), column("input", "b", rows=0.0)], "inputs could not be judged"),
        ([column("input", "b", alarm=True), column("input", "a", rows=0.0)], "1 of 1 inputs moved"),
        ([column("input", "b", alarm=True, rows=0.0), QUIET], "1 of 2 inputs moved"),
        (
            [QUIET, column("output", "y", state=State.INSUFFICIENT_DATA), column("output", "z")],
            "inputs did not move; outputs did not, 1 of 2 could not be judged",
        ),
        (
            [column("input", "b", alarm=True, score=2.0), column("output", "y", alarm=True, score=3.0)],
            "1 of 1 inputs moved; 1 of 1 outputs did; first: y, text of y",
        ),
    ],
)
def test_statement(columns: list[ColumnResult], text: str) -> None:
    """Counts by target of what a reference knows; of several that moved, the loudest by name."""
    assert statement(columns) == text


def test_counts_name_no_column() -> None:
    """They stand beside the sentence of an alarm, which names its own; the incident says which one is the first."""
    moved = [column("input", "b", alarm=True, score=2.0), column("input", "c", alarm=True, score=3.0)]

    assert counts(moved) == "2 of 2 inputs moved"
    assert statement(moved) == "2 of 2 inputs moved; first: c, text of c"


def test_evidence_orders_the_columns_in_alarm() -> None:
    """What this window shows first, by score; then what is open though it shows it not; names where all is alike."""
    quiet = Verdict("value", State.HEALTHY, 0.1, 0.1, 0.05, 9.0, ())
    columns = [
        QUIET,
        replace(column("input", "q", alarm=True), verdict=quiet),
        column("input", "b", alarm=True, score=2.0),
        column("output", "y", alarm=True, score=3.0),
        column("input", "a", alarm=True, score=2.0),
    ]

    assert [each.column.name for each in by_evidence(columns)] == ["y", "a", "b", "q"]


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ((), "model churn 7"),
        ((("service.name", "shop"),), "model churn 7 (shop)"),
        ((("deployment.environment.name", "prod"), ("service.name", "shop")), "model churn 7 (shop, prod)"),
        ((("deployment.environment.name", "prod"),), "model churn 7 (prod)"),
    ],
)
def test_a_model_is_named_with_where_it_serves(resource: tuple[tuple[str, str], ...], text: str) -> None:
    """The same model of two environments is two in the pager, too."""
    assert model_in_words(ModelKey("churn", "7", resource)) == text

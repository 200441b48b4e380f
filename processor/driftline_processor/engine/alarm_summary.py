"""A model and its columns in one sentence: "3 of 30 inputs moved; outputs did not"."""

from collections.abc import Sequence
from typing import Final

from driftline.semconv import TARGET_INPUT, TARGET_LABEL, TARGET_OUTPUT, TARGET_PAIR
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey
from driftline_processor.verdicts.verdict import State

TARGETS: Final = (TARGET_INPUT, TARGET_PAIR, TARGET_OUTPUT, TARGET_LABEL)


def model_in_words(model: ModelKey) -> str:
    where = dict(model.resource).get("service.name")
    return f"model {model.name}{' ' + model.version if model.version else ''}{f' ({where})' if where else ''}"


def column_in_words(column: ColumnKey) -> str:
    return column.name if column.name == column.target else f"{column.target} {column.name}"


def statement(columns: Sequence[ColumnResult]) -> str:
    """Which of the columns that a reference knows have moved, that is have an open alarm; "" where it knows none.

    Of several that moved, the one with the highest score is named with what moved in it, if this window shows it.
    """
    clauses: list[str] = []
    for target in TARGETS:
        judged = [column for column in columns if column.column.target == target and column.verdict is not None]
        if judged:
            clauses.append(_clause(target, judged, first=not clauses))
    moved = [column for column in columns if column.alarm is not None and column.verdict is not None]
    if len(moved) > 1:
        clauses.append(_foremost(moved))
    return "; ".join(clauses)


def _clause(target: str, judged: Sequence[ColumnResult], *, first: bool) -> str:
    number = sum(column.alarm is not None for column in judged)
    if number:
        return f"{number} of {len(judged)} {target}s {'moved' if first else 'did'}"
    if all(column.verdict is not None and column.verdict.state is State.INSUFFICIENT_DATA for column in judged):
        return f"{target}s could not be judged"
    return f"{target}s did not{' move' if first else ''}"


def _foremost(moved: Sequence[ColumnResult]) -> str:
    shown = [(column.verdict.state is State.ALARM, column.verdict.score, column) for column in moved if column.verdict]
    *_, column = max(shown, key=lambda each: each[:2])
    assert column.verdict is not None
    return f"first: {column.column.name} ({column.verdict.sentence})"

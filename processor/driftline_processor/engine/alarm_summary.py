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


def statement(columns: Sequence[ColumnResult], about: ColumnKey | None = None) -> str:
    """Which of the columns that a reference knows have moved, that is have an open alarm; "" where it knows none.

    Of several that moved, the one with the highest score is named with what moved in it, if this window shows it; not
    the one that the sentence is `about` anyway. Columns without rows count only while their alarm is open, and labels
    that have not come are not mentioned.
    """
    clauses: list[str] = []
    for target in TARGETS:
        known = [column for column in columns if column.column.target == target and column.verdict is not None]
        present = [column for column in known if column.rows or column.alarm is not None]
        if present or (known and target != TARGET_LABEL):
            clauses.append(_clause(target, present, first=not clauses))
    moved = [column for column in columns if column.alarm is not None and column.verdict is not None]
    if len(moved) > 1:
        foremost = _foremost(moved)
        if foremost.column != about and foremost.verdict is not None:
            clauses.append(f"first: {foremost.column.name} ({foremost.verdict.sentence})")
    return "; ".join(clauses)


def _clause(target: str, present: Sequence[ColumnResult], *, first: bool) -> str:
    number = sum(column.alarm is not None for column in present)
    if number:
        return f"{number} of {len(present)} {target}s {'moved' if first else 'did'}"
    unjudged = sum(_is_insufficient(column) for column in present)
    if unjudged == len(present):
        return f"{target}s could not be judged"
    but = f", {unjudged} of {len(present)} could not be judged" if unjudged else ""
    return f"{target}s did not{' move' if first else ''}{but}"


def _is_insufficient(column: ColumnResult) -> bool:
    return column.verdict is not None and column.verdict.state is State.INSUFFICIENT_DATA


def _foremost(moved: Sequence[ColumnResult]) -> ColumnResult:
    """A column that this window shows in alarm goes before others, then the highest score."""
    shown = [(column.verdict.state is State.ALARM, column.verdict.score, column) for column in moved if column.verdict]
    *_, column = max(shown, key=lambda each: each[:2])
    return column

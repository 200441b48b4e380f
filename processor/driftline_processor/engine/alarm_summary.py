"""Alarms and incidents in words: "model churn 7 (shop, prod): 3 of 30 inputs moved: input age up since …"."""

from collections.abc import Iterable, Sequence
from typing import Final

from driftline.semconv import (
    ENVIRONMENT_NAME,
    SERVICE_NAME,
    TARGET_BLOCK,
    TARGET_CONCEPT,
    TARGET_INPUT,
    TARGET_LABEL,
    TARGET_OUTPUT,
    TARGET_PAIR,
    TARGET_ROWS,
    TARGET_SEGMENT,
    TENANT_NAME,
)
from driftline_processor.config.durations import about
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.verdicts.shift import direction, medians
from driftline_processor.verdicts.verdict import State, Verdict
from driftline_processor.verdicts.wording import moment

TARGETS: Final = (TARGET_INPUT, TARGET_BLOCK, TARGET_PAIR, TARGET_OUTPUT, TARGET_LABEL)

PLURALS: Final = {TARGET_BLOCK: "blocks of columns"}

NAMED: Final = 5
"""Columns that a sentence names beside the first; the others are counted."""


def model_in_words(model: ModelKey) -> str:
    """With its version, and where the resource tells them its tenant, service and environment."""
    resource = dict(model.resource)
    where = ", ".join(resource[name] for name in (TENANT_NAME, SERVICE_NAME, ENVIRONMENT_NAME) if resource.get(name))
    return f"model {model.name}{' ' + model.version if model.version else ''}{f' ({where})' if where else ''}"


def column_in_words(column: ColumnKey) -> str:
    if column.target == TARGET_SEGMENT:
        return f"segment {column.name}"
    if column.target == TARGET_ROWS:
        return f"share of {column.name}"
    if column.target == TARGET_CONCEPT:
        return f"{column.name} given predictions"
    return column.name if column.name == column.target else f"{column.target} {column.name}"


def move_in_words(column: ColumnResult, verdict: Verdict, window: Window) -> tuple[str, str]:
    """Whither a column moved, in which time if that is longer than the window, and what moved in it."""
    before, now = (column.reference_distribution, column.distribution) if verdict.aspect == "value" else ({}, {})
    whither = direction(verdict.reasons, before, now)
    longer = verdict.duration > window.end - window.start
    span = f" over the last {about(verdict.duration)}" if longer else ""
    what = (medians(before, now), verdict.sentence)
    return f"{whither and f' {whither}'}{span}", "; ".join(each for each in what if each)


def begun(verdict: Verdict, window: Window) -> str:
    """Since when rows have been as a verdict says, to follow what it says; "" where rows have no time."""
    return since(window.end - max(verdict.duration, window.end - window.start))


def since(time: int) -> str:
    began = moment(time)
    return began and f" since {began}"


def by_evidence(columns: Iterable[ColumnResult]) -> list[ColumnResult]:
    """Those in alarm: what this window shows before what it does not, then by descending score, then by name."""
    moved = [(column.verdict, column) for column in columns if column.alarm is not None and column.verdict is not None]
    moved.sort(key=lambda each: (each[0].state is not State.ALARM, -each[0].score, each[1].column))
    return [column for _, column in moved]


def counts(columns: Sequence[ColumnResult]) -> str:
    """How many of the columns that a reference knows have moved, that is have an open alarm; "" where it knows none.

    Columns without rows count only while their alarm is open, and labels that have not come are not mentioned.
    """
    clauses: list[str] = []
    blocks_moved = any(column.alarm is not None for column in columns if column.column.target == TARGET_BLOCK)
    together = {TARGET_INPUT, TARGET_BLOCK} if blocks_moved else {TARGET_BLOCK}  # of which only what moved is said
    for target in TARGETS:
        known = any(column.column.target == target and column.verdict is not None for column in columns)
        present = _present(columns, target)
        if target in together and not any(column.alarm is not None for column in present):
            continue
        if present or (known and target != TARGET_LABEL):
            clauses.append(_clause(target, present, first=not clauses))
    return "; ".join(clauses)


def _present(columns: Iterable[ColumnResult], target: str) -> list[ColumnResult]:
    """Those of a kind that are judged, with rows or an open alarm."""
    judged = (column for column in columns if column.column.target == target and column.verdict is not None)
    return [column for column in judged if column.rows or column.alarm is not None]


def statement(columns: Sequence[ColumnResult]) -> str:
    """How many have moved, and of several the first by evidence."""
    moved = by_evidence(columns)
    first = moved[0] if len(moved) > 1 else None
    told = f"first: {first.column.name}, {first.verdict.sentence}" if first and first.verdict else ""
    return "; ".join(each for each in (counts(columns), told) if each)


def moves(column: ColumnKey) -> str:
    """What a column in alarm has done; a segment is a part of the rows, and moves nowhere."""
    return "stands out" if column.target == TARGET_SEGMENT else "moved"


def open_incident(result: WindowResult, moved: Sequence[ColumnResult], opened: int) -> str:
    """An incident that opens, or goes on with other columns. moved: by evidence."""
    first, *others = moved
    assert first.verdict is not None
    how, what = move_in_words(first, first.verdict, result.window)
    new, began = opened == result.window.end, since(opened)
    goes_on = f"now in alarm{began and f', the first{began}'}"
    verb = f"{moves(first.column)}{begun(first.verdict, result.window)}" if new else goes_on
    then = f"; then {_listed([column.column for column in others])}" if others else ""
    name, moved_columns = column_in_words(first.column), _moved(result.columns)
    about = f"{moved_columns} {verb}: {name}{how}" if moved_columns else f"{name} {verb}{how}"
    return f"{model_in_words(result.model)}: {about}: {what}{then}"


def closed_incident(result: WindowResult, opened: int, columns: Sequence[ColumnKey]) -> str:
    """An incident that is over. columns: all that were in it."""
    after = about(result.window.end - opened)
    return f"{model_in_words(result.model)}: no alarm is open any more after {after}: {_listed(columns)} had moved"


def _moved(columns: Sequence[ColumnResult]) -> str:
    """Of the columns in alarm: 3 of 30 inputs and 1 of 2 outputs."""
    clauses = []
    for target in TARGETS:
        present = _present(columns, target)
        number = sum(column.alarm is not None for column in present)
        if number:
            clauses.append(f"{number} of {len(present)} {target}s")
    return " and ".join(clauses)


def _listed(columns: Sequence[ColumnKey]) -> str:
    """At most NAMED of them by name."""
    named = ", ".join(column_in_words(column) for column in columns[:NAMED])
    more = len(columns) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _clause(target: str, present: Sequence[ColumnResult], *, first: bool) -> str:
    number = sum(column.alarm is not None for column in present)
    if number:
        return f"{number} of {len(present)} {PLURALS.get(target, f'{target}s')} {'moved' if first else 'did'}"
    unjudged = sum(_is_insufficient(column) for column in present)
    if unjudged == len(present):
        return f"{target}s could not be judged"
    but = f", {unjudged} of {len(present)} could not be judged" if unjudged else ""
    return f"{target}s did not{' move' if first else ''}{but}"


def _is_insufficient(column: ColumnResult) -> bool:
    return column.verdict is not None and column.verdict.state is State.INSUFFICIENT_DATA

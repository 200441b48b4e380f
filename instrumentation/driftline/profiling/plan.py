"""The role of each column of a table: input, output, label, timestamp, or left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline import semconv
from driftline.features.blocks import are_positions
from driftline.profiling.arrow_types import numbers
from driftline.reference.column_types import BOOLEAN, FLOAT, INTEGER, STRING, TIMESTAMP, UNUSABLE
from driftline.reference.errors import ProfileError
from driftline.reference.profile_column import ColumnKey


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles given by the user. categorical: numeric columns that hold codes. keep: never treated as IDs.

    label_name: of the label in the reference, where that is not the name of its column.
    """

    label: str | None = None
    prediction: str | None = None
    score: str | None = None
    timestamp: str | None = None
    categorical: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    label_name: str = ""


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column to profile. source: its name in the table. kind: of its values.

    declared: categorical by the user's choice. may_be_classes: an output or label that may hold classes.
    may_be_id: left out if it looks like an ID. confidence: to be derived from the score in `source`. mixed: numbers
    among which are other texts, NaN in its batches.
    """

    key: ColumnKey
    source: str
    kind: str
    declared: bool = False
    may_be_classes: bool = False
    may_be_id: bool = False
    confidence: bool = False
    mixed: bool = False

    @property
    def is_text(self) -> bool:
        return self.kind == STRING

    def numbers(self, batch: Any) -> NDArray[np.float64]:
        """Its values in a record batch, [rows], NaN where missing."""
        x = numbers(batch.column(self.source))
        return np.maximum(x, 1.0 - x) if self.confidence else x


@dataclass(frozen=True, slots=True)
class Plan:
    """All columns to profile, the timestamp column, and notes on what was decided."""

    columns: tuple[PlannedColumn, ...]
    timestamp: str | None
    notes: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns of the table that are read."""
        timestamp = [self.timestamp] if self.timestamp else []
        return tuple(dict.fromkeys([column.source for column in self.columns] + timestamp))


def make_plan(kinds: Mapping[str, str], roles: Roles) -> Plan:
    """Raises ProfileError if a name is no column, or a column cannot have its role."""
    _check_names(kinds, roles)
    timestamp, notes = _timestamp(kinds, roles)
    special = {roles.label, roles.prediction, roles.score, timestamp, *roles.ignore}
    columns: list[PlannedColumn] = []
    for name, kind in kinds.items():
        if name in special:
            continue
        if kind == UNUSABLE:
            notes.append(f"Left out {name!r}: values are neither numbers nor text")
        else:
            columns.append(_input(name, kind, roles))
    columns = _numbered([name for name in kinds if name not in special], columns) + _outputs(kinds, roles)
    if not columns:
        raise ProfileError(f"the data must have columns to profile (got {listed(kinds)}, none of them an input)")
    return Plan(tuple(columns), timestamp, tuple(notes))


def _input(name: str, kind: str, roles: Roles) -> PlannedColumn:
    declared = name in roles.categorical
    may_be_id = kind in (INTEGER, STRING) and not declared and name not in roles.keep
    return PlannedColumn(ColumnKey(semconv.TARGET_INPUT, name), name, kind, declared=declared, may_be_id=may_be_id)


def _numbered(names: Sequence[str], inputs: list[PlannedColumn]) -> list[PlannedColumn]:
    """Inputs that are only numbered, named as in serving, where a frame with such columns has no names."""
    if not are_positions(names):
        return inputs
    return [replace(each, key=each.key._replace(name=f"x{names.index(each.source)}")) for each in inputs]


def _outputs(kinds: Mapping[str, str], roles: Roles) -> list[PlannedColumn]:
    columns: list[PlannedColumn] = []
    if roles.prediction is not None:
        key = ColumnKey(semconv.TARGET_OUTPUT, semconv.PREDICTION)
        columns.append(_target(key, roles.prediction, kinds, roles))
    if roles.score is not None:
        kind = kinds[roles.score]
        if kind not in (FLOAT, INTEGER, BOOLEAN):
            raise ProfileError(f"score: column {roles.score!r} must hold numbers (it holds {kind} values)")
        for name in (semconv.SCORE, semconv.CONFIDENCE):
            key = ColumnKey(semconv.TARGET_OUTPUT, name)
            columns.append(PlannedColumn(key, roles.score, kind, confidence=name == semconv.CONFIDENCE))
    if roles.label is not None:
        key = ColumnKey(semconv.TARGET_LABEL, roles.label_name or roles.label)
        columns.append(_target(key, roles.label, kinds, roles))
    return columns


def _target(key: ColumnKey, name: str, kinds: Mapping[str, str], roles: Roles) -> PlannedColumn:
    if kinds[name] == UNUSABLE:
        role = semconv.TARGET_LABEL if key.target == semconv.TARGET_LABEL else key.name
        raise ProfileError(f"{role}: column {name!r} must hold numbers or text")
    classes = kinds[name] in (FLOAT, INTEGER, BOOLEAN)
    return PlannedColumn(key, name, kinds[name], declared=name in roles.categorical, may_be_classes=classes)


def _timestamp(kinds: Mapping[str, str], roles: Roles) -> tuple[str | None, list[str]]:
    """The timestamp column, if any, and notes on its choice."""
    if roles.timestamp is not None:
        if kinds[roles.timestamp] not in (TIMESTAMP, FLOAT, INTEGER):
            raise ProfileError(
                f"timestamp: column {roles.timestamp!r} must hold times like 2024-05-31 12:00:00, or Unix seconds "
                f"(it holds {kinds[roles.timestamp]} values)"
            )
        return roles.timestamp, []
    taken = {roles.label, roles.prediction, roles.score, *roles.ignore, *roles.categorical, *roles.keep}
    times = [name for name, kind in kinds.items() if kind == TIMESTAMP and name not in taken]
    if len(times) == 1:
        return times[0], [
            f"Using {times[0]!r} as the timestamp, the only column of times (--timestamp may name numbers instead)"
        ]
    if times:
        return None, [f"Using no timestamp: {listed(times)} all hold times (--timestamp selects one)"]
    return None, []


def _check_names(kinds: Mapping[str, str], roles: Roles) -> None:
    single = [(role, getattr(roles, role)) for role in ("label", "prediction", "score", "timestamp")]
    several = [(role, name) for role in ("categorical", "ignore", "keep") for name in getattr(roles, role)]
    for role, name in [*single, *several]:
        if name is not None and name not in kinds:
            raise ProfileError(f"{role}: there is no column {name!r} ({_nearest(name, list(kinds))})")
    named: dict[str, str] = {}
    for role, name in single:
        if name is not None and named.setdefault(name, role) != role:
            raise ProfileError(f"{role}: column {name!r} is already the {named[name]}")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    folded = [other for other in names if other.casefold() == name.casefold()]
    found = folded or near
    return f"did you mean {found[0]!r}?" if found else f"columns: {listed(names)}"


def listed(names: Iterable[str], most: int = 10) -> str:
    """Names in quotes, the first ones where they are many."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(map(repr, every[:most])) + more

"""Whether a model and its reference have found each other: what fits, and what does not."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final, NamedTuple

import numpy as np

from driftline.semconv import (
    MISMATCH_MISSING,
    MISMATCH_PAIR,
    MISMATCH_TYPE,
    MISMATCH_UNKNOWN,
    TARGET_INPUT,
    TARGET_OUTPUT,
    TARGET_PAIR,
    WRONG_TYPE,
)
from driftline.sketch.spellings import numbers_named
from driftline_processor.engine.alarm_summary import column_in_words
from driftline_processor.engine.summary_ops import total
from driftline_processor.monitors.drift.binning.reading import reader_of_texts
from driftline_processor.records import ColumnKey, ColumnSummary, ModelKey, Reference, ReferenceColumn

MOST: Final = 0.5
"""Share of a column's rows from which on another type than the reference's is no matter of single values."""

ALIKE: Final = 0.6
"""Likeness from which on one name may be meant by another; difflib's own default."""

_LISTED: Final = 100
"""Most names that are compared by likeness: the effort grows with their square."""

_NUMBERED: Final = re.compile(r"(?P<prefix>\D*)(?P<number>0|[1-9]\d{0,5})")


class NameResolution(Enum):
    """How the names of live columns became those of the reference."""

    EXACT = "exact"
    POSITION = "position"


class TypeMismatch(NamedTuple):
    """A column most of whose rows are not of the reference's type."""

    column: str
    expected: str
    got: str


class UnusedReference(NamedTuple):
    """A reference that no model is compared with. nearest: the model's name that is most like its own, or ""."""

    id: str
    name: str
    version: str
    nearest: str


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """How a served model fits its reference.

    Columns are named as in the log: inputs by their name, others after what they are, as in `output score`.

    Attributes:
        model: The served model.
        reference: Id of the reference compared with, its name and its version; None and "" without one.
        provisional: Whether that reference is the model's own first window.
        judged_from: When a provisional reference judges like a training profile, Unix nanoseconds; 0 where it does not.
        names: How the names were resolved.
        numbered: By position, the names that arrive, in the order of the reference.
        matched: Columns of the reference that arrive, pairs aside.
        missing: Columns of the reference that do not arrive.
        unknown: Inputs that arrive and are not in the reference.
        suggestions: Each a name in `unknown`, and the one in `missing` that may be meant by it.
        types: Columns whose type differs.
        pairs: Pairs of inputs in the reference that no server counts.
        nearest: The unused reference that is most like the model, where there is no reference.

    """

    model: ModelKey
    reference: str | None = None
    reference_name: str = ""
    reference_version: str = ""
    provisional: bool = False
    judged_from: int = 0
    names: NameResolution = NameResolution.EXACT
    numbered: tuple[str, ...] = ()
    matched: int = 0
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()
    types: tuple[TypeMismatch, ...] = ()
    pairs: tuple[str, ...] = ()
    nearest: UnusedReference | None = None

    @property
    def unmatched(self) -> Mapping[str, int]:
        """How many columns do not match, by what is the matter with them; nothing without a reference."""
        if self.reference is None:
            return {}
        return {
            MISMATCH_MISSING: len(self.missing),
            MISMATCH_UNKNOWN: len(self.unknown),
            MISMATCH_TYPE: len(self.types),
            MISMATCH_PAIR: len(self.pairs),
        }


@dataclass(frozen=True, slots=True)
class Matching:
    """All models and all references that none of them uses. Immutable: safe to hand to other threads."""

    models: tuple[ModelMatch, ...] = ()
    unused: tuple[UnusedReference, ...] = ()


Columns = Mapping[ColumnKey, ColumnSummary]


class ResolvedColumns(NamedTuple):
    """Columns by the names of the reference. numbered: the names that they came by, where these were but numbers."""

    columns: Columns
    numbered: tuple[str, ...] = ()


def resolve_names(reference: Reference, columns: Columns, rows: float) -> ResolvedColumns:
    """The columns of a window of so many rows under the names of the reference, where theirs are but numbers.

    A model that was fitted on an array serves x0, x1, …; with as many inputs they are those of the reference, in the
    order of the training data. Where other servers send the same columns by name, both are added up.
    """
    renamed = _by_position(reference, columns, rows)
    if not renamed:
        return ResolvedColumns(columns)
    parts: dict[ColumnKey, list[ColumnSummary]] = {}
    for key, summary in columns.items():
        parts.setdefault(renamed.get(key, key), []).append(summary)
    found = {key: total(held) for key, held in sorted(parts.items())}
    return ResolvedColumns(found, tuple(key.name for key in renamed))


def _by_position(reference: Reference, columns: Columns, rows: float) -> dict[ColumnKey, ColumnKey]:
    """The input of the reference that each numbered one is: none where their numbers differ, or all have its names."""
    inputs = [ColumnKey(TARGET_INPUT, name) for name in reference.inputs]
    others = {key.name for key in columns if key.target == TARGET_INPUT} - {*reference.inputs}
    live = [ColumnKey(TARGET_INPUT, name) for name in in_order(others)]
    if not inputs or len(live) != len(inputs):
        return {}
    pairs = dict(zip(live, inputs, strict=True))
    named_too = any(name in columns and columns[name].rows + columns[x].rows > 1.01 * rows for x, name in pairs.items())
    return {} if named_too else pairs  # the same rows under both names would count twice


def in_order(names: Collection[str]) -> list[str]:
    """Names that are but numbers (x0, x1, …; f0, f1, …; Column_1, Column_2, …), by these; nothing for any others."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    parts = sorted((int(each["number"]), each["prefix"]) for each in found if each is not None)
    numbers = [number for number, _ in parts]
    alike = len(parts) == len(found) and len({prefix for _, prefix in parts}) == 1
    from_one = len(parts) > 1 and numbers[0] == 1
    if not alike or numbers != list(range(int(from_one), len(parts) + int(from_one))):
        return []
    return [f"{prefix}{number}" for number, prefix in parts]


def match_columns(
    model: ModelKey,
    reference: Reference,
    resolved: ResolvedColumns,
    *,
    counts_pairs: bool = True,
) -> ModelMatch:
    """How the columns of a window, by the names of the reference, fit that reference.

    Labels are left out, as they come later, or never, and so is what counts rows as a whole.
    """
    columns = resolved.columns
    known = {key: column for key, column in reference.columns.items() if key.target in (TARGET_INPUT, TARGET_OUTPUT)}
    pairs = [key for key in reference.columns if key.target == TARGET_PAIR]
    missing = _ordered([key for key in known if not _arrives(key, columns)], reference)
    clocks = {clock.name for clock in reference.clocks}
    unknown = [key for key in columns if key.target == TARGET_INPUT and key not in known and key.name not in clocks]
    return ModelMatch(
        model=model,
        reference=reference.id,
        reference_name=reference.name,
        reference_version=reference.version,
        provisional=reference.provisional,
        names=NameResolution.POSITION if resolved.numbered else NameResolution.EXACT,
        numbered=resolved.numbered,
        matched=len(known) - len(missing),
        missing=tuple(map(column_name, missing)),
        unknown=tuple(key.name for key in unknown),
        suggestions=tuple(suggestions([key.name for key in unknown], _inputs(missing))),
        types=tuple(_mismatches(known, columns)),
        pairs=tuple(key.name for key in pairs if not (counts_pairs and _arrives(key, columns))),
    )


def column_name(key: ColumnKey) -> str:
    """A column as the log and the status name it."""
    return key.name if key.target == TARGET_INPUT else column_in_words(key)


def _arrives(key: ColumnKey, columns: Columns) -> bool:
    return key in columns and columns[key].rows > 0.0


def _inputs(keys: Iterable[ColumnKey]) -> list[str]:
    return [key.name for key in keys if key.target == TARGET_INPUT]


def _ordered(keys: list[ColumnKey], reference: Reference) -> list[ColumnKey]:
    """Inputs in the order of the training data, then the others."""
    places = {name: place for place, name in enumerate(reference.inputs)}
    return sorted(keys, key=lambda key: (key.target != TARGET_INPUT, places.get(key.name, len(places)), key))


def _mismatches(known: Mapping[ColumnKey, ReferenceColumn], columns: Columns) -> Iterator[TypeMismatch]:
    for key, column in known.items():
        summary = columns.get(key)
        if summary is not None and (got := _other_type(column, summary)):
            yield TypeMismatch(column_name(key), column.type, got)


def _other_type(column: ReferenceColumn, summary: ColumnSummary) -> str:
    """What most rows with a value are instead of the reference's type, or ""."""
    texts, numbers = sum(summary.categories.values()), summary.intervals.total
    wrong = summary.states.get(WRONG_TYPE, 0.0)
    most = MOST * (texts + numbers + wrong)
    if wrong > most:
        return "something else"
    if column.kind == "category":
        # Numbers may stand for categories of the same name.
        return "numbers" if numbers > most and np.isnan(numbers_named(column.categories)).all() else ""
    read = reader_of_texts(column.type)
    unreadable = wrong
    if texts + wrong > most:
        unreadable += sum(rows for text, rows in summary.categories.items() if read(text) is None)
    return "text" if unreadable > most else ""


def suggestions(unknown: Collection[str], missing: Collection[str]) -> Iterator[tuple[str, str]]:
    """Names that do not arrive by the unknown ones that may stand for them, each named once, the most alike first."""
    left = list(missing)[:_LISTED]
    likely = [(likeness(name, other), name, other) for name in list(unknown)[:_LISTED] for other in left]
    used: set[str] = set()
    for alike, name, other in sorted(likely, key=lambda each: -each[0]):
        if alike >= ALIKE and name not in used and other in left:
            used.add(name)
            left.remove(other)
            yield name, other


def likeness(name: str, other: str) -> float:
    """From 0 to 1: as difflib has it, and near 1 where only case, spaces, punctuation or a prefix differ."""
    plain, plain_other = _plain(name), _plain(other)
    alike = SequenceMatcher(None, plain, plain_other).ratio()
    if plain and plain == plain_other:
        return 1.0
    short, long = sorted((plain, plain_other), key=len)
    apart = len(short) > 2 and (_ends_with_word(name, other) or _ends_with_word(other, name))
    return max(alike, 0.9) if apart or (len(short) > 3 and long.endswith(short)) else alike


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _ends_with_word(long: str, short: str) -> bool:
    """Whether `long` is `short` behind a prefix, as num__age is of age."""
    return re.search(r"[\W_]" + re.escape(short.strip().casefold()) + "$", long.strip().casefold()) is not None

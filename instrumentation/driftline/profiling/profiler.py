"""Training data → profile, in two passes: a survey of the columns, then the counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np

from driftline import semconv
from driftline.profiling.clock_columns import told_time
from driftline.profiling.clock_models import fit_clock
from driftline.profiling.correlated_columns import correlated_columns
from driftline.profiling.counters import CategoricalColumnCounter, ColumnCounter, NumericColumnCounter, most_bins
from driftline.profiling.id_columns import IdProbe
from driftline.profiling.outcome_profiles import OutcomeCounter
from driftline.profiling.pair_selection import PairCounter, choose_pairs, may_be_member
from driftline.profiling.plan import Plan, Roles, listed, make_plan
from driftline.profiling.row_counter import RowCounters
from driftline.profiling.segment_counter import SegmentCounter
from driftline.profiling.survey import ColumnSurvey, Range, Survey, survey
from driftline.profiling.tables import Table
from driftline.reference.chunks import Chunks, second_of
from driftline.reference.clocks import Clock
from driftline.reference.column_blocks import Blocks, block_notes, block_of
from driftline.reference.column_types import TIMESTAMP
from driftline.reference.errors import ProfileError
from driftline.reference.format import FEWEST_BINS
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.reference.tolerances import tolerance_of, unmatched
from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import FloatArray, IntArray

SURVEYING: Final = "Surveying"
COUNTING: Final = "Counting"

NO_TOLERANCES: Final[Mapping[str, float]] = MappingProxyType({})
NO_BLOCKS: Final[Blocks] = MappingProxyType({})

_YEAR: Final = 365 * 86_400.0
"""Numbers all below it, in Unix seconds, are taken for something else than times."""


class Progress(Protocol):
    """Called with the name of a pass, the rows read since the last call, and the total."""

    def __call__(self, name: str, rows: int, total: int) -> None: ...


def silent(name: str, rows: int, total: int) -> None:
    """No progress bar."""
    del name, rows, total


def profile_table(
    table: Table,
    roles: Roles,
    *,
    model: str = "",
    version: str = "",
    tolerances: Mapping[str, float] = NO_TOLERANCES,
    blocks: Blocks = NO_BLOCKS,
    segments: Sequence[str] = (),
    progress: Progress = silent,
) -> Profile:
    """The profile of a table. Memory does not grow with its rows. tolerances: by name or pattern of columns.

    blocks: columns that are judged together, by names or patterns. segments: that are declared: columns, or conditions.

    Raises:
        ProfileError: it has no rows or no inputs, or a role names a column that does not exist or cannot have it.

    """
    padded = sorted(table.padded)
    table = table.as_text(column for column in padded if column in roles.categorical)
    table = table.with_mixed(_not_mixed(roles))
    plan = make_plan(table.kinds, roles)
    plan = replace(plan, columns=tuple(replace(each, mixed=each.source in table.mixed) for each in plan.columns))
    total = table.rows
    seen = survey(table, plan, lambda rows: progress(SURVEYING, rows, total))
    chunker, notes = _chunker(table, plan, seen)
    clocks = _clocks(plan, seen, chunker, roles.keep)
    wanted = {key: column for key, column in _wanted(seen).items() if key not in clocks}
    bins = _most_bins(wanted.values())
    counters = {key: _counter(column, seen, len(chunker.chunks), bins) for key, column in wanted.items()}
    probes = {column.key: probe for column in plan.columns if (probe := IdProbe.of(column, seen.sample)) is not None}
    members = {c.key.name: c for c in plan.columns if may_be_member(c) and c.key not in clocks}
    sampled = {name: column.numbers(seen.sample) for name, column in members.items()}
    chosen = choose_pairs(sampled)
    pairs = PairCounter(chosen, members, len(chunker.chunks))
    rows = RowCounters(plan.columns, probes.keys(), clocks.keys(), len(chunker.chunks))
    outcomes = OutcomeCounter(plan.columns, classes=_predicts_classes(seen))
    cells = SegmentCounter(counters, plan.columns, seen.sample, len(chunker.chunks), segments)
    for batch in table.batches(plan.sources):
        chunk = chunker.chunk(batch)
        outcomes.add(batch, chunk)
        for counter in counters.values():
            counter.add(batch, chunk)
        for probe in probes.values():
            probe.add(batch)
        pairs.add(batch, chunk)
        rows.add(batch, chunk)
        cells.add(batch, chunk)
        progress(COUNTING, batch.num_rows, total)
    ids = [key for key, probe in probes.items() if probe.is_id]
    found = [counter.result() for key, counter in counters.items() if key not in ids]
    names = [each.key.name for each in found if each.key.target == TARGET_INPUT and each.key.name in sampled]
    clusters = correlated_columns({name: sampled[name] for name in names})
    columns = tuple(_belonging(each, tolerances, blocks, clusters) for each in found)
    if not columns:
        raise ProfileError(
            f"the data must have columns to profile (got {'IDs and clocks' if clocks else 'IDs'} only: "
            f"{', '.join(key.name for key in (*ids, *clocks))})"
        )
    unpadded = {column.key.name for column in columns}.intersection(padded).difference(roles.categorical)
    mixed = _mixed_notes(columns, table.mixed)
    left_out = [*_id_notes(ids), *_clock_notes(clocks, ids)]
    told = [*_notes(columns), *_gap_notes(columns), *_tolerance_notes(columns, tolerances)]
    told += block_notes(blocks, [column.key.name for column in columns])
    notes = [*plan.notes, *notes, *_padded_notes(unpadded), *mixed, *left_out, *told]
    kept = pairs.results(without=[key.name for key in ids])
    models = _clock_models(plan, seen, chunker, clocks)
    beside = rows.results(ids), models, outcomes.result(), cells.result(ids)
    return Profile(model, version, seen.rows, chunker.chunks, columns, tuple(notes), kept, *beside)


def _belonging(
    column: ProfileColumn, tolerances: Mapping[str, float], blocks: Blocks, clusters: Mapping[str, str]
) -> ProfileColumn:
    """The column with what it belongs to, and with a tolerance of its own."""
    (target, name), cluster = column.key, None
    if target == TARGET_INPUT:
        cluster = clusters.get(name)
    return replace(column, tolerance=tolerance_of(name, tolerances), block=block_of(name, blocks), cluster=cluster)


def _clocks(plan: Plan, seen: Survey, chunker: "_Chunker", keep: Sequence[str]) -> dict[ColumnKey, str]:
    """Columns that tell the time, and what each of them is; none without timestamps."""
    if chunker.timestamp is None:
        return {}
    times = chunker.seconds(seen.sample)
    told = {c.key: told_time(c, seen.sample, times) for c in plan.columns if c.source not in keep}
    return {key: what for key, what in told.items() if what is not None}


def _clock_models(plan: Plan, seen: Survey, chunker: "_Chunker", clocks: Mapping[ColumnKey, str]) -> tuple[Clock, ...]:
    """What clocks tell when, of those that can be held against the time."""
    if not clocks:
        return ()
    times, columns = chunker.seconds(seen.sample), {column.key: column for column in plan.columns}
    fitted = (fit_clock(columns[key], seen.sample, times, what) for key, what in clocks.items())
    return tuple(clock for clock in fitted if clock is not None)


def _wanted(seen: Survey) -> dict[ColumnKey, ColumnSurvey]:
    """All columns except a confidence whose score is no probability."""
    return {
        key: column
        for key, column in seen.columns.items()
        if not column.column.confidence or _is_probability(seen.columns[ColumnKey(key.target, semconv.SCORE)])
    }


def _is_probability(score: ColumnSurvey) -> bool:
    return score.range.least >= 0.0 and score.range.greatest <= 1.0


def _counter(column: ColumnSurvey, seen: Survey, chunks: int, bins: int) -> ColumnCounter:
    if _is_categorical(column):
        return CategoricalColumnCounter(column, chunks, bins)
    return NumericColumnCounter(column, column.column.numbers(seen.sample), chunks)


def _is_categorical(column: ColumnSurvey) -> bool:
    return column.column.is_text or column.column.declared or _holds_classes(column)


def _predicts_classes(seen: Survey) -> bool:
    """Whether labels and predictions are classes; scores without predictions are of classes.

    Labels may be few whole numbers and predictions any: then both are numbers.
    """
    prediction = ColumnKey(semconv.TARGET_OUTPUT, semconv.PREDICTION)
    compared = [seen.columns[key] for key in seen.columns if key.target == semconv.TARGET_LABEL or key == prediction]
    if prediction not in seen.columns or any(each.column.is_text for each in compared):
        return True
    return _is_categorical(seen.columns[prediction]) and any(map(_is_categorical, compared))


def _most_bins(columns: Iterable[ColumnSurvey]) -> int:
    categorical = (column.values for column in columns if _is_categorical(column))
    return most_bins(sum(values is not None and len(values.counts()) > FEWEST_BINS for values in categorical))


def _holds_classes(column: ColumnSurvey) -> bool:
    """Few distinct integers in an output or label."""
    if not column.column.may_be_classes or column.values is None or column.range.empty:
        return False
    return all(float(value).is_integer() for value in column.values.counts())


@dataclass(slots=True)
class _Chunker:
    """Assigns rows to chunks, by their time or by their number. second: the unit of times, in seconds."""

    chunks: Chunks
    timestamp: str | None
    second: float
    rows: int = 0

    def chunk(self, batch: Any) -> IntArray:
        first, self.rows = self.rows, self.rows + batch.num_rows
        if self.timestamp is None:
            return self.chunks.of(np.arange(first, self.rows))
        return self.chunks.of(self.seconds(batch))

    def seconds(self, batch: Any) -> FloatArray:
        """The times of rows, Unix seconds, NaN where unknown, [rows]."""
        times = np.asarray(batch.column(self.timestamp).to_numpy(zero_copy_only=False), np.float64)
        return np.where(np.isfinite(times), times, np.nan) * self.second


def _chunker(table: Table, plan: Plan, seen: Survey) -> tuple[_Chunker, list[str]]:
    by_rows = _Chunker(Chunks.by_rows(seen.rows), None, 1.0)
    if plan.timestamp is None:
        return by_rows, []
    if not seen.times.least < seen.times.greatest:
        return by_rows, [f"Chunked by rows: {plan.timestamp!r} has fewer than two distinct times"]
    second = 1.0
    if table.kinds[plan.timestamp] != TIMESTAMP:
        second = second_of(seen.times.greatest)
        _check_unix_times(plan.timestamp, seen.times, second)
    chunks = Chunks.by_time(seen.times.least * second, seen.times.greatest * second, seen.rows)
    return _Chunker(chunks, plan.timestamp, second), []


def _check_unix_times(timestamp: str, times: Range, second: float) -> None:
    """Raises ProfileError for numbers that are hardly times, such as ages or row numbers."""
    if max(abs(times.least), abs(times.greatest)) * second < _YEAR:
        raise ProfileError(
            f"timestamp: column {timestamp!r} must hold Unix times beyond 1970 "
            f"(got {times.least:.12g} to {times.greatest:.12g}); write times of 1970 like 1970-05-31 12:00:00"
        )


def _id_notes(ids: Iterable[ColumnKey]) -> list[str]:
    return [f"Left out {key.name!r}: looks like an ID, with as many values as rows (--keep includes it)" for key in ids]


def _not_mixed(roles: Roles) -> list[str]:
    """Columns whose texts are what they say: classes, times, and what is declared."""
    named = (roles.label, roles.prediction, roles.score, roles.timestamp, *roles.categorical, *roles.ignore)
    return [name for name in named if name is not None]


def _mixed_notes(columns: Iterable[ProfileColumn], examples: Mapping[str, str]) -> Iterator[str]:
    for column in columns:
        wrong = column.states.get(semconv.WRONG_TYPE, 0)
        if wrong:
            example = examples.get(column.key.name, "")
            like = f" like {example!r}" if example else ""
            yield (
                f"Read {column.key.name!r} as numbers: {wrong:,} of {column.rows:,} rows hold texts{like}, counted as "
                "of the wrong type (--categorical makes it text)"
            )


def _padded_notes(names: Iterable[str]) -> list[str]:
    return [
        f"Read {name!r} as numbers, without the leading zeros that some have (--categorical keeps them as text)"
        for name in sorted(names)
    ]


def _clock_notes(clocks: Mapping[ColumnKey, str], ids: Iterable[ColumnKey]) -> list[str]:
    found = {key.name: what for key, what in clocks.items() if key not in ids}
    return [f"Left out {name!r}: {what} (--keep includes it)" for name, what in found.items()]


def _gap_notes(columns: Sequence[ProfileColumn]) -> list[str]:
    """Outlying times, perhaps one wrong date, leave most chunks empty and the variation between them unknown."""
    rows = columns[0].chunk_rows
    empty = int(np.count_nonzero(rows == 0))
    if 2 * empty <= len(rows):
        return []
    return [f"{empty} of {len(rows)} chunks are empty: check the timestamps for outliers"]


def _notes(columns: Iterable[ProfileColumn]) -> list[str]:
    return [f"{column.key.name!r} has no values: all are missing" for column in columns if not column.valid]


def _tolerance_notes(columns: Sequence[ProfileColumn], tolerances: Mapping[str, float]) -> list[str]:
    """Columns with a tolerance of their own, and patterns that are of no use."""
    own: dict[float, list[str]] = {}
    for column in columns:
        if column.tolerance is not None:
            own.setdefault(column.tolerance, []).append(column.key.name)
    used = [f"Tolerance {value:g}: {listed(names)}" for value, names in own.items()]
    names = [column.key.name for column in columns]
    return [*used, *(f"Tolerance of {each!r}: matches no column" for each in unmatched(tolerances, names))]

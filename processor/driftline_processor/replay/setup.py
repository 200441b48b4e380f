"""Prepares a replay: opens and orders the files, maps the columns, finds the timestamps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from driftline.profiling.csv_files import DelimitedFile
from driftline.profiling.files import Source, batch_rows
from driftline.profiling.plan import Roles, listed, make_plan
from driftline.profiling.tables import Table, open_table
from driftline.reference.column_blocks import block_notes
from driftline.reference.column_types import STRING, TIMESTAMP
from driftline.reference.tolerances import unmatched
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import Reference
from driftline_processor.reference.read import read_file
from driftline_processor.reference.tolerances import column_tolerances, named_columns
from driftline_processor.replay.choices import Choices
from driftline_processor.replay.column_mapping import assign_columns, column_notes
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.replay import Replay, rebatch
from driftline_processor.replay.settings import ReplayOptions, replay_settings
from driftline_processor.replay.timeline import NO_TIME, TimestampColumn


@dataclass(frozen=True, slots=True)
class PreparedReplay:
    """A replay and its data. notes: lines about the choices made, for the user."""

    replay: Replay
    table: Table
    columns: tuple[str, ...]
    notes: tuple[str, ...]

    def batches(self) -> Iterator[Any]:
        """The rows, in record batches of a size that does not depend on how a file stores them."""
        return rebatch(self.table.batches(self.columns), batch_rows(len(self.columns)))


def prepare_replay(
    files: Sequence[Path], reference_file: Path, roles: Roles, options: ReplayOptions, on_rows: Callable[[int], None]
) -> PreparedReplay:
    """Prepares a replay.

    Args:
        files: Files or folders of rows.
        reference_file: The reference, written by `driftline profile`.
        roles: The columns with a special role.
        options: Windows and verdict settings.
        on_rows: Called with the number of rows read to infer types.

    Raises:
        ReplayError: The data cannot be replayed.
        ProfileError: A file cannot be read.
        InvalidReference: The reference cannot be read.
        ConfigError: The configuration is invalid.

    """
    reference = read_file(reference_file)
    table = open_table(files, on_rows)
    if not table.rows:
        raise ReplayError(f"{files[0]}: must have rows (got none)")
    delimited = all(isinstance(source, DelimitedFile) for source in table.sources)
    table = _typed(table, reference, roles.timestamp, delimited=delimited)
    plan = make_plan(table.kinds, roles)
    columns = assign_columns(plan.columns, reference)
    timestamps = None if plan.timestamp is None else TimestampColumn(plan.timestamp, table.kinds[plan.timestamp])
    chosen = replay_settings(options, timestamps, reference)
    table = replace(table, sources=_in_order(table, timestamps))
    told = (*column_notes(columns, reference), *_column_notes(reference, chosen.settings), *chosen.notes)
    notes = (*plan.notes, *_unit_note(timestamps), *told)
    choices = Choices(chosen.settings) if options.choices else None
    replay = Replay(reference, chosen.settings, chosen.timeline, columns, choices, options.probability)
    beside = () if options.probability is None else (options.probability,)
    return PreparedReplay(replay, table, (*plan.sources, *beside), notes)


def _unit_note(timestamps: TimestampColumn | None) -> list[str]:
    """A note about the inferred unit of numeric timestamps."""
    if timestamps is None or timestamps.guessed is None:
        return []
    return [f"Reading {timestamps.column!r} as {timestamps.guessed} since 1970"]


def _column_notes(reference: Reference, settings: EngineSettings) -> list[str]:
    """Tolerances of single columns, and blocks in the user's words."""
    own: dict[str, list[str]] = {}
    for key, column in reference.columns.items():
        if column.block is not None:
            own.setdefault(column.block, []).append(key.name)
    return [
        *_tolerance_notes(reference, settings),
        *block_notes({**own, **settings.blocks}, named_columns(reference)),
    ]


def _tolerance_notes(reference: Reference, settings: EngineSettings) -> list[str]:
    """The columns that have a tolerance of their own, and the patterns that no column has."""
    own: dict[float, list[str]] = {}
    found = column_tolerances(reference, settings.tolerance, settings.tolerances).tolist()
    for key, tolerance in zip(reference.columns, found, strict=True):
        if tolerance != settings.tolerance:
            own.setdefault(tolerance, []).append(key.name)
    useless = unmatched(settings.tolerances, named_columns(reference))
    return [
        *(f"Tolerance {tolerance:g}: {listed(names)}" for tolerance, names in own.items()),
        *(f"Tolerance of {pattern!r}: matches no column of the reference" for pattern in useless),
    ]


def _typed(table: Table, reference: Reference, timestamp: str | None, *, delimited: bool) -> Table:
    """Types fixed by role and reference: a CSV leaves open whether 0042 is text, or 2026-01-01 a timestamp."""
    kinds = dict(table.kinds)
    if delimited:
        kinds |= {
            key.name: STRING for key, column in reference.columns.items() if column.type == STRING and key.name in kinds
        }
    if timestamp is not None and kinds.get(timestamp) == STRING:
        kinds[timestamp] = TIMESTAMP
    return replace(table, kinds=kinds)


def _in_order(table: Table, timestamps: TimestampColumn | None) -> tuple[Source, ...]:
    """Files by their first timestamp, then by name."""
    return tuple(sorted(table.sources, key=lambda source: (_first_time(source, table, timestamps), source.name)))


def _first_time(source: Source, table: Table, timestamps: TimestampColumn | None) -> int:
    if timestamps is None:
        return NO_TIME
    for batch in replace(table, sources=(source,)).batches([timestamps.column]):
        times = timestamps.times(batch, 0)
        if (times != NO_TIME).any():
            return int(times[times != NO_TIME][0])
    return NO_TIME

"""From what the user says to a replay that can run: files opened and put in order, columns and time found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from driftline.profiling.csv_files import DelimitedFile
from driftline.profiling.files import Source, batch_rows
from driftline.profiling.plan import Roles, make_plan
from driftline.profiling.tables import Table, open_table
from driftline.reference.column_types import STRING, TIMESTAMP
from driftline_processor.records import Reference
from driftline_processor.reference.read import read_file
from driftline_processor.replay.column_mapping import assign, remarks
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.replay import Replay, blocks
from driftline_processor.replay.settings import Options, timing
from driftline_processor.replay.timeline import NO_TIME, Clock


@dataclass(frozen=True, slots=True)
class Prepared:
    """A replay, and the rows to run it on. notes: lines for people about what was decided."""

    replay: Replay
    table: Table
    columns: tuple[str, ...]
    notes: tuple[str, ...]

    def batches(self) -> Iterator[Any]:
        """The rows, in record batches whose size does not depend on how a file stores them."""
        return blocks(self.table.batches(self.columns), batch_rows(len(self.columns)))


def prepare(
    files: Sequence[Path], reference_file: Path, roles: Roles, options: Options, on_rows: Callable[[int], None]
) -> Prepared:
    """on_rows hears of rows that are read to settle types.

    Raises ReplayError, ProfileError, InvalidReference or ConfigError, which name the thing at fault.
    """
    reference = read_file(reference_file)
    table = open_table(files, on_rows)
    if not table.rows:
        raise ReplayError(f"{files[0]}: must hold rows (got none)")
    delimited = all(isinstance(source, DelimitedFile) for source in table.sources)
    table = _typed(table, reference, roles.timestamp, delimited=delimited)
    plan = make_plan(table.kinds, roles)
    columns = assign(plan.columns, reference, delimited=delimited)
    clock = None if plan.timestamp is None else Clock(plan.timestamp, table.kinds[plan.timestamp])
    timed = timing(options, clock, reference)
    table = replace(table, sources=_in_order(table, clock))
    notes = (*plan.notes, *_clock_note(clock), *remarks(columns, reference), *timed.notes)
    return Prepared(Replay(reference, timed.settings, timed.timeline, columns), table, plan.sources, notes)


def _clock_note(clock: Clock | None) -> list[str]:
    """The unit of numbers, once the first rows have told it."""
    return [f"Took {clock.column!r} for {clock.guessed} since 1970"] if clock and clock.guessed else []


def _typed(table: Table, reference: Reference, timestamp: str | None, *, delimited: bool) -> Table:
    """Texts as times where they are to be; and text where the reference has it: a CSV leaves open what 0042 is."""
    kinds = dict(table.kinds)
    if delimited:
        kinds |= {
            key.name: STRING for key, column in reference.columns.items() if column.type == STRING and key.name in kinds
        }
    if timestamp is not None and kinds.get(timestamp) == STRING:
        kinds[timestamp] = TIMESTAMP
    return replace(table, kinds=kinds)


def _in_order(table: Table, clock: Clock | None) -> tuple[Source, ...]:
    """Files by their first time, by name among equals and where there is no clock."""
    return tuple(sorted(table.sources, key=lambda source: (_first_time(source, table, clock), source.name)))


def _first_time(source: Source, table: Table, clock: Clock | None) -> int:
    if clock is None:
        return NO_TIME
    for batch in replace(table, sources=(source,)).batches([clock.column]):
        times = clock.times(batch, 0)
        if (times != NO_TIME).any():
            return int(times[times != NO_TIME][0])
    return NO_TIME

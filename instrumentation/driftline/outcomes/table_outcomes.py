"""Outcomes in files of rows, as `driftline profile` reads them."""

import time as clock
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from opentelemetry._logs import LogRecord

from driftline.outcomes.event import LABEL, Outcome
from driftline.outcomes.record import log_record, outcomes
from driftline.outcomes.times import nanoseconds
from driftline.profiling.csv_files import DelimitedFile
from driftline.profiling.tables import Table, open_table
from driftline.reference.column_types import UNUSABLE
from driftline.reference.errors import ProfileError
from driftline.sketch.values import is_missing

_UID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class OutcomeColumns:
    """Names of the columns; "" where there is none. model, version: of all rows."""

    id: str
    label: str = ""
    figures: tuple[str, ...] = ()
    probability: str = ""
    time: str = ""
    row: str = ""
    weight: str = ""
    prediction: str = ""
    score: str = ""
    model: str = ""
    version: str = ""

    @property
    def read(self) -> list[str]:
        """All of them, once each."""
        single = (self.id, self.label, self.probability, self.time, self.row, self.weight, self.prediction, self.score)
        return list(dict.fromkeys(name for name in (*single, *self.figures) if name))


@dataclass(slots=True)
class Skipped:
    """Rows that say nothing: without an outcome, as many are in a nightly table, and those with an error, by reason."""

    empty: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def read_outcomes(
    paths: Sequence[Path], columns: OutcomeColumns, secret: str | None, skipped: Skipped
) -> Iterator[list[LogRecord]]:
    """The events of each row. The same row has the same ids whenever it is read: sent again, it counts once.

    Args:
        paths: Files, and folders of files.
        columns: Their columns.
        secret: Keys the hash of ids.
        skipped: Counts the others.

    Raises:
        ProfileError: A file cannot be read, or has no such column.

    """
    table = _table(paths, columns)
    now = clock.time_ns()
    for batch in table.batches(columns.read):
        values = {name: batch.column(name).to_pylist() for name in columns.read}
        for place in range(batch.num_rows):
            row = {name: each[place] for name, each in values.items()}
            try:
                found = _of_row(row, columns, secret, now)
            except ValueError as error:
                skipped.errors[str(error)] += 1
                continue
            skipped.empty += not found
            if found:
                yield [log_record(each, each.time, now) for each in found]


def _table(paths: Sequence[Path], columns: OutcomeColumns) -> Table:
    table = open_table(paths)
    for name in columns.read:
        if name not in table.kinds:
            known = ", ".join(map(repr, table.kinds))
            raise ProfileError(f"{table.sources[0].name}: has no column {name!r} (its columns: {known:.200})")
        if table.kinds[name] == UNUSABLE:
            raise ProfileError(f"{table.sources[0].name}: column {name!r} must hold numbers, texts or times")
    written = all(isinstance(source, DelimitedFile) for source in table.sources)
    return table.as_text([columns.id]) if written else table


def _of_row(row: dict[str, Any], columns: OutcomeColumns, secret: str | None, now: int) -> list[Outcome]:
    """The outcomes of a row, none where it has neither label nor figure."""

    def of(name: str) -> Any:
        value = row[name] if name else None
        return None if value is None or is_missing(value) else value

    named = {LABEL: of(columns.label), **{name: of(name) for name in columns.figures}}
    if all(value is None for value in named.values()):
        return []
    when = of(columns.time)
    number = of(columns.row)
    return outcomes(
        of(columns.id),
        named,
        now if when is None else nanoseconds(when),
        row=0 if number is None else int(number),
        probability=of(columns.probability),
        weight=of(columns.weight),
        prediction=of(columns.prediction),
        score=of(columns.score),
        model=columns.model,
        version=columns.version,
        secret=secret,
        uid=lambda outcome: _uid(outcome, timed=when is not None),
    )


def _uid(outcome: Outcome, *, timed: bool) -> str:
    """A digest of what it says."""
    said = (
        *(outcome.model, outcome.version, outcome.id, outcome.key, outcome.row, outcome.name),
        *(outcome.label, outcome.value, outcome.prediction, outcome.score, outcome.time if timed else 0),
    )
    return blake2b(repr(said).encode(), digest_size=_UID_BYTES).hexdigest()

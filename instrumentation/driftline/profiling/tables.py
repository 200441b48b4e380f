"""Tables: rows of files and folders, or of data in memory, read in record batches as often as needed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from driftline.profiling.csv_files import DelimitedFile
from driftline.profiling.files import Source, find_files, open_file, unreadable
from driftline.profiling.mixed_columns import PROBED, TextProbe, numbers_among
from driftline.reference.column_types import EMPTY, FLOAT, STRING, widest
from driftline.reference.errors import ProfileError


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of several sources, one after the other. kinds: of every column, as wide as all sources need.

    mixed: columns of numbers that hold some other texts; those are NaN in batches, and what is missing is null.
    """

    kinds: Mapping[str, str]
    sources: tuple[Source, ...]
    mixed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sequence[Source]) -> "Table":
        """Raises ProfileError if the sources differ in columns, or in types that do not fit together."""
        first = sources[0]
        kinds = dict(first.kinds)
        for source in sources[1:]:
            _same_columns(first, source)
            for column, kind in source.kinds.items():
                kinds[column] = _joined(column, kinds[column], kind, source, sources)
        return cls({column: FLOAT if kind == EMPTY else kind for column, kind in kinds.items()}, tuple(sources))

    @property
    def rows(self) -> int:
        return sum(source.rows for source in self.sources)

    @property
    def padded(self) -> frozenset[str]:
        """Columns of integers that a text file has with leading zeros: codes, such as postal codes."""
        return frozenset().union(*(each.padded for each in self.sources if isinstance(each, DelimitedFile)))

    def as_text(self, columns: Iterable[str]) -> "Table":
        """The same with these columns as texts, as they are written. For columns of text files only."""
        return replace(self, kinds={**self.kinds, **dict.fromkeys(columns, STRING)})

    def with_mixed(self, but: Iterable[str]) -> "Table":
        """The same with columns of texts as numbers where nearly all of them are, except for these columns."""
        texts = [column for column, kind in self.kinds.items() if kind == STRING and column not in set(but)]
        if not texts:
            return self
        written = all(isinstance(source, DelimitedFile) for source in self.sources)
        probes = {column: TextProbe(written=written) for column in texts}
        for batch in self._first_batches(texts):
            for column in texts:
                probes[column].add(batch.column(column))
        mixed = {column: probe.example for column, probe in probes.items() if probe.is_numeric}
        return replace(self, kinds={**self.kinds, **dict.fromkeys(mixed, FLOAT)}, mixed=mixed)

    def _first_batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Those of each source, of PROBED rows in all."""
        each = max(PROBED // len(self.sources), 1)
        for source in self.sources:
            rows = 0
            for batch in _read(source, dict.fromkeys(columns, STRING)):
                yield batch
                rows += batch.num_rows
                if rows >= each:
                    break

    def batches(self, columns: Iterable[str]) -> Iterator[Any]:
        """Record batches of these columns, of their kinds' Arrow types. Raises ProfileError, which names the file."""
        kinds = {column: self.kinds[column] for column in columns}
        stored = {column: STRING if column in self.mixed else kind for column, kind in kinds.items()}
        mixed = [place for place, column in enumerate(kinds) if column in self.mixed]
        for source in self.sources:
            for batch in _read(source, stored):
                yield _with_numbers(batch, mixed) if mixed else batch


def _with_numbers(batch: Any, mixed: Sequence[int]) -> Any:
    columns = [numbers_among(column) if i in mixed else column for i, column in enumerate(batch.columns)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _read(source: Source, kinds: Mapping[str, str]) -> Iterator[Any]:
    try:
        yield from source.batches(kinds)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(source.name, error) from error


def open_table(paths: Sequence[Path], on_rows: Callable[[int], None] = lambda _rows: None) -> Table:
    """Files, and folders of files, as one table; on_rows is called with the rows read to infer types.

    Raises ProfileError, which names the file, if one cannot be read or does not fit the others.
    """
    return Table.of([open_file(path, on_rows) for path in find_files(paths)])


def _same_columns(first: Source, source: Source) -> None:
    for a, b in ((first, source), (source, first)):
        lacking = [column for column in a.kinds if column not in b.kinds]
        if lacking:
            raise ProfileError(f"{b.name}: must have the columns of {a.name} (missing {_listed(lacking)})")


def _listed(columns: Sequence[str], most: int = 5) -> str:
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return ", ".join(map(repr, columns[:most])) + more


def _joined(column: str, before: str, kind: str, source: Source, sources: Sequence[Source]) -> str:
    wide = widest(before, kind)
    if wide is not None:
        return wide
    if all(isinstance(each, DelimitedFile) for each in sources):
        return STRING  # it is written as text in all of them
    raise ProfileError(f"{source.name}: column {column!r} must be {before} as in the files before (got {kind})")

"""Files of rows: Parquet, Arrow and delimited text, each read in batches; memory does not grow with the file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet

from driftline.profiling.arrow_types import ARROW, canonical, kind_of
from driftline.profiling.csv_files import DelimitedFile
from driftline.reference.errors import ProfileError

_BATCH_ROWS: Final = 16_384
_BATCH_VALUES: Final = 1 << 22
_READ_BYTES: Final = 1 << 20


class Source(Protocol):
    """Rows that can be read again and again. kinds: by column."""

    @property
    def name(self) -> str: ...
    @property
    def kinds(self) -> Mapping[str, str]: ...
    @property
    def rows(self) -> int: ...
    def batches(self, kinds: Mapping[str, str]) -> Iterator[Any]:
        """Record batches of these columns, in their order, of their kinds' Arrow types."""
        ...


def batch_rows(columns: int) -> int:
    """Rows of a batch: few where there are many columns."""
    return max(1024, min(_BATCH_ROWS, _BATCH_VALUES // max(columns, 1)))


def conform(batch: Any, kinds: Mapping[str, str]) -> Any:
    """The columns of `kinds` of a record batch, of their kinds' Arrow types."""
    columns = [canonical(batch.column(column), kind) for column, kind in kinds.items()]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([(c, ARROW[kind]) for c, kind in kinds.items()]))


def schema_kinds(schema: Any, name: str) -> dict[str, str]:
    """Kinds by column; two columns of one name are an error."""
    names: list[str] = schema.names
    twice = sorted({column for column in names if names.count(column) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ProfileError(
            f"{name}: every column must have a name of its own (got {', '.join(map(repr, twice))} twice)"
        )
    return {field.name: kind_of(field.type) for field in schema}


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """Read in row groups, and those in pieces."""

    path: Path
    kinds: Mapping[str, str]
    rows: int

    @property
    def name(self) -> str:
        return str(self.path)

    @classmethod
    def open(cls, path: Path, _on_rows: Callable[[int], None]) -> "ParquetFile":
        with pyarrow.parquet.ParquetFile(path) as file:
            return cls(path, schema_kinds(file.schema_arrow, str(path)), file.metadata.num_rows)

    def batches(self, kinds: Mapping[str, str]) -> Iterator[Any]:
        with pyarrow.parquet.ParquetFile(self.path, buffer_size=_READ_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_rows(len(kinds)), columns=list(kinds), use_threads=False):
                yield conform(batch, kinds)


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """Arrow's IPC format, files (Feather) and streams; mapped, not loaded."""

    path: Path
    kinds: Mapping[str, str]
    rows: int

    @property
    def name(self) -> str:
        return str(self.path)

    @classmethod
    def open(cls, path: Path, _on_rows: Callable[[int], None]) -> "ArrowFile":
        with pa.memory_map(str(path)) as stored:
            schema, batches = _ipc(stored)
            return cls(path, schema_kinds(schema, str(path)), sum(batch.num_rows for batch in batches))

    def batches(self, kinds: Mapping[str, str]) -> Iterator[Any]:
        size = batch_rows(len(kinds))
        with pa.memory_map(str(self.path)) as stored:
            for batch in _ipc(stored)[1]:
                for first in range(0, batch.num_rows, size):
                    yield conform(batch.slice(first, size), kinds)


def _ipc(stored: Any) -> tuple[Any, Iterator[Any]]:
    """Schema and record batches of an IPC file, or of a stream."""
    try:
        file = pa.ipc.open_file(stored)
    except pa.ArrowInvalid:
        stored.seek(0)
        stream = pa.ipc.open_stream(stored)
        return stream.schema, iter(stream)
    return file.schema, (file.get_batch(i) for i in range(file.num_record_batches))


@dataclass(frozen=True, slots=True)
class InMemory:
    """An Arrow table, in memory already."""

    name: str
    table: Any

    @property
    def kinds(self) -> Mapping[str, str]:
        return schema_kinds(self.table.schema, self.name)

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    def batches(self, kinds: Mapping[str, str]) -> Iterator[Any]:
        for batch in self.table.select(list(kinds)).to_batches(max_chunksize=batch_rows(len(kinds))):
            yield conform(batch, kinds)


FORMATS: Final[Mapping[str, Callable[[Path, Callable[[int], None]], Source]]] = {
    ".parquet": ParquetFile.open,
    ".pq": ParquetFile.open,
    ".csv": DelimitedFile.open,
    ".tsv": DelimitedFile.open,
    ".csv.gz": DelimitedFile.open,
    ".tsv.gz": DelimitedFile.open,
    ".arrow": ArrowFile.open,
    ".arrows": ArrowFile.open,
    ".feather": ArrowFile.open,
    ".ipc": ArrowFile.open,
}
"""How a file is opened, by the end of its name."""


def open_file(path: Path, on_rows: Callable[[int], None]) -> Source:
    """A file by the format that its name tells. Raises ProfileError, which names it."""
    suffix = _suffix(path)
    if suffix is None:
        raise ProfileError(f"{path}: must end in one of {', '.join(FORMATS)}")
    try:
        return FORMATS[suffix](path, on_rows)
    except ProfileError:
        raise
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise unreadable(str(path), error) from error


def unreadable(name: str, error: BaseException) -> ProfileError:
    """What went wrong when a file was read, on one line."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ProfileError(f"{name}: cannot be read: {' '.join(reason.split()) or type(error).__name__}")


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Files, and those in folders that can be read, sorted by name. Raises ProfileError where there are none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if _is_data(file, path)]
            if not inside:
                raise ProfileError(f"{path}: the folder must hold files that end in one of {', '.join(FORMATS)}")
            found += inside
        else:
            found.append(path)
    return found


def _is_data(file: Path, folder: Path) -> bool:
    """Of a format that we read, and neither hidden nor one of the markers that writers of folders leave."""
    marked = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return file.is_file() and not marked and _suffix(file) is not None


def _suffix(path: Path) -> str | None:
    return next((suffix for suffix in FORMATS if path.name.lower().endswith(suffix)), None)

"""Delimited text, also compressed, block by block.

Fields are read as text, and types are inferred in a separate pass over the whole file: a column that looks like
integers in the first block and holds a 0.5 in the last one is a column of floats.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from driftline.profiling.arrow_types import ARROW, times_of
from driftline.reference.column_types import BOOLEAN, EMPTY, FLOAT, INTEGER, STRING, TIMESTAMP
from driftline.reference.errors import ProfileError

_BLOCK_BYTES: Final = 1 << 20
_DELIMITERS: Final = ",;\t|"
_DIGITS: Final = pa.array(["0", "1"], pa.large_string())

_WIDER: Final[Mapping[str, tuple[str, ...]]] = {
    EMPTY: (INTEGER, FLOAT, BOOLEAN, TIMESTAMP, STRING),
    INTEGER: (INTEGER, FLOAT, STRING),
    FLOAT: (FLOAT, STRING),
    BOOLEAN: (BOOLEAN, STRING),
    TIMESTAMP: (TIMESTAMP, STRING),
    STRING: (STRING,),
}
"""What a column may be after one more block, the narrowest first, by what it was before."""


@dataclass(frozen=True, slots=True)
class DelimitedFile:
    """A delimited text file. kinds: by column, inferred over all rows. rows: how many there are.

    padded: columns of integers of which some are written with leading zeros.
    """

    path: Path
    delimiter: str
    kinds: Mapping[str, str]
    rows: int
    padded: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.path)

    @classmethod
    def open(cls, path: Path, on_rows: Callable[[int], None]) -> "DelimitedFile":
        """Reads the file once to infer the types, calling on_rows with the size of each block."""
        delimiter = _delimiter(path)
        kinds = dict.fromkeys(_header(path, delimiter), EMPTY)
        padded: set[str] = set()
        rows = 0
        for batch in _blocks(path, delimiter, None):
            rows += batch.num_rows
            for column, values in zip(batch.schema.names, batch.columns, strict=True):
                kinds[column] = _settle(kinds[column], values)
                if kinds[column] == INTEGER and column not in padded and _is_padded(values):
                    padded.add(column)
            on_rows(batch.num_rows)
        integers = frozenset(column for column in padded if kinds[column] == INTEGER)
        return cls(path, delimiter, kinds, rows, integers)

    def batches(self, kinds: Mapping[str, str]) -> Iterator[Any]:
        """Record batches of these columns, of their kinds' Arrow types."""
        schema = pa.schema([(column, ARROW[kind]) for column, kind in kinds.items()])
        for batch in _blocks(self.path, self.delimiter, list(kinds)):
            columns = [parse(batch.column(column), kind) for column, kind in kinds.items()]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def parse(texts: Any, kind: str) -> Any:
    """An array of texts as values of a kind, in its Arrow type. Raises pyarrow.ArrowInvalid where one is none."""
    if kind == STRING:
        return pc.cast(texts, ARROW[STRING])
    trimmed = pc.utf8_trim_whitespace(texts)
    if kind == BOOLEAN and pc.any(pc.is_in(trimmed, value_set=_DIGITS)).as_py():
        raise pa.ArrowInvalid("digits beside the words true and false")
    return times_of(trimmed) if kind == TIMESTAMP else pc.cast(trimmed, ARROW[kind])


def _is_padded(texts: Any) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, r"^\s*0[0-9]")).as_py())


def _settle(kind: str, texts: Any) -> str:
    """The narrowest kind that holds a further block."""
    if texts.null_count == len(texts):
        return kind
    return next(wider for wider in _WIDER[kind] if _parses(texts, wider))


def _parses(texts: Any, kind: str) -> bool:
    try:
        parse(texts, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _blocks(path: Path, delimiter: str, columns: list[str] | None) -> Iterator[Any]:
    """Record batches of text; empty fields, NaN, NA and the like are missing."""
    reading = pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    converting = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(_header(path, delimiter), pa.large_string()),
        strings_can_be_null=True,
        include_columns=columns,
    )
    # The stream is left to the reader, which reads ahead in a thread of its own: were it closed here on an early end,
    # that thread could read from whatever file was opened next under the same number.
    yield from pyarrow.csv.open_csv(pa.input_stream(str(path)), reading, parsing, converting)


def _header(path: Path, delimiter: str) -> list[str]:
    """Names of the columns. Raises ProfileError where two are alike."""
    lines = csv.reader(io.StringIO(_beginning(path), newline=""), delimiter=delimiter)
    names = next(filter(None, lines), [])
    if not names:
        raise ProfileError(f"{path}: must begin with the names of its columns (it is empty)")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProfileError(
            f"{path}: every column must have a name of its own (got {', '.join(map(repr, twice))} twice)"
        )
    return names


def _delimiter(path: Path) -> str:
    """The likeliest one: the most frequent in the header."""
    header = _beginning(path).lstrip().split("\n", 1)[0]
    return max(_DELIMITERS, key=header.count)


def _beginning(path: Path) -> str:
    """The first block."""
    with pa.input_stream(str(path)) as stream:
        return bytes(stream.read(_BLOCK_BYTES)).decode("utf-8-sig", "replace")

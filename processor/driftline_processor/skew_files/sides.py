"""One side of a comparison, read from files: keys, times, and features by name."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from driftline.outcomes.features_event import RecordedFeatures, are_features, read_features
from driftline.profiling.arrow_types import numbers
from driftline.profiling.csv_files import DelimitedFile
from driftline.profiling.files import FORMATS
from driftline.profiling.tables import Table, open_table
from driftline.reference.column_types import FLOAT, INTEGER, STRING, TIMESTAMP, UNUSABLE
from driftline.rows.batch import merged_by_key
from driftline.rows.files import UnreadableFile, log_records, read_file
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.otlp import SentBatch
from driftline.rows.table import INPUT
from driftline.sketch.arrays import FloatArray
from driftline.sketch.values import aligned, is_missing, text_of
from driftline_processor.skew.feature import Feature
from driftline_processor.skew.joining import Keys

_CONVERTED: Final = ("key", "weight", "model", "operation")
"""Columns of a table that `driftline rows` has written."""

_PREFIX: Final = f"{INPUT}."
_NOTHING: Final = re.compile(r"\.0+$")


class SkewError(Exception):
    """The two sides cannot be compared; the message names the thing, the rule and the value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows and columns of the files count. id: the column with the id of each row.

    recomputed: recorded features count before row batches, in a file with both.
    """

    id: str
    time: str | None = None
    entity: str | None = None
    model: str | None = None
    operation: str | None = None
    ignored: tuple[str, ...] = ()
    recomputed: bool = False


@dataclass(frozen=True, slots=True)
class FileSide:
    """weights: [rows], how many rows each stands for. times: [rows] seconds. notes: lines for the user."""

    keys: Keys
    features: Mapping[str, Feature]
    weights: FloatArray
    times: FloatArray | None = None
    entities: Any = None
    notes: tuple[str, ...] = field(default=())


def read_side(paths: Sequence[Path], choice: Choice) -> FileSide:
    """Tables, or row batches and recorded features as a Collector has written them.

    Raises:
        SkewError: the rows cannot be used.
        ProfileError: a table cannot be read.

    """
    known = [path for path in paths if path.is_dir() or any(path.name.lower().endswith(end) for end in FORMATS)]
    if not known:
        return _from_batches(paths, choice)
    return _from_table(open_table(paths), str(paths[0]), choice)


def _from_batches(paths: Sequence[Path], choice: Choice) -> FileSide:
    if choice.recomputed and (recorded := _recorded(paths, choice)):
        return _from_features(recorded, choice)
    found: dict[str, SentBatch] = {}
    damaged = 0
    for path in paths:
        try:
            for each in read_file(path):
                if isinstance(each, str):
                    damaged += 1
                elif choice.model in (None, each.model) and choice.operation in (None, each.operation):
                    found.setdefault(each.batch.uid, each)
        except (OSError, UnreadableFile) as error:  # noqa: PERF203  # which file it is
            raise SkewError(f"{path}: {error}") from error
    models = sorted({each.model for each in found.values()})
    if not models:
        raise SkewError(f"{paths[0]}: holds no row batches" + (f" of model {choice.model!r}" if choice.model else ""))
    if len(models) > 1:
        raise SkewError(f"{paths[0]}: holds rows of several models; choose one with --model ({', '.join(models)})")
    rows = merged_by_key([each.batch for each in found.values()])
    ignored = {choice.id, *choice.ignored}
    features = {
        column.name: _from_values(values)
        for column, values in rows.table.columns.items()
        if column.role == INPUT and column.name not in ignored
    }
    if not features:
        raise SkewError(f"{paths[0]}: the row batches hold no input values (DRIFTLINE_ROWS_INPUTS, DRIFTLINE_CAPTURE)")
    keys = Keys(rows.table.keys, np.ones(len(rows.table), np.bool_))
    notes = (f"{paths[0]}: {damaged} damaged row batches are left out",) if damaged else ()
    return FileSide(keys, features, rows.weights, rows.table.times / 1e9, notes=notes)


def _recorded(paths: Sequence[Path], choice: Choice) -> list[RecordedFeatures]:
    """What `driftline.record_features` has said, each once; damaged ones are left out."""
    found: dict[str, RecordedFeatures] = {}
    for path in paths:
        try:
            for record in filter(are_features, log_records(path)):
                with suppress(ValueError):
                    each = read_features(record)
                    if choice.model in (None, each.model) or not each.model:
                        found.setdefault(each.uid, each)
        except (OSError, UnreadableFile) as error:  # noqa: PERF203  # which file it is
            raise SkewError(f"{path}: {error}") from error
    return list(found.values())


def _from_features(recorded: Sequence[RecordedFeatures], choice: Choice) -> FileSide:
    names = dict.fromkeys(name for each in recorded for name in each.values if name not in {choice.id, *choice.ignored})
    columns = {name: np.array([each.values.get(name) for each in recorded], object) for name in names}
    keys = np.array([each.row_key for each in recorded], np.uint64)
    times = np.array([each.time for each in recorded], np.int64) / 1e9
    features = {name: _from_values(values) for name, values in columns.items()}
    return FileSide(Keys(keys, np.ones(len(keys), np.bool_)), features, np.ones(len(keys)), times)


def _from_values(values: Any) -> Feature:
    """A column of row batches. Whether numbers are whole or truth values is how they were sent, and no type."""
    if values.dtype.kind in "fiub":
        return Feature(FLOAT, values.astype(np.float64), stored=False)
    if values.dtype.kind in "mM":
        return Feature(TIMESTAMP, aligned(values), stored=False)
    items = values.tolist()
    texts = [isinstance(each, str) for each in items]
    if not any(texts):
        return Feature(FLOAT, aligned(values), stored=False)
    held = np.empty(len(items), object)
    held[:] = [None if is_missing(each) else text_of(each) for each in items]
    return Feature(
        STRING, held, stored=all(text for text, each in zip(texts, items, strict=True) if not is_missing(each))
    )


def _from_table(table: Table, name: str, choice: Choice) -> FileSide:
    converted = all(column in table.kinds for column in _CONVERTED)
    if not converted and choice.id not in table.kinds:
        raise SkewError(f"{name}: must have the column {choice.id!r} of --id ({_listed(table.kinds)})")
    stored = not all(isinstance(source, DelimitedFile) for source in table.sources)
    unusable = [column for column, kind in table.kinds.items() if kind == UNUSABLE]
    key = "key" if converted else choice.id
    if key in unusable:
        raise SkewError(f"{name}: the ids in {key!r} must be texts or numbers")
    numeric = table.kinds[key] not in (STRING, TIMESTAMP)
    if numeric:  # 64 bits are more than a float holds, and 007 in a text file may be a text
        table = table.as_text([key])
    columns = {column: kind for column, kind in table.kinds.items() if kind != UNUSABLE}
    arrays = _read(table, list(columns))
    for special, option in ((choice.time, "--time"), (choice.entity, "--entity")):
        if special is not None and special not in columns:
            raise SkewError(f"{name}: must have the column {special!r} of {option} ({_listed(table.kinds)})")
    if converted:
        chosen = _chosen(arrays, choice, name)
        arrays = {column: values[chosen] for column, values in arrays.items()}
    features = {
        column.removeprefix(_PREFIX) if converted else column: Feature(
            kind, _values(arrays[column], kind), stored, not stored
        )
        for column, kind in columns.items()
        if (column.startswith(_PREFIX) if converted else column != choice.id)
    }
    features = {column: feature for column, feature in features.items() if column not in {choice.id, *choice.ignored}}
    rows = len(arrays[key])
    weights = arrays["weight"].astype(np.float64) if converted else np.ones(rows)
    notes = [f"{name}: not compared, as neither numbers nor texts: {', '.join(unusable)}"] if unusable else []
    ids = np.array([_whole(each) for each in arrays[key].tolist()], object) if numeric else arrays[key]
    keys = _converted_keys(ids) if converted else _keys(ids)
    if gone := int(np.count_nonzero(~keys.present)):
        notes.append(f"{name}: {gone} rows without an id are left out")
    if keys.repeated:
        notes.append(f"{name}: {keys.repeated} rows repeat an id; the first row of each id counts")
    time = choice.time or _time_column(columns)
    times = None if time is None else _times(arrays[time], columns[time])
    return FileSide(
        keys, features, weights, times, None if choice.entity is None else arrays[choice.entity], tuple(notes)
    )


def _listed(names: Mapping[str, str], most: int = 10) -> str:
    shown = list(names)[:most]
    return "it has " + ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _read(table: Table, columns: list[str]) -> dict[str, Any]:
    parts: dict[str, list[Any]] = {column: [] for column in columns}
    for batch in table.batches(columns):
        for place, column in enumerate(columns):
            parts[column].append(_array(batch.column(place), table.kinds[column]))
    empty: Any = np.zeros(0)
    return {column: np.concatenate(held) if held else empty for column, held in parts.items()}


def _array(column: Any, kind: str) -> Any:
    if kind == STRING:
        texts = np.empty(len(column), object)
        texts[:] = column.to_pylist()
        return texts
    if kind == INTEGER and not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    return numbers(column)


def _values(values: Any, kind: str) -> Any:
    return values if kind == STRING else values.astype(np.float64)


def _whole(text: str | None) -> str | None:
    """The text of a number without decimals that say nothing."""
    return text.rstrip("0").rstrip(".") if text is not None and _NOTHING.search(text) else text


def _keys(ids: Any) -> Keys:
    hashes, present = hash_ids(ids)
    return Keys(row_keys(hashes), present)


def _converted_keys(keys: Any) -> Keys:
    words = np.array([int(each) for each in keys.tolist()], np.uint64)
    return Keys(words, np.ones(len(words), np.bool_))


def _chosen(arrays: Mapping[str, Any], choice: Choice, name: str) -> Any:
    """The rows of the model and operation, and of a key the first."""
    chosen = np.ones(len(arrays["key"]), np.bool_)
    for column, wanted in (("model", choice.model), ("operation", choice.operation)):
        if wanted is not None:
            chosen &= np.array([each == wanted for each in arrays[column].tolist()], np.bool_)
    models = sorted({str(each) for each in arrays["model"][chosen].tolist()})
    if not models:
        raise SkewError(f"{name}: holds no rows of model {choice.model!r}")
    if len(models) > 1:
        raise SkewError(f"{name}: holds rows of several models; choose one with --model ({', '.join(models)})")
    return chosen


def _time_column(columns: Mapping[str, str]) -> str | None:
    """The only column of times."""
    times = [column for column, kind in columns.items() if kind == TIMESTAMP]
    return times[0] if len(times) == 1 else None


def _times(values: Any, kind: str) -> FloatArray:
    return aligned(values) if kind == STRING else np.asarray(values, np.float64)

"""Rows and outcomes by column, as tables that `driftline.rows.body` packs."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.outcomes.event import Label, Outcome
from driftline.rows.batch import RowBatch
from driftline.rows.keys import Words, hash_ids, row_keys
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline.semconv import CONFIDENCE, PREDICTION, SCORE
from driftline.sketch.arrays import FloatArray
from driftline.sketch.spellings import number_named, told_names
from driftline.sketch.splitmix import splitmix64
from driftline.sketch.time_units import SECOND
from driftline.sketch.values import class_name

VALUE: Final = RowColumn(OUTPUT, "value")
TEXT: Final = RowColumn(OUTPUT, "text")
SCORES: Final = RowColumn(OUTPUT, "score")
WEIGHT: Final = RowColumn(OUTPUT, "weight")
MODEL: Final = RowColumn(OUTPUT, "model")
"""Of waiting rows: the predicted number or class, its score, rows that it stands for, and the number of its model."""

NAME: Final = RowColumn(OUTPUT, "name")
UID: Final = RowColumn(OUTPUT, "uid")
OBSERVED: Final = RowColumn(OUTPUT, "observed")
RECEIVED: Final = RowColumn(OUTPUT, "received")
IDENTITY: Final = RowColumn(OUTPUT, "identity")
CHANCE: Final = RowColumn(OUTPUT, "chance")
VERSION: Final = RowColumn(OUTPUT, "version")
PROCESS: Final = RowColumn(OUTPUT, "process")
CALL: Final = RowColumn(OUTPUT, "call")
"""Of outcomes besides: which thing became true of which row, by whom and when it was said, and the call of our ids.

CHANCE: with which the row was to get a label, NaN where nobody says.
"""

_OUR_ID: Final = re.compile("[0-9a-f]{32}")
_PROCESS_DIGITS: Final = 24

Plain = NDArray[Any]


def waiting_rows(batch: RowBatch, model: int) -> RowTable:
    """What of a batch waits for outcomes. model: its number."""
    table = batch.table
    given = {column.name: values for column, values in table.columns.items() if column.role == OUTPUT}
    values, texts = _split(given.get(PREDICTION), len(table))
    score = given.get(SCORE)
    columns: dict[RowColumn, Plain] = {
        VALUE: values,
        TEXT: texts,
        SCORES: np.full(len(table), np.nan) if score is None else as_numbers(score),
        WEIGHT: np.full(len(table), batch.weight),
        MODEL: np.full(len(table), model, np.uint32),
    }
    return RowTable(table.keys, table.times // SECOND * SECOND, columns)


def holds_classes(batch: RowBatch) -> bool:
    """Whether predictions of a batch are classes for certain: those of a regression are floats, and have no score."""
    given = {column.name: values for column, values in batch.table.columns.items() if column.role == OUTPUT}
    prediction = given.get(PREDICTION)
    return CONFIDENCE in given or SCORE in given or (prediction is not None and prediction.dtype.kind != "f")


def told_classes(batch: RowBatch) -> dict[str, str]:
    """How the predicted classes of a batch are spelled, by name, of those that are not by it."""
    prediction = batch.table.columns.get(RowColumn(OUTPUT, PREDICTION))
    return {} if prediction is None else told_names(prediction)


def outcome_table(outcomes: Sequence[Outcome], received: int) -> RowTable:
    """Outcomes that came together. received: Unix nanoseconds."""
    values, texts = _split_labels([each.value if each.label is None else each.label for each in outcomes])
    keys = _keys(outcomes)
    names = [f"{each.name}\0{each.model}\0{each.version}".encode() for each in outcomes]
    ours = [each.id if _OUR_ID.fullmatch(each.id) else "" for each in outcomes]
    weights = [(each.weight or 1.0) / (each.probability or 1.0) for each in outcomes]
    columns: dict[RowColumn, Plain] = {
        VALUE: values,
        TEXT: texts,
        WEIGHT: np.array(weights, np.float64),
        CHANCE: np.array([each.probability or np.nan for each in outcomes], np.float64),
        NAME: _objects([each.name for each in outcomes]),
        MODEL: _objects([each.model for each in outcomes]),
        VERSION: _objects([each.version for each in outcomes]),
        UID: _digests([each.uid.encode() for each in outcomes]),
        OBSERVED: np.array([each.observed or received for each in outcomes], np.int64),
        RECEIVED: np.full(len(outcomes), received, np.int64),
        IDENTITY: splitmix64(keys ^ _digests(names)),
        PROCESS: _objects([each[:_PROCESS_DIGITS] for each in ours]),
        CALL: np.array([int(each[_PROCESS_DIGITS:], 16) if each else -1 for each in ours], np.int64),
    }
    return RowTable(keys, np.array([each.time or received for each in outcomes], np.int64), columns)


def brought_rows(outcomes: Sequence[Outcome], model: int, keys: Words, received: int) -> RowTable:
    """The rows that outcomes bring along. keys: of the outcomes."""
    values, texts = _split_labels([each.prediction for each in outcomes])
    columns: dict[RowColumn, Plain] = {
        VALUE: values,
        TEXT: texts,
        SCORES: np.array([np.nan if each.score is None else each.score for each in outcomes], np.float64),
        WEIGHT: np.ones(len(outcomes)),
        MODEL: np.full(len(outcomes), model, np.uint32),
    }
    times = np.array([each.time or received for each in outcomes], np.int64)
    return RowTable(keys, times // SECOND * SECOND, columns)


def joined(tables: Sequence[RowTable]) -> RowTable:
    """One after the other; empty ones say nothing of types."""
    return RowTable.joined([table for table in tables if len(table)])


def by_key(table: RowTable) -> RowTable:
    """In ascending order of keys."""
    return table.chosen(np.argsort(table.keys, kind="stable"))


def as_numbers(values: Plain) -> FloatArray:
    """Numbers, NaN where one is none."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    return np.array([float(each) if isinstance(each, int | float) else np.nan for each in values.tolist()], np.float64)


def names_of(table: RowTable, value: RowColumn, text: RowColumn) -> Plain:
    """Classes by name, "" where missing, [rows]: 1, 1.0, True and "1" are the same."""
    found = np.array(table.columns[text], object)
    numbers = np.asarray(table.columns[value], np.float64)
    for each in np.unique(numbers[np.isfinite(numbers)]).tolist():
        found[numbers == each] = class_name(each)
    return found


def _keys(outcomes: Sequence[Outcome]) -> Words:
    """Keys of rows; of one that brings its prediction along and has no id, a digest of its own."""
    named = hash_ids([each.id or each.uid for each in outcomes]).hashes
    keys = row_keys(named, np.array([each.row for each in outcomes], np.int64))
    given = [(place, each.key) for place, each in enumerate(outcomes) if each.key is not None]
    if given:
        keys[[place for place, _ in given]] = np.array([key for _, key in given], np.uint64)
    return keys


def _split(values: Plain | None, rows: int) -> tuple[FloatArray, Plain]:
    """Numbers, and texts where it is no number."""
    if values is None or len(values) != rows:
        return np.full(rows, np.nan), _objects([""] * rows)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64), _objects([""] * rows)
    return _split_labels(values.tolist())


def _split_labels(values: Sequence[Label | None]) -> tuple[FloatArray, Plain]:
    numbers, texts = np.full(len(values), np.nan), [""] * len(values)
    for place, value in enumerate(values):
        if isinstance(value, str):
            number = number_named(value)
            if number is None:
                texts[place] = value
            else:
                numbers[place] = number
        elif value is not None:
            numbers[place] = float(value)
    return numbers, _objects(texts)


def _objects(values: Sequence[Any]) -> Plain:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _digests(texts: Sequence[bytes]) -> Words:
    known: dict[bytes, bytes] = {}
    parts = [known.get(text) or known.setdefault(text, blake2b(text, digest_size=8).digest()) for text in texts]
    return np.frombuffer(b"".join(parts), "<u8").astype(np.uint64)

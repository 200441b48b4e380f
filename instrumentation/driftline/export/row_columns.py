"""The chosen rows of calls by column, as far as they may be exported: the rows of a row batch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.export.reference_pairs import References
from driftline.features import columns
from driftline.features.blocks import ColumnBlock
from driftline.records import Capture, ModelFacts, Prediction
from driftline.rows.keys import Words
from driftline.rows.table import CODE, INPUT, OUTPUT, RowColumn, RowTable
from driftline.runtime.self_faults import FAULTS
from driftline.settings import ALL, CODES, HASHED, SHOWN, Redaction, Settings
from driftline.sketch import hashed
from driftline.sketch.arrays import IntArray
from driftline.sketch.values import is_missing, text_of


class RowColumns:
    """Reads calls that are cut down to the rows that are sent."""

    def __init__(self, settings: Settings, references: References) -> None:
        self._settings = settings
        self._references = references

    def table(self, calls: Sequence[Prediction], keys: Words, times: IntArray) -> RowTable:
        """The rows of calls of one model and operation, in order. keys, times: [rows]."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for number, call in enumerate(calls):
            groups[_layout(call.inputs), _layout(call.outputs)].append(number)
        starts = np.cumsum([0, *(call.rows for call in calls)])
        order, tables = [], []
        for members in groups.values():
            rows = np.concatenate([np.arange(starts[number], starts[number + 1]) for number in members])
            order.append(rows)
            found = self._of_one_layout([calls[number] for number in members])
            tables.append(RowTable(keys[rows], times[rows], found))
        joined = RowTable.joined(tables)
        return joined.chosen(np.argsort(np.concatenate(order))) if len(tables) > 1 else joined

    def _of_one_layout(self, calls: Sequence[Prediction]) -> dict[RowColumn, NDArray[Any]]:
        rows = sum(call.rows for call in calls)
        found: dict[RowColumn, NDArray[Any]] = {}
        for read in (self._inputs, self._outputs):
            try:
                parts: dict[RowColumn, list[NDArray[Any]]] = defaultdict(list)
                for column, values in read(calls):
                    parts[column].append(values)
            except Exception as error:  # noqa: BLE001  # values may be anything: the rows are sent without them
                FAULTS.note("rows", error)
                continue
            whole = ((column, _end_to_end(held)) for column, held in parts.items())
            found |= {column: values for column, values in whole if len(values) == rows}
        return found

    def _inputs(self, calls: Sequence[Prediction]) -> Iterator[tuple[RowColumn, NDArray[Any]]]:
        model, settings = calls[0].model, self._settings
        captures = [call.inputs for call in calls if call.inputs is not None]
        coded = settings.row_inputs == CODES
        if not captures or (settings.capture != ALL and not coded):
            return
        bins = self._references.bins(model) if coded else {}
        for block in columns.inputs(model, captures):
            for position, name in enumerate(self._references.named(model, block.names or ())):
                redaction = settings.redaction(name)
                if not settings.is_feature(name, model.id):
                    continue
                if name in bins and settings.is_coded(name):
                    yield RowColumn(CODE, name), bins[name].codes(np.asarray(block.columns[position]))
                elif redaction is HASHED or (redaction is SHOWN and not coded):
                    yield RowColumn(INPUT, name), _redacted(np.array(block.columns[position]), redaction)

    def _outputs(self, calls: Sequence[Prediction]) -> Iterator[tuple[RowColumn, NDArray[Any]]]:
        captures = [call.outputs for call in calls if call.outputs is not None and call.outputs.rows == call.rows]
        if len(captures) == len(calls) and self._settings.output_redaction().shown:
            for column in columns.outputs(calls[0].model, calls[0].operation, captures):
                yield RowColumn(OUTPUT, column.name), np.asarray(column.values)


def id_column(model: ModelFacts, captures: Sequence[Capture]) -> NDArray[Any] | None:
    """The column that identifies rows, in captures of one layout; None where there is none."""
    found = [_column(block, model.id) for block in columns.inputs(model, captures)]
    return _end_to_end(found) if found and all(values is not None for values in found) else None


def _column(block: ColumnBlock, name: str | None) -> Any:
    names = block.names or ()
    return np.array(block.columns[names.index(name)]) if name in names else None


def _layout(capture: Capture | None) -> Any:
    """What captures have in common that can be joined."""
    return None if capture is None else layout_of(capture)


def layout_of(capture: Capture) -> Any:
    """What captures have in common that can be joined."""
    return capture.kind, capture.layout, None if capture.names is None else tuple(capture.names)


def _end_to_end(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    held = list(parts)
    if len(held) == 1:
        return held[0]
    if len({part.dtype.kind for part in held}) == 1:
        return np.concatenate(held)
    return np.concatenate([part.astype(object) for part in held])


def _redacted(values: NDArray[Any], redaction: Redaction) -> NDArray[Any]:
    """The values, or their hashes, as on spans."""
    if redaction.shown:
        return values
    hashes = np.empty(len(values), object)
    hashes[:] = [None if is_missing(value) else hashed(text_of(value)) for value in values.tolist()]
    return hashes

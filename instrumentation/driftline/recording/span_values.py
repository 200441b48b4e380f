"""Example rows as readable span attributes, within the limits on privacy and size."""

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeAlias

from driftline import semconv
from driftline.export.edge_cases import limits, reasons
from driftline.features.blocks import ColumnBlock
from driftline.features.columns import input_names
from driftline.features.first_rows import first_rows, only_row, output_columns
from driftline.records import ModelFacts, Prediction
from driftline.settings import ALL, HIDDEN, Redaction, Settings
from driftline.sketch import hashed
from driftline.sketch.values import is_missing, text_of

_LONGEST_TEXT: Final = 256
"""Maximum bytes of a single string value."""

_NUMBER_BYTES: Final = 8
_INT64: Final = 1 << 63
_MOST_OUTPUTS: Final = 16
_MOST_ATTRIBUTES: Final = 110
"""Maximum number of attributes with values: a span keeps 128, and drops the first ones beyond that."""

_MOST_PLANS: Final = 1000
"""Maximum number of cached feature sets: a program has few, but may generate new ones."""


_ShownColumn: TypeAlias = tuple[str, list[Any]]
"""Name, and values of the first rows as attributes may hold them."""


_NameResolver: TypeAlias = Callable[[ModelFacts, tuple[str, ...]], tuple[str, ...]]


class _ShownFeatures(NamedTuple):
    """Which of some features a span shows: attribute keys, positions, redactions. plain: all of them, unredacted."""

    keys: tuple[str, ...]
    positions: tuple[int, ...]
    redactions: tuple[Redaction, ...]
    plain: bool


class SpanValues:
    """Builds the value attributes of a call, within the byte limit of a span.

    The first row as scalars, outputs before inputs; then the first rows of a batch as arrays, under names of their own:
    each name has one type, as backends of events make a column of it.
    """

    def __init__(self, settings: Settings, named: _NameResolver = lambda _, names: names) -> None:
        """named: the names of inputs by the reference, given the model's."""
        self._settings = settings
        self._below = limits(settings)
        self._named = named
        self._plans: dict[tuple[tuple[str, ...], str | None], _ShownFeatures] = {}

    def of(self, prediction: Prediction, *, inputs_shown: bool = True) -> dict[str, Any]:
        """The attributes of a call. inputs_shown: False leaves out the values of its inputs, and says so."""
        attributes: dict[str, Any] = {}
        outputs = self._outputs(prediction)
        if edge_cases := reasons(outputs, self._below):
            attributes[semconv.EDGE_CASE] = edge_cases
        room = _add_first_row(attributes, semconv.OUTPUT, outputs, self._settings.span_bytes)
        inputs: Sequence[_ShownColumn] = ()
        if not inputs_shown and self._settings.capture == ALL:
            attributes[semconv.INPUTS_OMITTED] = True
        elif prediction.inputs is not None:
            inputs, room = self._add_inputs(attributes, prediction, room)
        if prediction.rows > 1 and semconv.VECTOR_NAMES not in attributes:
            _add_batch(attributes, outputs, inputs, room)
        return attributes

    def _outputs(self, prediction: Prediction) -> list[_ShownColumn]:
        if prediction.outputs is None or not self._settings.output_redaction().shown:
            return []
        rows = self._shown_rows(prediction)
        columns = output_columns(prediction.model, prediction.operation, prediction.outputs, rows)
        return [(column.name, plain(column.values.tolist())) for column in columns[:_MOST_OUTPUTS]]

    def _shown_rows(self, prediction: Prediction) -> int:
        return min(self._settings.span_rows, max(prediction.rows, 1))

    def _add_inputs(
        self, attributes: dict[str, Any], prediction: Prediction, room: int
    ) -> tuple[Sequence[_ShownColumn], int]:
        """Adds the first row; returns the columns of the first rows, and the remaining bytes."""
        assert prediction.inputs is not None
        model, capture = prediction.model, prediction.inputs
        numbers = only_row(model, capture)
        block = first_rows(model, capture, self._shown_rows(prediction)) if numbers is None else None
        width = len(numbers) if numbers is not None else len(block.columns) if block is not None else 0
        names = input_names(model, capture.names, width) if block is None else block.names
        if width:
            attributes[semconv.FEATURE_COUNT] = width
        if names is None or not width or self._settings.capture != ALL:
            return (), room
        names = self._named(model, names)
        plan = self._plan(names, model.id)
        if numbers is not None and plan.plain and width * _NUMBER_BYTES <= room:
            attributes.update(zip(plan.keys, numbers, strict=True))  # the common case, at a tenth of the cost
            if math.isnan(sum(numbers)):
                _drop_missing(attributes, plan.keys)
            return (), room
        if block is None:
            block = first_rows(model, capture, 1)
            assert block is not None
        if width > self._settings.span_features:
            attributes.update(_vector(names, plan, block, room))
            return (), room
        columns = _shown_columns(names, plan, block)
        return columns, _add_first_row(attributes, semconv.INPUT, columns, room)

    def _plan(self, names: tuple[str, ...], id_column: str | None) -> _ShownFeatures:
        plan = self._plans.get((names, id_column))
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[names, id_column] = self._make_plan(names, id_column)
        return plan

    def _make_plan(self, names: tuple[str, ...], id_column: str | None) -> _ShownFeatures:
        settings = self._settings
        known = [
            (position, settings.redaction(name) if settings.is_feature(name, id_column) else HIDDEN)
            for position, name in enumerate(names)
        ]
        shown = [(position, redaction) for position, redaction in known if redaction is not HIDDEN]
        return _ShownFeatures(
            tuple(f"{semconv.INPUT}.{names[position]}" for position, _ in shown),
            tuple(position for position, _ in shown),
            tuple(redaction for _, redaction in shown),
            plain=len(names) <= self._settings.span_features and all(redaction.shown for _, redaction in known),
        )


def _drop_missing(attributes: dict[str, Any], keys: Sequence[str]) -> None:
    for key in keys:
        if math.isnan(attributes[key]):
            del attributes[key]


def _shown_columns(names: tuple[str, ...], plan: _ShownFeatures, block: ColumnBlock) -> list[_ShownColumn]:
    return [
        (names[position], redacted(plain(block.columns[position].tolist()), redaction))
        for position, redaction in zip(plan.positions, plan.redactions, strict=True)
    ]


def _vector(names: tuple[str, ...], plan: _ShownFeatures, block: ColumnBlock, room: int) -> Iterator[tuple[str, Any]]:
    """The first row as two arrays, for too many features for an attribute each."""
    shown: list[str] = []
    values: list[Any] = []
    for position, redaction in zip(plan.positions, plan.redactions, strict=True):
        (value,) = _without_nan(redacted(plain(block.columns[position][:1].tolist()), redaction))
        room -= _size(names[position]) + _size(value)
        if room < 0:
            break
        shown.append(names[position])
        values.append(value)
    if not all(value is None or isinstance(value, float) for value in values):
        values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    if shown:
        yield semconv.VECTOR_NAMES, shown
        yield semconv.VECTOR_VALUES, values


def _add_first_row(attributes: dict[str, Any], prefix: str, columns: Sequence[_ShownColumn], room: int) -> int:
    """Adds the values that are there and fit; returns the remaining bytes."""
    for name, values in columns:
        if values and not _is_missing(values[0]) and (size := _size(values[0])) <= room:
            attributes[f"{prefix}.{name}"] = values[0]
            room -= size
    return room


def _add_batch(
    attributes: dict[str, Any], outputs: Sequence[_ShownColumn], inputs: Sequence[_ShownColumn], room: int
) -> None:
    """Adds as many rows as fit, with all of their columns: fewer rows in full, rather than more with some columns."""
    columns = [
        (f"{prefix}.{name}", same_type(_without_nan(values)))
        for prefix, named in ((semconv.BATCH_OUTPUT, outputs), (semconv.BATCH_INPUT, inputs))
        for name, values in named
    ]
    if len({len(values) for _, values in columns}) != 1:  # outputs that are not one for each row
        return
    row_bytes = accumulate(sum(map(_size, row)) for row in zip(*(values for _, values in columns), strict=True))
    rows = bisect_right(list(row_bytes), room)
    if rows > 1 and len(attributes) + len(columns) <= _MOST_ATTRIBUTES:
        attributes.update((name, values[:rows]) for name, values in columns)


def _without_nan(values: list[Any]) -> list[Any]:
    """JSON has no NaN: backends would drop the whole array."""
    return [None if _is_missing(value) else value for value in values]


def plain(values: list[Any]) -> list[Any]:
    """Convert values to types that attributes may hold: numbers, strings and None."""
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if type(value) in (float, bool):
        return value
    if type(value) is int:
        return value if -_INT64 <= value < _INT64 else _wide(value)
    if isinstance(value, (str, bytes)):
        return _shortened(text_of(value))
    if is_missing(value):
        return None
    return value.isoformat() if isinstance(value, (datetime, date)) else _plain_other(value)


def _plain_other(value: Any) -> Any:
    try:
        item = getattr(value, "item", None)
        return _plain(item() if item is not None and type(value).__module__ == "numpy" else str(value))
    except Exception:  # noqa: BLE001  # values may be anything
        return None


def _wide(value: int) -> Any:
    """An integer that OTLP has no type for, as a float; None beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT // 4 else text.encode()[:_LONGEST_TEXT].decode(errors="ignore")


def redacted(values: list[Any], redaction: Redaction) -> list[Any]:
    """The values, or their hashes."""
    if redaction.shown:
        return values
    return [None if _is_missing(value) else hashed(str(value)) for value in values]


def same_type(values: list[Any]) -> list[Any]:
    """Give an array attribute a single element type: mixed numbers become floats, anything else strings."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float, bool}:
        return [None if value is None else float(value) for value in values]
    return [None if _is_missing(value) else str(value) for value in values]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _size(value: Any) -> int:
    """Approximate bytes on the wire."""
    return len(value.encode()) if isinstance(value, str) else 8

"""Example rows as readable span attributes, within the limits on privacy and size."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from driftline import semconv
from driftline.features.blocks import ColumnBlock
from driftline.features.columns import input_names
from driftline.features.first_rows import first_rows, only_row, output_columns
from driftline.records import NamedColumn, Prediction
from driftline.settings import ALL, HIDDEN, Redaction, Settings
from driftline.sketch import hashed
from driftline.sketch.values import is_missing, text_of

_LONGEST_TEXT: Final = 256
"""Maximum bytes of a single string value."""

_NUMBER_BYTES: Final = 8
_INT64: Final = 1 << 63
_MOST_OUTPUTS: Final = 16
_MOST_PLANS: Final = 1000
"""Maximum number of cached feature sets: a program has few, but may generate new ones."""


class _ShownFeatures(NamedTuple):
    """Which of some features a span shows: attribute keys, positions, redactions. plain: all of them, unredacted."""

    keys: tuple[str, ...]
    positions: tuple[int, ...]
    redactions: tuple[Redaction, ...]
    plain: bool


class SpanValues:
    """Builds the value attributes of a call: outputs first, then inputs, up to the byte limit of a span."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plans: dict[tuple[str, ...], _ShownFeatures] = {}

    def of(self, prediction: Prediction) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        room = self._settings.span_bytes
        if prediction.outputs is not None and self._settings.output_redaction().shown:
            shown = self._shown_rows(prediction)
            columns = output_columns(prediction.model, prediction.operation, prediction.outputs, shown)
            room = _add_outputs(attributes, columns, room, single=prediction.rows == 1)
        if prediction.inputs is not None:
            self._add_inputs(attributes, prediction, room)
        return attributes

    def _shown_rows(self, prediction: Prediction) -> int:
        return min(self._settings.span_rows, max(prediction.rows, 1))

    def _add_inputs(self, attributes: dict[str, Any], prediction: Prediction, room: int) -> None:
        assert prediction.inputs is not None
        model, capture = prediction.model, prediction.inputs
        numbers = only_row(model, capture)
        block = first_rows(model, capture, self._shown_rows(prediction)) if numbers is None else None
        width = len(numbers) if numbers is not None else len(block.columns) if block is not None else 0
        names = input_names(model, capture.names, width) if block is None else block.names
        if width:
            attributes[semconv.FEATURE_COUNT] = width
        if names is None or not width or self._settings.capture != ALL:
            return
        plan = self._plan(names)
        if numbers is not None and plan.plain and width * _NUMBER_BYTES <= room:
            attributes.update(zip(plan.keys, numbers, strict=True))  # the common case, at a tenth of the cost
            return
        if block is None:
            block = first_rows(model, capture, 1)
            assert block is not None
        add = self._vector if width > self._settings.span_features else self._each
        attributes.update(add(names, plan, block, room, single=prediction.rows == 1))

    def _plan(self, names: tuple[str, ...]) -> _ShownFeatures:
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[names] = self._make_plan(names)
        return plan

    def _make_plan(self, names: tuple[str, ...]) -> _ShownFeatures:
        known = [(position, self._settings.redaction(name)) for position, name in enumerate(names)]
        shown = [(position, redaction) for position, redaction in known if redaction is not HIDDEN]
        return _ShownFeatures(
            tuple(f"{semconv.INPUT}.{names[position]}" for position, _ in shown),
            tuple(position for position, _ in shown),
            tuple(redaction for _, redaction in shown),
            plain=len(names) <= self._settings.span_features and all(redaction.shown for _, redaction in known),
        )

    @staticmethod
    def _each(
        names: tuple[str, ...], plan: _ShownFeatures, block: ColumnBlock, room: int, *, single: bool
    ) -> Iterator[tuple[str, Any]]:
        """One attribute per feature: fewer rows in full, rather than more rows with some of the columns."""
        del names
        columns = [
            redacted(plain(block.columns[position].tolist()), redaction)
            for position, redaction in zip(plan.positions, plan.redactions, strict=True)
        ]
        rows = max(1, room // max(1, sum(_size(column[0]) for column in columns)))
        for key, column in zip(plan.keys, columns, strict=True):
            room, value = _fitted(column[:rows], room, single=single)
            if value is not None:
                yield key, value

    @staticmethod
    def _vector(
        names: tuple[str, ...], plan: _ShownFeatures, block: ColumnBlock, room: int, *, single: bool
    ) -> Iterator[tuple[str, Any]]:
        """The first row as two arrays, for too many features for an attribute each."""
        del single
        shown: list[str] = []
        values: list[Any] = []
        for position, redaction in zip(plan.positions, plan.redactions, strict=True):
            (value,) = redacted(plain(block.columns[position][:1].tolist()), redaction)
            room -= _size(names[position]) + _size(value)
            if room < 0:
                break
            shown.append(names[position])
            values.append(value)
        if not all(isinstance(value, float) for value in values):
            values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
        if shown:
            yield semconv.VECTOR_NAMES, shown
            yield semconv.VECTOR_VALUES, values


def _add_outputs(attributes: dict[str, Any], columns: Sequence[NamedColumn], room: int, *, single: bool) -> int:
    """Returns the remaining bytes."""
    for column in columns[:_MOST_OUTPUTS]:
        room, value = _fitted(plain(column.values.tolist()), room, single=single)
        if value is not None:
            attributes[f"{semconv.OUTPUT}.{column.name}"] = value
    return room


def _fitted(values: list[Any], room: int, *, single: bool) -> tuple[int, Any]:
    """The remaining bytes and the attribute value; None if it is empty or does not fit."""
    size = sum(map(_size, values))
    if size > room or not values or values == [None]:
        return room, None
    return room - size, values[0] if single else same_type(values)


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
    """In a column of strings, NaN means the same as None."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _size(value: Any) -> int:
    """Approximate bytes on the wire."""
    return len(value.encode()) if isinstance(value, str) else 8

"""Spans of model calls: whether there is one, and the example rows on it as readable attributes."""

from __future__ import annotations  # numpy is only loaded once there is a row

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from driftline import semconv
from driftline.settings import HIDDEN, Secrecy, Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from driftline.columns import Block
    from driftline.prediction import Column, Model, Prediction

_NEVER: Final = "AlwaysOffSampler"
_LONGEST_TEXT: Final = 256
"""Bytes of one text value."""


class SpanSource:
    """Starts the span of a call, unless it is known beforehand that nobody will record one.

    An unsampled span costs half of a recorded one. Children of a span that is not sampled need none of ours in between.
    """

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._given = provider
        self._tracer: trace.Tracer | None = None
        self._never_as_root = self._never_below_unsampled = False

    def start(self, model: Model, operation: str, context: Context) -> trace.Span | None:
        """A recording span, not yet the current one; None where nothing is recorded."""
        tracer = self._tracer or self._find_tracer()
        if tracer is None:
            return None
        parent = trace.get_current_span(context).get_span_context()
        sampled_parent = parent.is_valid and parent.trace_flags.sampled
        never = self._never_below_unsampled if parent.is_valid else self._never_as_root
        if never and not sampled_parent:
            return None
        return tracer.start_span(f"{operation} {model.name}", context, attributes=static_attributes(model, operation))

    def _find_tracer(self) -> trace.Tracer | None:
        provider = self._given or trace.get_tracer_provider()
        if self._given is None and isinstance(provider, trace.ProxyTracerProvider):
            return None  # there may be one later
        self._tracer = trace.get_tracer(semconv.SCOPE, tracer_provider=provider)
        if isinstance(provider, TracerProvider):
            sampler = provider.sampler.get_description()
            always_off = sampler == _NEVER
            self._never_as_root = always_off or sampler.startswith(f"ParentBased{{root:{_NEVER},")
            self._never_below_unsampled = always_off or (
                f"remoteParentNotSampled:{_NEVER}" in sampler and f"localParentNotSampled:{_NEVER}" in sampler
            )
        return self._tracer


def static_attributes(model: Model, operation: str) -> dict[str, Any]:
    """What is the same for every call of an operation of a model."""
    attributes = {
        semconv.MODEL_NAME: model.name,
        semconv.MODEL_TYPE: model.type,
        semconv.SYSTEM_NAME: model.system,
        semconv.OPERATION_NAME: operation,
        semconv.MODEL_VERSION: model.version,
        semconv.TASK: model.task,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def content(settings: Settings, prediction: Prediction) -> dict[str, Any]:
    """Attributes with the values of the first rows, as far as they may be shown and fit on a span."""
    return dict(_Content(settings, prediction).attributes())


class _Content:
    """Fills the bytes of a span: outputs first, then inputs, column by column."""

    def __init__(self, settings: Settings, prediction: Prediction) -> None:
        self._settings = settings
        self._prediction = prediction
        self._room = settings.span_bytes
        self._shown_rows = min(settings.span_rows, max(prediction.rows, 1))

    def attributes(self) -> Iterator[tuple[str, Any]]:
        from driftline.rows import first_rows, output_columns

        model = self._prediction.model
        if self._settings.output_secrecy().shown and self._prediction.outputs is not None:
            columns = output_columns(model, self._prediction.operation, self._prediction.outputs, self._shown_rows)
            yield from self._outputs(columns)
        if self._prediction.inputs is None:
            return
        block = first_rows(self._prediction.inputs, self._shown_rows)
        if block is None:
            return
        yield semconv.FEATURE_COUNT, len(block.columns)
        if self._settings.capture == "all":
            yield from self._inputs(model, block)

    def _outputs(self, columns: Sequence[Column]) -> Iterator[tuple[str, Any]]:
        for column in columns[:16]:
            values = self._fitting(plain(column.values.tolist()))
            if values is not None:
                yield f"{semconv.OUTPUT}.{column.name}", values

    def _inputs(self, model: Model, block: Block) -> Iterator[tuple[str, Any]]:
        from driftline.aggregate import input_names

        names = input_names(model, block)
        if names is None:
            return
        if len(names) > self._settings.span_features:
            yield from self._vector(names, block)
            return
        rows = self._rows_that_fit(names, block)
        for name, column in zip(names, block.columns, strict=True):
            secrecy = self._settings.secrecy(name)
            if secrecy is HIDDEN:
                continue
            values = self._fitting(veiled(plain(column[:rows].tolist()), secrecy))
            if values is not None:
                yield f"{semconv.INPUT}.{name}", values

    def _rows_that_fit(self, names: Sequence[str], block: Block) -> int:
        """Whole rows rather than some columns of many rows."""
        shown = [c for name, c in zip(names, block.columns, strict=True) if self._settings.secrecy(name) is not HIDDEN]
        a_row = sum(_size(value) for column in shown for value in plain(column[:1].tolist()))
        return max(1, min(block.rows, self._room // max(a_row, 1)))

    def _vector(self, names: Sequence[str], block: Block) -> Iterator[tuple[str, Any]]:
        """The first row as two arrays: there are too many features for an attribute each."""
        shown: list[str] = []
        values: list[Any] = []
        for name, column in zip(names, block.columns, strict=True):
            secrecy = self._settings.secrecy(name)
            if secrecy is HIDDEN:
                continue
            (value,) = veiled(plain(column[:1].tolist()), secrecy)
            self._room -= _size(name) + _size(value)
            if self._room < 0:
                break
            shown.append(name)
            values.append(value)
        if not all(isinstance(value, float) for value in values):
            values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
        if shown:
            yield semconv.VECTOR_NAMES, shown
            yield semconv.VECTOR_VALUES, values

    def _fitting(self, values: list[Any]) -> Any:
        """The values, one of them as a scalar; None where there is nothing to say or no room left."""
        size = sum(map(_size, values))
        if size > self._room or not values or values == [None]:
            return None
        self._room -= size
        if self._prediction.rows == 1:
            return values[0]
        return same_type(values)


def plain(values: list[Any]) -> list[Any]:
    """Numbers, texts and None, as attributes may hold them."""
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if type(value) in (float, int, bool):
        return value
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT // 4 else value.encode()[:_LONGEST_TEXT].decode(errors="ignore")
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    item = getattr(value, "item", None)
    return _plain(item()) if item is not None and type(value).__module__ == "numpy" else _plain(str(value))


def veiled(values: list[Any], secrecy: Secrecy) -> list[Any]:
    """The values themselves, or what stands for them."""
    if secrecy.shown:
        return values
    from driftline.sketch import hashed

    return [None if value is None else hashed(str(value)) for value in values]


def same_type(values: list[Any]) -> list[Any]:
    """The elements of an array attribute are of one type: mixed numbers become floats, anything else texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float, bool}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _size(value: Any) -> int:
    """Bytes on the wire, about."""
    return len(value.encode()) if isinstance(value, str) else 8

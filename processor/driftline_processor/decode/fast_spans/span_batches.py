"""Batches of spans → records: the layout of one span after another is tried on all spans left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Final

import numpy as np

from driftline import semconv
from driftline.sketch.arrays import FloatArray
from driftline_processor.decode.fast_spans.span_columns import FixedRun, MatchedSpans
from driftline_processor.decode.fast_spans.span_layout import SpanLayout, UnsupportedLayout, ValueSlot, span_layout
from driftline_processor.decode.otlp_values import MAX_TIME, short_text
from driftline_processor.decode.sampling import sampling_weight
from driftline_processor.decode.spans import (
    ResourceKey,
    column_of_attribute,
    read_sketched_span,
    read_span,
    vector_columns,
)
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import ColumnKey, ColumnValues, ExampleRows, Scalar

MIN_SPANS: Final = 16
"""Fewer spans are read faster one by one than by finding their layout."""

SPANS_AT_ONCE: Final = 1024
"""Spans read together: one or two megabytes, which fit a CPU cache."""

MAX_LAYOUTS: Final = 8
"""Layouts tried on the spans of a request."""


def read_batches(
    spans: Sequence[bytes],
    resource: ResourceKey,
    sketched: list[ExampleRows] | None = None,
    limits: Limits = LIMITS,
) -> tuple[list[ExampleRows], list[bytes]]:
    """Reads the spans that share a layout with others.

    Args:
        spans: Serialized spans of one resource.
        resource: What results keep of that resource.
        sketched: Receives the rows of spans that sketches have counted already.
        limits: For names and texts; spans that exceed one are left.

    Returns:
        The records, and the spans still to be read one by one.

    Raises:
        Malformed: A sample is no serialized span.

    """
    records: list[ExampleRows] = []
    apart = [] if sketched is None else sketched
    others: list[bytes] = []
    readers: list[_LayoutReader] = []
    layouts_left = MAX_LAYOUTS
    for begin in range(0, len(spans), SPANS_AT_ONCE):
        left = spans[begin : begin + SPANS_AT_ONCE]
        for reader in readers:
            left = reader.read(left, records, apart)
        while len(left) >= MIN_SPANS and layouts_left:
            layouts_left -= 1
            try:
                readers.append(_LayoutReader(left[0], resource, limits))
            except UnsupportedLayout:
                others.append(left[0])
                left = left[1:]
            else:
                left = readers[-1].read(left, records, apart)
        others += left
    return records, others


class _LayoutReader:
    """Reads spans with the layout of a sample. Raises UnsupportedLayout, also for a sample that breaks a rule."""

    def __init__(self, sample: bytes, resource: ResourceKey, limits: Limits) -> None:
        record = read_span(sample, resource, limits)
        if isinstance(record, str) or (record is not None and not record.rows):
            raise UnsupportedLayout
        self._is_sketched = record is None
        record = read_sketched_span(sample, resource, limits) if record is None else record
        self._layout, self._longest = span_layout(sample), limits.value
        self._runs = [FixedRun(self._layout, span_range) for span_range in self._layout.runs()]
        self._record = record  # None: spans of this layout are skipped
        self._columns = dict(_columns(self._layout)) if record is not None else {}

    def read(self, spans: Sequence[bytes], records: list[ExampleRows], sketched: list[ExampleRows]) -> Sequence[bytes]:
        """Adds the record of the matching spans to one of the two; returns the others."""
        if not spans:
            return spans
        found = MatchedSpans(self._layout, self._runs, spans)
        found.leave_longer_texts(self._longest)
        if not found.matching.any():
            return spans
        if self._record is not None:
            keys, times = found.keys(), found.times()
            found.matching &= keys.any(axis=1) & (times > 0) & (times <= MAX_TIME)
        try:
            texts = found.texts()
        except UnicodeDecodeError:
            return spans
        chosen = found.matching
        if self._record is not None and chosen.any():
            (sketched if self._is_sketched else records).append(
                replace(
                    self._record,
                    keys=tuple(keys[chosen].view("V24")[:, 0].tolist()),
                    times=times[chosen].astype(np.int64),
                    weights=self._weights(texts, int(chosen.sum())),
                    columns={column: _values(found, slots, texts) for column, slots in self._columns.items()},
                )
            )
        return list(compress(spans, ~chosen))

    def _weights(self, texts: Mapping[ValueSlot, list[str]], spans: int) -> FloatArray:
        state = self._layout.state
        return np.array([sampling_weight(text) for text in texts[state]]) if state is not None else np.ones(spans)


def _columns(layout: SpanLayout) -> Iterator[tuple[ColumnKey, Sequence[ValueSlot]]]:
    held = [(found, slots) for name, slots in layout.values.items() if (found := column_of_attribute(name))]
    batch = any(found.batch for found, _ in held)
    yield from ((found.column, slots) for found, slots in held if found.batch == batch)
    for column, slot in zip(vector_columns(layout.sample), layout.values.get(semconv.VECTOR_VALUES, ()), strict=False):
        yield column, (slot,)


def _values(found: MatchedSpans, slots: Sequence[ValueSlot], texts: Mapping[ValueSlot, list[str]]) -> ColumnValues:
    """The values of a column, span by span: numbers as one array, anything else as plain values."""
    if not any(slot in texts for slot in slots):
        rows = [found.numbers(slot) for slot in slots]
        return rows[0] if len(rows) == 1 else np.stack(rows, axis=1).ravel()
    plain = [list(map(short_text, texts.get(slot, ()))) or _or_none(found.numbers(slot)) for slot in slots]
    return [value for span in zip(*plain, strict=True) for value in span]


def _or_none(numbers: FloatArray) -> list[Scalar]:
    return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124  (NaN)

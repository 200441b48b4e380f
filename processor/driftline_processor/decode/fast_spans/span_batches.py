"""Spans of few layouts → few records: the layout of one span after the other is tried on all that are left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Final

import numpy as np

from driftline import semconv
from driftline.sketch.arrays import FloatArray
from driftline_processor.decode.fast_spans.span_columns import Gathered, Run
from driftline_processor.decode.fast_spans.span_layout import Layout, Place, Unlike, layout_of
from driftline_processor.decode.otlp_values import MAX_TIME
from driftline_processor.decode.sampling import weight
from driftline_processor.decode.spans import Resource, column_in, read_span, vector_columns
from driftline_processor.records import ColumnKey, ExampleRows, Scalar, Values

FEW: Final = 16
"""Spans that are read one by one in less time than it takes to find out their layout."""

AT_ONCE: Final = 1024
"""Spans that are read together: a megabyte or two, which a processor's cache can hold."""

TRIES: Final = 8
"""Layouts that are tried on the spans of a request."""


def read_alike(spans: Sequence[bytes], resource: Resource) -> tuple[list[ExampleRows], list[bytes]]:
    """The records of spans that have a layout in common, and the spans that are still to be read.

    Raises:
        Malformed: a span is not the bytes of one.

    """
    records: list[ExampleRows] = []
    others: list[bytes] = []
    readers: list[_Reader] = []
    tries = TRIES
    for begin in range(0, len(spans), AT_ONCE):
        left = spans[begin : begin + AT_ONCE]
        for reader in readers:
            left = reader.read(left, records)
        while len(left) >= FEW and tries:
            tries -= 1
            try:
                readers.append(_Reader(left[0], resource))
            except Unlike:
                others.append(left[0])
                left = left[1:]
            else:
                left = readers[-1].read(left, records)
        others += left
    return records, others


class _Reader:
    """Reads the spans that are like a sample. Raises Unlike, as for one that breaks a rule."""

    def __init__(self, sample: bytes, resource: Resource) -> None:
        record = read_span(sample, resource)
        if isinstance(record, str) or (record is not None and not record.rows):
            raise Unlike
        self._layout = layout_of(sample)
        self._runs = [Run(self._layout, stretch) for stretch in self._layout.runs()]
        self._record = record  # None: spans like this are passed over
        self._columns = dict(_columns(self._layout)) if record is not None else {}

    def read(self, spans: Sequence[bytes], records: list[ExampleRows]) -> Sequence[bytes]:
        """Adds the record of those that are alike; the others are left."""
        if not spans:
            return spans
        found = Gathered(self._layout, self._runs, spans)
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
            records.append(
                replace(
                    self._record,
                    keys=tuple(keys[chosen].view("V24")[:, 0].tolist()),
                    times=times[chosen].astype(np.int64),
                    weights=self._weights(texts, int(chosen.sum())),
                    columns={column: _values(found, places, texts) for column, places in self._columns.items()},
                )
            )
        return list(compress(spans, ~chosen))

    def _weights(self, texts: Mapping[Place, list[str]], spans: int) -> FloatArray:
        state = self._layout.state
        return np.array([weight(text) for text in texts[state]]) if state is not None else np.ones(spans)


def _columns(layout: Layout) -> Iterator[tuple[ColumnKey, Sequence[Place]]]:
    for name, places in layout.values.items():
        column = column_in(name)
        if column is not None:
            yield column, places
    for column, place in zip(vector_columns(layout.sample), layout.values.get(semconv.VECTOR_VALUES, ()), strict=False):
        yield column, (place,)


def _values(found: Gathered, places: Sequence[Place], texts: Mapping[Place, list[str]]) -> Values:
    """Of a column, span by span: numbers as one array, anything else as plain values."""
    if not any(place in texts for place in places):
        rows = [found.numbers(place) for place in places]
        return rows[0] if len(rows) == 1 else np.stack(rows, axis=1).ravel()
    plain = [texts.get(place) or _or_none(found.numbers(place)) for place in places]
    return [value for span in zip(*plain, strict=True) for value in span]


def _or_none(numbers: FloatArray) -> list[Scalar]:
    return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124  (NaN)

"""A pane as bytes, and back: in snapshots, and in memory once no window is expected to need it again."""

import zlib
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgpack

from driftline.semconv import TARGET_INPUT
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.engine.pane import OperationColumn, Pane, SpanRows
from driftline_processor.engine.summary_ops import pack_summary, unpack_summary
from driftline_processor.records import ColumnKey, ColumnSummary

_FASTEST: Final = 1

Summaries: TypeAlias = Mapping[OperationColumn, ColumnSummary]
"""Of a pane: `Pane.summaries`, which costs more than all else here."""


def store_pane(pane: Pane) -> bytes:
    """An eighth of what it takes as plain values."""
    summaries = pane.summaries()
    parts = pack_pane(pane, summaries), pack_span_rows(pane), pack_decimals(summaries)
    return zlib.compress(msgpack.packb(parts), _FASTEST)


def restore_pane(stored: bytes) -> Pane:
    packed, span_rows, decimals = msgpack.unpackb(zlib.decompress(stored), strict_map_key=False, use_list=False)
    pane = unpack_pane(packed)
    if span_rows is not None:
        unpack_span_rows(pane, *span_rows)
    unpack_decimals(pane, decimals)
    return pane


def pack_pane(pane: Pane, summaries: Summaries) -> tuple[Any, ...]:
    """Plain values for MessagePack, without decimals, and what spans hold that no sketch counts."""
    parts = [((_pack_column(c.column), c.operation), pack_summary(held)) for c, held in summaries.items()]
    return (parts, pane.rows, pane.traces, *([pane.hours] if pane.hours else []))


def unpack_pane(packed: tuple[Any, ...]) -> Pane:
    parts, rows, *later = packed  # earlier versions keep no traces, or no hours
    traces, hours = (*later, [], {})[:2] if later else ([], {})
    accumulators = {
        OperationColumn(ColumnKey(*column), operation): Accumulator(
            unpack_summary(held), decimals=column[0] == TARGET_INPUT
        )
        for (column, operation), held in parts
    }
    return Pane(accumulators, rows=dict(rows), hours=dict(hours), traces=list(traces))


def pack_decimals(summaries: Summaries) -> list[tuple[Any, ...]]:
    """Rows by decimals of a pane's columns that have some, which earlier versions did not count."""
    held = [(_pack_column(c.column), c.operation, dict(each.decimals)) for c, each in summaries.items()]
    return [packed for packed in held if packed[-1]]


def unpack_decimals(pane: Pane, packed: Any) -> None:
    for column, operation, rows in packed:
        held = pane.accumulators[OperationColumn(ColumnKey(*column), operation)]
        for level, each in rows.items():
            held.add_decimals(level, each)


def pack_span_rows(pane: Pane) -> tuple[Any, ...] | None:
    """What it holds of spans that no sketch counts; None where there are none."""
    if not pane.span_rows:
        return None
    columns = [(_pack_column(key.column), key.operation, rows) for key, rows in pane.span_columns.items()]
    return dict(pane.span_rows), columns


def unpack_span_rows(pane: Pane, rows: Any, columns: Any) -> None:
    pane.span_rows = {operation: SpanRows(*each) for operation, each in dict(rows).items()}
    pane.span_columns = {
        OperationColumn(ColumnKey(*column), operation): SpanRows(*each) for column, operation, each in columns
    }


def _pack_column(column: ColumnKey) -> tuple[str, str]:
    return column.target, column.name

"""Trace requests → records: the rows of spans that are not sketched already, and apart from them of some that are.

Reading attributes through protobuf objects costs twenty times as much as parsing, so spans of one layout are read
together and only the others go through protobuf one by one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from driftline.sketch.identity import digest
from driftline_processor.decode.fast_spans.span_batches import read_batches
from driftline_processor.decode.fast_spans.trace_envelope import TraceRequestEnvelope
from driftline_processor.decode.otlp_values import Rejections, kept_resource, labels, parsed, resource_error
from driftline_processor.decode.spans import ResourceKey, read_sketched_span, read_span
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Batch, ExampleRows

MAX_SKETCHED: Final = 32
"""Spans that sketches have counted and that are read one by one, of a request: more would tell little more."""


def decode_traces(data: bytes, limits: Limits = LIMITS, tenant: str = "") -> Batch:
    """The records of an ExportTraceServiceRequest; spans that are no model calls are skipped.

    Args:
        data: The bytes.
        limits: What names and values may be.
        tenant: Who sent them, by its credential.

    Raises:
        Malformed: The bytes are no such request.

    """
    rejections = Rejections()
    spans: dict[ResourceKey, list[bytes]] = {}
    senders: dict[ResourceKey, dict[bytes, None]] = {}
    for resource_spans in parsed(TraceRequestEnvelope, data).resource_spans:
        resource = kept_resource(labels(resource_spans.resource.attributes), tenant)
        if wrong := resource_error(resource, limits):
            rejections.add(wrong, sum(len(scope_spans.spans) for scope_spans in resource_spans.scope_spans))
            continue
        senders.setdefault(resource, {})[digest(resource_spans.resource.SerializeToString())] = None
        held = spans.setdefault(resource, [])
        for scope_spans in resource_spans.scope_spans:
            held += scope_spans.spans
    sketched: list[ExampleRows] = []
    records = [
        replace(record, senders=tuple(senders[resource]))
        for resource, held in spans.items()
        for record in _records(held, resource, sketched, rejections, limits)
    ]
    return Batch(tuple(records), rejections.total(), tuple(sketched))


def _records(
    spans: Sequence[bytes],
    resource: ResourceKey,
    sketched: list[ExampleRows],
    rejections: Rejections,
    limits: Limits,
) -> list[ExampleRows]:
    records, others = read_batches(spans, resource, sketched, limits)
    left = MAX_SKETCHED
    for data in others:
        record = read_span(data, resource, limits)
        if isinstance(record, str):
            rejections.add(record)
        elif record is not None:
            records += [record] if record.rows else []
        elif left and (shown := read_sketched_span(data, resource, limits)) is not None:
            sketched.append(shown)
            left -= 1
    return records

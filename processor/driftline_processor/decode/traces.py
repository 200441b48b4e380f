"""Trace requests → records: the example rows of spans that no sketch has counted.

Looking at attributes of protobuf objects costs twenty times what parsing does. So spans of one layout are read
together, and only one that is like few others goes through protobuf, alone.
"""

from collections.abc import Sequence

from driftline_processor.decode.fast_spans.span_batches import read_alike
from driftline_processor.decode.fast_spans.trace_envelope import ExportTraceServiceRequest
from driftline_processor.decode.otlp_values import Rejections, kept_resource, labels, parsed
from driftline_processor.decode.spans import Resource, read_span
from driftline_processor.records import Batch, ExampleRows


def decode_traces(data: bytes) -> Batch:
    """The records of an ExportTraceServiceRequest; spans that are no model calls, or sketched already, are passed over.

    Raises:
        Malformed: these are not the bytes of one.

    """
    rejections = Rejections()
    spans: dict[Resource, list[bytes]] = {}
    for resource_spans in parsed(ExportTraceServiceRequest, data).resource_spans:
        held = spans.setdefault(kept_resource(labels(resource_spans.resource.attributes)), [])
        for scope_spans in resource_spans.scope_spans:
            held += scope_spans.spans
    records = [record for resource, held in spans.items() for record in _records(held, resource, rejections)]
    return Batch(tuple(records), rejections.total())


def _records(spans: Sequence[bytes], resource: Resource, rejections: Rejections) -> list[ExampleRows]:
    records, others = read_alike(spans, resource)
    for data in others:
        record = read_span(data, resource)
        if isinstance(record, str):
            rejections.add(record)
        elif record is not None and record.rows:
            records.append(record)
    return records

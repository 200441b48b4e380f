"""Log requests → records: row batches and outcomes. Other log records are none of ours, and are skipped."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline import semconv
from driftline.outcomes.event import is_outcome
from driftline.rows.otlp import is_batch, read_batch
from driftline_processor.decode.otlp_values import Rejections, kept_resource, labels, parsed, resource_error
from driftline_processor.decode.outcomes import read_outcomes
from driftline_processor.decode.spans import ResourceKey
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Batch, ModelKey, ModelRows, SaidOutcomes


def decode_logs(data: bytes, limits: Limits = LIMITS, tenant: str = "") -> Batch:
    """The records of an ExportLogsServiceRequest. A batch that is damaged is rejected, and costs no other.

    Args:
        data: The bytes.
        limits: What names may be.
        tenant: Who sent them, by its credential.

    Raises:
        Malformed: The bytes are no such request.

    """
    rejections = Rejections()
    records: list[ModelRows | SaidOutcomes] = []
    for resource_logs in parsed(ExportLogsServiceRequest, data).resource_logs:
        logs = [log for scope in resource_logs.scope_logs for log in scope.log_records]
        batches, said = list(filter(is_batch, logs)), list(filter(is_outcome, logs))
        resource = kept_resource(labels(resource_logs.resource.attributes), tenant) if batches or said else ()
        if wrong := resource_error(resource, limits):
            rejections.add(wrong, len(batches) + len(said))
            continue
        if outcomes := read_outcomes(said, limits, rejections):
            records.append(SaidOutcomes(outcomes, resource))
        for log in batches:
            found = _read(log, resource, limits)
            if isinstance(found, str):
                rejections.add(found)
            else:
                records.append(found)
    return Batch(tuple(records), rejections.total())


def _read(log: Any, resource: ResourceKey, limits: Limits) -> ModelRows | str:
    """The batch in a log record, or why it cannot be used."""
    try:
        sent = read_batch(log, limits.name)
    except ValueError as error:
        return f"{semconv.ROWS_EVENT}: {error}"
    return ModelRows(ModelKey(sent.model, sent.version, resource), sent.operation, sent.batch)

"""Changes of incidents and alarms → OTLP log records, each with the resource of the service that it is about.

Everything in a record comes from the window, its times too: what is said again after a crash is the same to the byte,
and `log.record.uid` tells a backend so.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from driftline_processor.encode.alarm_events import alarm_record
from driftline_processor.encode.gauges import INSTRUMENTATION_SCOPE
from driftline_processor.encode.incident_events import incident_record
from driftline_processor.records import WindowResult

RECORDS_A_REQUEST: Final = 1_000
"""Some 1 MB."""


def encode_events(results: Iterable[WindowResult]) -> list[list[ReadableLogRecord]]:
    """The events of some windows, in requests of at most RECORDS_A_REQUEST."""
    records = list(_records(results))
    return [records[at : at + RECORDS_A_REQUEST] for at in range(0, len(records), RECORDS_A_REQUEST)]


def _records(results: Iterable[WindowResult]) -> Iterator[ReadableLogRecord]:
    """Of each window the incident first: it is what one pages on."""
    for result in results:
        resource = Resource(dict(result.model.resource))
        for incident in result.incidents:
            yield ReadableLogRecord(incident_record(incident, result), resource, INSTRUMENTATION_SCOPE)
        for alarm in result.alarms:
            yield ReadableLogRecord(alarm_record(alarm, result), resource, INSTRUMENTATION_SCOPE)

"""A change of an incident → an OTLP log record with an event name. That it opens is the one event to page on."""

from collections.abc import Mapping
from typing import Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.util.types import AnyValue

from driftline import semconv
from driftline_processor.encode.gauges import call_context, model_attributes
from driftline_processor.records import AlarmChange, IncidentEvent, WindowResult

SEVERITIES: Final[Mapping[AlarmChange, SeverityNumber]] = {
    AlarmChange.OPENED: SeverityNumber.WARN,
    AlarmChange.UPDATED: SeverityNumber.INFO,
    AlarmChange.CLOSED: SeverityNumber.INFO,
}

MOST_COLUMNS: Final = 100
"""Columns that an event names; it counts all."""


def incident_record(event: IncidentEvent, result: WindowResult) -> LogRecord:
    severity = SEVERITIES[event.change]
    return LogRecord(
        timestamp=event.time,
        observed_timestamp=event.time,
        **call_context(event),
        severity_number=severity,
        severity_text=severity.name,
        body=event.summary,
        attributes=_attributes(event, result),
        event_name=semconv.INCIDENT_EVENTS[event.change.value],
    )


def _attributes(event: IncidentEvent, result: WindowResult) -> dict[str, AnyValue]:
    named = event.columns[:MOST_COLUMNS]
    traces = {semconv.ALARM_TRACES: event.traces} if event.traces else {}
    return {
        semconv.EVENT_NAME: semconv.INCIDENT_EVENTS[event.change.value],
        **model_attributes(result),
        semconv.RECORD_UID: f"{event.id}-{event.change.value}-{event.time}",
        semconv.INCIDENT_ID: event.id,
        semconv.INCIDENT_START: event.opened / 1e9,
        semconv.INCIDENT_COLUMN_COUNT: 0 if event.change is AlarmChange.CLOSED else len(event.columns),
        semconv.INCIDENT_COLUMNS: [column.name for column in named],
        semconv.INCIDENT_TARGETS: [column.target for column in named],
        semconv.WINDOW_START: result.window.start / 1e9,
        semconv.WINDOW_END: result.window.end / 1e9,
        **traces,
    }

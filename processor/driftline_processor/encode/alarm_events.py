"""A change of an alarm → an OTLP log record with an event name."""

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.util.types import AnyValue

from driftline import semconv
from driftline_processor.encode.gauges import call_context, column_attributes
from driftline_processor.records import AlarmEvent, WindowResult
from driftline_processor.verdicts.fields import fields
from driftline_processor.verdicts.verdict import Verdict


def alarm_record(event: AlarmEvent, result: WindowResult) -> LogRecord:
    """Never a warning: the incident that the alarm is part of is one."""
    return LogRecord(
        timestamp=event.time,
        observed_timestamp=event.time,
        **call_context(event),
        severity_number=SeverityNumber.INFO,
        severity_text=SeverityNumber.INFO.name,
        body=event.summary,
        attributes=_attributes(event, result),
        event_name=semconv.ALARM_EVENTS[event.change.value],
    )


def _attributes(event: AlarmEvent, result: WindowResult) -> dict[str, AnyValue]:
    verdict = event.verdict
    numbers = {
        semconv.DRIFT_DISTANCE: verdict.distance,
        semconv.DRIFT_LOWER_BOUND: verdict.lower_bound,
        semconv.DRIFT_TOLERANCE: verdict.tolerance,
        semconv.WINDOW_START: min(result.window.start, result.window.end - verdict.duration) / 1e9,
        semconv.WINDOW_END: result.window.end / 1e9,
    }
    known = {
        semconv.DRIFT_EVENT: verdict.sentence,
        semconv.ALARM_TRACES: event.traces,
        semconv.INCIDENT_ID: event.incident,
    }
    return {
        semconv.EVENT_NAME: semconv.ALARM_EVENTS[event.change.value],
        **column_attributes(result, event.column),
        semconv.RECORD_UID: f"{event.id}-{event.change.value}-{event.time}",
        semconv.ALARM_ID: event.id,
        semconv.ALARM_START: event.opened / 1e9,
        semconv.DRIFT_ASPECT: verdict.aspect,
        **numbers,
        **_reasons(verdict),
        **{name: value for name, value in known.items() if value},
    }


def _reasons(verdict: Verdict) -> dict[str, AnyValue]:
    """The kinds of all reasons, and the fields of the first one of each kind: an attribute has one type and value."""
    known = [fields(reason) for reason in verdict.reasons]
    first = {each["kind"]: each for each in reversed(known)}
    kinds = {semconv.DRIFT_REASONS: [each["kind"] for each in known]} if known else {}
    named = semconv.REASON_ATTRIBUTES.items()
    return kinds | {name: first[kind][field] for (kind, field), name in named if field in first.get(kind, ())}

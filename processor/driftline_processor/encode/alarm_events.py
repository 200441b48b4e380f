"""Changes of alarms → OTLP log records with an event name, each with the resource of the service that it is about.

Everything in a record comes from the window, its times too: what is said again after a crash is the same to the byte,
and `log.record.uid` tells a backend so.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AnyValue

from driftline import semconv
from driftline_processor.encode.gauges import INSTRUMENTATION_SCOPE, column_attributes
from driftline_processor.records import AlarmChange, AlarmEvent, WindowResult
from driftline_processor.verdicts.fields import fields
from driftline_processor.verdicts.verdict import Verdict

SEVERITIES: Final[Mapping[AlarmChange, SeverityNumber]] = {
    AlarmChange.OPENED: SeverityNumber.WARN,
    AlarmChange.UPDATED: SeverityNumber.INFO,
    AlarmChange.CLOSED: SeverityNumber.INFO,
}

RECORDS_A_REQUEST: Final = 1_000
"""Some 1 MB."""


def encode_events(results: Iterable[WindowResult]) -> list[list[ReadableLogRecord]]:
    """The events of some windows, in requests of at most RECORDS_A_REQUEST."""
    records = list(_records(results))
    return [records[at : at + RECORDS_A_REQUEST] for at in range(0, len(records), RECORDS_A_REQUEST)]


def _records(results: Iterable[WindowResult]) -> Iterator[ReadableLogRecord]:
    for result in results:
        for event in result.alarms:
            resource = Resource(dict(event.model.resource))
            yield ReadableLogRecord(_record(event, result), resource, INSTRUMENTATION_SCOPE)


def _record(event: AlarmEvent, result: WindowResult) -> LogRecord:
    severity = SEVERITIES[event.change]
    return LogRecord(
        timestamp=event.time,
        observed_timestamp=event.time,
        severity_number=severity,
        severity_text=severity.name,
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
    known = {semconv.DRIFT_EVENT: verdict.sentence, semconv.ALARM_TRACES: event.traces}
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

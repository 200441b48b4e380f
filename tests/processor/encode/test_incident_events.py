"""Changes of incidents to OTLP log records: the one event to page on."""

from dataclasses import replace

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline.semconv import TERMS
from driftline_processor.encode.events import encode_events
from driftline_processor.encode.incident_events import MOST_COLUMNS
from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    IncidentEvent,
    ModelKey,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.verdict import State, Verdict
from otlp_sink import plain

SECOND = 10**9
SHOP = (("deployment.environment.name", "prod"), ("service.name", "shop"))
MODEL = ModelKey("churn", "7", SHOP)
COLUMNS = (ColumnKey("input", "age"), ColumnKey("output", "score"))
EVENT = IncidentEvent("2e", AlarmChange.OPENED, MODEL, 30 * SECOND, 60 * SECOND, COLUMNS, "They moved.", ("ab",))
RESULT = WindowResult(MODEL, Window(50 * SECOND, 60 * SECOND), 9.0, "abc", False, ())


def records(result: WindowResult) -> list[LogRecord]:
    (request,) = encode_events([result])
    return list(encode_logs(request).resource_logs[0].scope_logs[0].log_records)


def record(event: IncidentEvent) -> LogRecord:
    (sent,) = records(replace(RESULT, incidents=(event,)))
    return sent


def test_a_record_says_all_of_a_change() -> None:
    """Event name, times, the sentence, and its columns."""
    sent = record(EVENT)

    assert (sent.event_name, sent.body.string_value) == ("ml.incident.opened", "They moved.")
    assert sent.time_unix_nano == sent.observed_time_unix_nano == 60 * SECOND
    assert plain(sent.attributes) == {
        **dict(SHOP),
        "event.name": "ml.incident.opened",
        "ml.model.name": "churn",
        "ml.model.version": "7",
        "ml.reference.provisional": False,
        "log.record.uid": "2e-opened-60000000000",
        "ml.incident.id": "2e",
        "ml.incident.start": 30.0,
        "ml.incident.column.count": 2,
        "ml.incident.columns": ["age", "score"],
        "ml.incident.targets": ["input", "output"],
        "ml.alarm.traces": ["ab"],
        "ml.drift.window.start": 50.0,
        "ml.drift.window.end": 60.0,
    }


def test_a_record_has_the_context_of_the_first_call() -> None:
    """As that of an alarm."""
    sent = record(replace(EVENT, traces=("0af7651916cd43dd8448eb211c80319c",), span="b7ad6b7169203331"))

    assert (sent.trace_id.hex(), sent.span_id.hex()) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def test_names_and_severities_of_changes() -> None:
    """Only what opens is a warning; each change has a name of its own, which the documentation explains."""
    sent = [record(replace(EVENT, change=change)) for change in AlarmChange]

    assert [(each.event_name, each.severity_text) for each in sent] == [
        ("ml.incident.opened", "WARN"),
        ("ml.incident.updated", "INFO"),
        ("ml.incident.closed", "INFO"),
    ]
    assert {each.event_name for each in sent} <= {term.name for term in TERMS}


def test_a_closed_one_has_no_column_in_alarm() -> None:
    """It names those that were in it; the metric of that name is 0 then."""
    sent = plain(record(replace(EVENT, change=AlarmChange.CLOSED, traces=())).attributes)

    assert sent["ml.incident.column.count"] == 0
    assert sent["ml.incident.columns"] == ["age", "score"]
    assert "ml.alarm.traces" not in sent


def test_many_columns_are_counted() -> None:
    """A record stays small; what is named is the strongest evidence."""
    columns = tuple(ColumnKey("input", f"x{i}") for i in range(5_000))
    sent = plain(record(replace(EVENT, columns=columns)).attributes)

    assert sent["ml.incident.column.count"] == 5_000
    assert sent["ml.incident.columns"] == [f"x{i}" for i in range(MOST_COLUMNS)]
    assert len(sent["ml.incident.targets"]) == MOST_COLUMNS


def test_one_warning_however_many_columns() -> None:
    """Of a pipeline that breaks in all of its columns: the incident, before the alarms of its columns."""
    verdict = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, ())
    alarms = tuple(
        AlarmEvent(str(i), AlarmChange.OPENED, MODEL, ColumnKey("input", f"x{i}"), 60, 60, verdict, "", ())
        for i in range(29)
    )
    sent = records(replace(RESULT, alarms=alarms, incidents=(EVENT,)))

    assert [each.severity_text for each in sent] == ["WARN", *["INFO"] * 29]

"""Changes of alarms to OTLP log records: names, severities, attributes, and the same bytes in every replay."""

from dataclasses import replace

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from driftline.semconv import TERMS
from driftline_processor.encode.events import RECORDS_A_REQUEST, encode_events
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, ModelKey, Window, WindowResult
from driftline_processor.verdicts.reasons import Bound, Moved, Recovered, Region
from driftline_processor.verdicts.verdict import State, Verdict
from otlp_sink import plain

SECOND = 10**9
SHOP = (("deployment.environment.name", "prod"), ("service.name", "shop"))
MODEL = ModelKey("churn", "7", SHOP)
VERDICT = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Moved(Region.ABOVE, 0.2, 0.4, low=Bound(3.0, 3)),))
EVENT = AlarmEvent(
    "1f",
    AlarmChange.OPENED,
    MODEL,
    ColumnKey("input", "age"),
    30 * SECOND,
    60 * SECOND,
    VERDICT,
    "It moved.",
    ("ab",),
    "2e",
)


def result(*events: AlarmEvent) -> WindowResult:
    return WindowResult(MODEL, Window(50 * SECOND, 60 * SECOND), 9.0, "abc", False, (), events)


def record(event: AlarmEvent) -> LogRecord:
    (request,) = encode_events([result(event)])
    return encode_logs(request).resource_logs[0].scope_logs[0].log_records[0]


def test_a_record_says_all_of_a_change() -> None:
    """Event name, severity, times, the sentence, and attributes to alert on and to look further with."""
    sent = record(EVENT)

    assert sent.event_name == "ml.alarm.opened"
    assert (sent.severity_number, sent.severity_text) == (SeverityNumber.SEVERITY_NUMBER_INFO, "INFO")
    assert sent.time_unix_nano == sent.observed_time_unix_nano == 60 * SECOND
    assert sent.body.string_value == "It moved."
    assert plain(sent.attributes) == {
        **dict(SHOP),
        "event.name": "ml.alarm.opened",
        "ml.model.name": "churn",
        "ml.model.version": "7",
        "ml.reference.provisional": False,
        "ml.drift.target": "input",
        "ml.feature.name": "age",
        "log.record.uid": "1f-opened-60000000000",
        "ml.alarm.id": "1f",
        "ml.alarm.start": 30.0,
        "ml.incident.id": "2e",
        "ml.alarm.traces": ["ab"],
        "ml.drift.aspect": "value",
        "ml.drift.event": "share above 3: 20% → 40%",
        "ml.drift.reasons": ["moved"],
        "ml.drift.moved.event": "above",
        "ml.drift.moved.before": 0.2,
        "ml.drift.moved.after": 0.4,
        "ml.drift.moved.direction": "up",
        "ml.drift.moved.low": 3.0,
        "ml.drift.distance": 0.2,
        "ml.drift.lower_bound": 0.15,
        "ml.drift.tolerance": 0.05,
        "ml.drift.window.start": 50.0,
        "ml.drift.window.end": 60.0,
    }


def test_the_first_reason_of_a_kind_has_attributes() -> None:
    """All kinds are listed, in their order; an attribute has one value."""
    missing = Moved(Region.STATE, 0.0, 0.3, name="missing")
    reasons = (*VERDICT.reasons, missing, Recovered())
    sent = plain(record(replace(EVENT, verdict=replace(VERDICT, reasons=reasons))).attributes)

    assert sent["ml.drift.reasons"] == ["moved", "moved", "recovered"]
    assert sent["ml.drift.moved.event"] == "above"
    assert "ml.drift.moved.state" not in sent


def test_the_window_is_that_of_the_verdict() -> None:
    """A verdict over a longer span begins before the window."""
    sent = plain(record(replace(EVENT, verdict=replace(VERDICT, duration=40 * SECOND))).attributes)

    assert (sent["ml.drift.window.start"], sent["ml.drift.window.end"]) == (20.0, 60.0)


def test_names_and_severities_of_changes() -> None:
    """None is a warning: an incident that opens is one. Each has a name of its own, which the documentation says."""
    sent = [record(replace(EVENT, change=change)) for change in AlarmChange]

    assert [(each.event_name, each.severity_text) for each in sent] == [
        ("ml.alarm.opened", "INFO"),
        ("ml.alarm.updated", "INFO"),
        ("ml.alarm.closed", "INFO"),
    ]
    assert {each.event_name for each in sent} <= {term.name for term in TERMS}
    assert [plain(each.attributes)["event.name"] for each in sent] == [each.event_name for each in sent]


def test_a_record_has_the_context_of_the_first_call() -> None:
    """A backend shows the one beside the other. Without a span there is none."""
    trace, other = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = record(replace(EVENT, traces=(trace, other), span="b7ad6b7169203331"))

    assert (sent.trace_id.hex(), sent.span_id.hex(), sent.flags) == (trace, "b7ad6b7169203331", 1)
    assert plain(sent.attributes)["ml.alarm.traces"] == [trace, other]
    assert (record(EVENT).trace_id, record(EVENT).span_id) == (b"", b"")


def test_no_traces_no_attribute() -> None:
    """An empty list would be a value to some backends."""
    assert "ml.alarm.traces" not in plain(record(replace(EVENT, traces=())).attributes)


def test_resource_is_the_origin() -> None:
    """Events carry the resource of the service that they are about, as the metrics do."""
    (request,) = encode_events(
        [result(EVENT), replace(result(replace(EVENT, model=ModelKey("b"))), model=ModelKey("b"))]
    )
    held = encode_logs(request).resource_logs

    assert [plain(each.resource.attributes) for each in held] == [dict(SHOP), {}]
    assert {each.scope_logs[0].scope.name for each in held} == {"driftline.processor"}


def test_requests_are_bounded() -> None:
    """A thousand columns that close at once do not make one request that no backend takes; nothing makes none."""
    requests = encode_events([result(*[EVENT] * (RECORDS_A_REQUEST + 1)), result()])

    assert [len(request) for request in requests] == [RECORDS_A_REQUEST, 1]
    assert encode_events([result()]) == []

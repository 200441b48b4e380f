"""Outcomes as the processor reads them: whole, or rejected with a reason, each for itself."""

from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline import semconv
from driftline.outcomes.event import Outcome
from driftline_processor.decode import decode_logs
from driftline_processor.records import Rejection, SaidOutcomes
from otlp_requests import logs_request, outcome_record, pairs

T0 = 10**18
WHOLE = Outcome(
    "u1", "label", "fraud", None, "order-1", 3, None, T0, T0 + 5, 0.25, 2.0, "legit", 0.125, "churn", "7", b"t" * 24
)


def test_an_outcome_is_read_whole() -> None:
    """Every field, with the resource of who says so; a hop that drops the event's name leaves the attribute."""
    record = outcome_record(WHOLE, trace_id=b"t" * 16, span_id=b"t" * 8)
    record.event_name = ""
    (found,) = decode_logs(logs_request(record).SerializeToString()).records
    assert found == SaidOutcomes((WHOLE,), (("service.name", "shop"),))


def test_what_any_client_sends() -> None:
    """An id as a number, a value in place of a label, no name, and only the time of observation."""
    attributes = {semconv.RECORD_UID: "u", semconv.PREDICTION_ID: 42, semconv.OUTCOME_VALUE: 3.5}
    record = LogRecord(
        event_name="ml.outcome", attributes=pairs(attributes), observed_time_unix_nano=T0, body=AnyValue()
    )
    (found,) = decode_logs(logs_request(record).SerializeToString()).records
    assert isinstance(found, SaidOutcomes)
    assert found.outcomes == (Outcome("u", "label", None, 3.5, "42", time=T0, observed=T0),)


GIVEN = {semconv.RECORD_UID: "u", semconv.PREDICTION_ID: "a", semconv.OUTCOME_LABEL: 1}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({semconv.RECORD_UID: ""}, "must have the attribute log.record.uid"),
        ({semconv.PREDICTION_ID: ""}, "must have ml.prediction.id"),
        ({semconv.OUTCOME_LABEL: None}, "must have ml.outcome.label or ml.outcome.value"),
        ({semconv.OUTCOME_LABEL: float("nan")}, "ml.outcome.label must be finite"),
        ({semconv.OUTCOME_NAME: "revenue"}, "ml.outcome.value must be a number"),
        ({semconv.OUTCOME_VALUE: "much"}, "ml.outcome.value must be a finite number"),
        ({semconv.OUTCOME_PROBABILITY: 0}, "ml.outcome.probability must be above 0 and at most 1"),
        ({semconv.OUTCOME_PROBABILITY: 1.5}, "ml.outcome.probability must be above 0 and at most 1"),
        ({semconv.OUTCOME_WEIGHT: -1.0}, "ml.outcome.weight must be above 0"),
        ({semconv.OUTCOME_ROW: -1}, "ml.outcome.row must be the number of a row"),
        ({semconv.OUTCOME_ROW: 1.5}, "ml.outcome.row must be the number of a row"),
        ({semconv.ROW_KEY: "xyz"}, "ml.row.key must have 16 hexadecimal digits"),
        ({"ml.output.prediction": 1}, "must have ml.model.name beside a prediction or score"),
        ({semconv.PREDICTION_ID: "a" * 5000}, "ml.prediction.id must be a text of at most"),
    ],
)
def test_one_that_breaks_a_rule_costs_itself(changed: dict[str, Any], reason: str) -> None:
    """The rejection names the event, the attribute and the rule; the others count."""
    attributes = {name: value for name, value in {**GIVEN, **changed}.items() if value is not None}
    wrong = LogRecord(event_name="ml.outcome", attributes=pairs(attributes), time_unix_nano=T0)
    found = decode_logs(logs_request(wrong, outcome_record(WHOLE)).SerializeToString())
    ((items, said),) = found.rejections
    assert items == 1
    assert said.startswith(f"ml.outcome: {reason}")
    assert len(found.records) == 1


def test_a_resource_beyond_the_limits_is_rejected() -> None:
    """With all of its outcomes."""
    request = logs_request(outcome_record(WHOLE), resource={"service.name": "s" * 5000})
    (rejection,) = decode_logs(request.SerializeToString()).rejections
    assert isinstance(rejection, Rejection)
    assert rejection.items == 1

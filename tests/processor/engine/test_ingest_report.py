"""What happened to a request, in numbers and in words."""

import pytest

from driftline_processor.engine.ingest_report import LIMIT_REASONS, IngestReportBuilder, describe_model
from driftline_processor.engine.model_state import IngestResult, IngestStatus
from driftline_processor.records import ModelKey
from engine_records import CHURN, MINUTE, START


def test_everything_is_counted_once() -> None:
    """Each item is counted, a duplicate, or rejected."""
    builder = IngestReportBuilder(MINUTE)
    for status in IngestStatus:
        builder.add(CHURN, IngestResult(status, 3.0, time=START), START)
    report = builder.build()

    assert report.counted + report.duplicates + sum(items for items, _ in report.rejections) == len(IngestStatus)
    assert (report.counted, report.late) == (2, {CHURN: 3})


@pytest.mark.parametrize("status", LIMIT_REASONS)
def test_a_limit_names_itself_and_the_model(status: IngestStatus) -> None:
    """Rule and value, for the sender."""
    builder = IngestReportBuilder(MINUTE)
    builder.add(CHURN, IngestResult(status), START)
    (rejection,) = builder.build().rejections

    assert rejection.reason == f"model 'churn' version '1': {LIMIT_REASONS[status]}"


def test_describe_model() -> None:
    """A version is named when it is known."""
    assert describe_model(ModelKey("churn")) == "model 'churn'"
    assert describe_model(CHURN) == "model 'churn' version '1'"

"""The Grafana dashboard shows what the code sends."""

import re

from dashboard_panels import DASHBOARD, filled, in_prometheus
from driftline_processor.encode.metrics import METRICS
from driftline_processor.encode.performance import PERFORMANCE_METRICS

NOT_SHOWN = {
    "ml.incident.open": "the panel of columns in alarm says more; alert on it",
    "ml.incident.column.count": "a panel counts `ml.drift.alarm` instead: a column of several versions once",
    "ml.drift.alarmed.columns": "a panel counts `ml.drift.alarm` instead: a column of several versions once",
    "ml.drift.reference.count": "a constant of the reference",
    "ml.reference.unmatched.columns": "a fault of the set-up, that the log and the doctor tell with its remedy",
    "ml.drift.window.revision": "says of a verdict that late rows changed it, for those who store or compare verdicts",
    "ml.drift.window.start": "the age of a verdict is that of the window's end",
    "ml.distribution.mean": "the median and the quantiles beside it say more of skewed columns",
    "ml.reference.distribution.mean": "as the mean of the window",
    "ml.prediction.class.entropy": "says of many classes what the shares of few say, all of which are shown",
    "ml.prediction.top_class.share": "the largest of the class shares, all of which are shown",
    "ml.segment.low": "an interval of each of twenty segments is too much to read; for those who look at one",
    "ml.segment.high": "as the lower end",
    "ml.segment.rows": "the share of a segment says the same beside that of training",
    "ml.performance.f1": "lies between precision and recall, which are shown",
    "ml.performance.log_loss": "the Brier score says as much, on a scale with an end",
    "ml.performance.rmsle": "of numbers that grow by factors only; errors in the unit of the label are shown",
    "ml.performance.r2": "RMSE in another unit",
    "ml.performance.labels": "the share of labelled rows is shown",
    "ml.performance.window.start": "as that of the judged window",
    "ml.performance.window.end": "as that of the judged window",
    "ml.outcome.sum": "the mean of a figure is shown",
    "ml.outcome.rows": "as the sum",
}
"""Metrics that no panel asks for, and why."""


def test_statistics_have_the_panels_that_the_code_makes() -> None:
    """Every statistic has one, as `make docs` writes it."""
    assert DASHBOARD.read_text() == filled(DASHBOARD.read_text())


def test_every_metric_has_a_panel_or_a_reason_to_have_none() -> None:
    """A new metric is shown, or NOT_SHOWN says why it is not."""
    asked = set(re.findall(r"\bml_\w+", DASHBOARD.read_text()))
    every = (*METRICS, *(metric for metric in PERFORMANCE_METRICS if not metric.name.endswith((".low", ".high"))))
    hidden = {metric.name for metric in every if in_prometheus(metric.name) not in asked}

    assert hidden == NOT_SHOWN.keys()

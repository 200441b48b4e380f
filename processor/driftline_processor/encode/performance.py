"""Performance → OTLP MetricsData: how right a model is, and its figures of business."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from opentelemetry.sdk.metrics.export import Gauge, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource

from driftline import semconv
from driftline_processor.encode.gauges import INSTRUMENTATION_SCOPE
from driftline_processor.records import MeasuredPerformance

SCORE: Final = "{score}"
_PERFORMANCE: Final = f"{semconv.PREFIX}.performance"
_OUTCOME: Final = f"{semconv.PREFIX}.outcome"


class PerformanceMetric(NamedTuple):
    """A gauge. name: after `ml.performance.`, or whole; unit, description and reading as of `metrics.Metric`."""

    name: str
    unit: str
    description: str
    reading: str


MEASURED: Final = (
    ("accuracy", SCORE, "Share of predictions that are right"),
    ("balanced_accuracy", SCORE, "Mean of the recalls of all classes"),
    ("precision", SCORE, "Of the predictions of a class, the share that is right"),
    ("recall", SCORE, "Of the rows of a class, the share that is predicted"),
    ("f1", SCORE, "Harmonic mean of precision and recall of a class"),
    ("roc_auc", SCORE, "Area under the ROC curve"),
    ("pr_auc", SCORE, "Average precision"),
    ("log_loss", "", "Mean negative logarithm of the probability of what came true"),
    ("brier", SCORE, "Mean squared difference of the probability from what came true"),
    ("calibration_error", SCORE, "Mean difference of the probability from the share that came true, in ten bins"),
    ("mae", "", "Mean absolute error"),
    ("rmse", "", "Root of the mean squared error"),
    ("rmsle", "", "RMSE of log(1 + x)"),
    ("bias", "", "Mean of prediction − label"),
    ("r2", SCORE, "Share of the labels' variance that is explained"),
)
"""What is measured on labelled rows: name, unit, meaning."""

_READINGS: Final = (
    ("", "", "Weighted by 1 / probability of being labelled"),
    (".low", ": lower end of its 95 % interval", "Plot both ends as a band"),
    (".high", ": upper end of its 95 % interval", "Plot both ends as a band"),
)

PERFORMANCE_METRICS: Final = (
    *(
        PerformanceMetric(f"{_PERFORMANCE}.{name}{suffix}", unit, f"{meaning}{more}", reading)
        for name, unit, meaning in MEASURED
        for suffix, more, reading in _READINGS
    ),
    PerformanceMetric(
        semconv.PERFORMANCE_LABELLED,
        SCORE,
        "Share of the window's predictions that have a label",
        "Far from 1: the rows that get labels first may not be like the others",
    ),
    PerformanceMetric(
        semconv.PERFORMANCE_MATURITY,
        SCORE,
        "Share that is here of the labels that will come, by how long those of older predictions took",
        "Far from 1: the window will change yet. Absent until predictions are older than any label was",
    ),
    PerformanceMetric(
        semconv.PERFORMANCE_LABELS, "{row}", "Labelled predictions of the window", "Under 20, nothing is measured"
    ),
    PerformanceMetric(
        semconv.PERFORMANCE_WINDOW_START, "", "Start of the window of predictions, Unix seconds", "By their own times"
    ),
    PerformanceMetric(
        semconv.PERFORMANCE_WINDOW_END, "", "Time of the newest prediction with a label, Unix seconds", "As above"
    ),
    PerformanceMetric(
        f"{_OUTCOME}.mean", "", "Mean of a figure of business, by predicted class", "Of 0 and 1 it is a rate"
    ),
    PerformanceMetric(f"{_OUTCOME}.sum", "", "Sum of a figure of business, by predicted class", "Weighted to all rows"),
    PerformanceMetric(f"{_OUTCOME}.rows", "{row}", "Rows of the window that have the figure", "Of these is the mean"),
)
"""Every metric of performance."""

_BY_NAME: Final[Mapping[str, PerformanceMetric]] = {metric.name: metric for metric in PERFORMANCE_METRICS}


def encode_performance(found: Iterable[MeasuredPerformance]) -> list[MetricsData]:
    """The metrics, one MetricsData for each model: its resource is that of who served it."""
    return [_request(each) for each in found]


def _request(found: MeasuredPerformance) -> MetricsData:
    points: dict[str, list[NumberDataPoint]] = {}
    for name, value, extra in _values(found):
        if math.isfinite(value):
            attributes = {**_attributes(found), **extra}
            point = NumberDataPoint(attributes, found.window.start, found.time, value)
            points.setdefault(name, []).append(point)
    data = [
        Metric(name, _BY_NAME[name].description, _BY_NAME[name].unit, Gauge(held))
        for name, held in points.items()
        if name in _BY_NAME
    ]
    scope = ScopeMetrics(INSTRUMENTATION_SCOPE, data, "")
    return MetricsData([ResourceMetrics(Resource(dict(found.model.resource)), [scope], "")])


def _values(found: MeasuredPerformance) -> Iterator[tuple[str, float, Mapping[str, str]]]:
    for (name, own), value in found.metrics.items():
        extra = {semconv.PERFORMANCE_BASIS: found.basis, **({semconv.OUTPUT_CLASS: own} if own else {})}
        for suffix, number in zip(("", ".low", ".high"), value, strict=True):
            yield f"{_PERFORMANCE}.{name}{suffix}", number, extra
    if found.labels:
        yield semconv.PERFORMANCE_LABELLED, found.labels / max(found.rows, 1), {}
        yield semconv.PERFORMANCE_LABELS, found.labels, {}
    if found.maturity is not None:
        yield semconv.PERFORMANCE_MATURITY, found.maturity, {}
    yield semconv.PERFORMANCE_WINDOW_START, found.window.start / 1e9, {}
    yield semconv.PERFORMANCE_WINDOW_END, found.window.end / 1e9, {}
    for (name, own), (rows, mean, total) in found.figures.items():
        extra = {semconv.OUTCOME_NAME: name, **({semconv.OUTPUT_CLASS: own} if own else {})}
        yield f"{_OUTCOME}.mean", mean, extra
        yield f"{_OUTCOME}.sum", total, extra
        yield f"{_OUTCOME}.rows", rows, extra


def _attributes(found: MeasuredPerformance) -> dict[str, str]:
    name, version, origin = found.model
    known = {semconv.MODEL_VERSION: version} if version else {}
    return {**dict(origin), semconv.MODEL_NAME: name, **known}

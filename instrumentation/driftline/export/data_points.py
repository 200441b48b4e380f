"""Converts column sketches to data points of the OpenTelemetry SDK."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.metrics.export import Buckets as SdkBuckets

from driftline import semconv
from driftline.export.exemplars import ColumnExemplars
from driftline.runtime.gil_yield import GilYield
from driftline.semconv import ColumnNames
from driftline.settings import Redaction
from driftline.sketch import Buckets, Histogram, NumericPoints, hashed
from driftline.sketch.column import ColumnPoints, TimeRange

DataPoint: TypeAlias = NumberDataPoint | ExponentialHistogramDataPoint
MetricPoint: TypeAlias = tuple[str, DataPoint]  # metric name, point


_ROW_UNIT: Final = "{row}"
_DESCRIPTIONS: Final = {term.name: term.meaning for term in semconv.TERMS}


def column_points(
    names: ColumnNames,
    attributes: Mapping[str, Any],
    redaction: Redaction,
    points: ColumnPoints,
    exemplars: ColumnExemplars | None = None,
) -> Iterator[MetricPoint]:
    """Data points of one column. attributes: those of the model and the column."""
    known = exemplars or ColumnExemplars()
    for span, numbers in points.numbers:
        current = known if span.time == points.time else ColumnExemplars()  # not an ended stream that is sent again
        yield from _numeric_points(names, attributes, redaction, span, numbers, exemplars=current)
    for name, (start, rows) in points.categories.items():
        shown, span = name if redaction.shown else hashed(name), TimeRange(start, points.time)
        found = known.category(name)
        yield names.counts, number_point({**attributes, names.category: shown}, span, rows, found)
    for state, (start, rows) in points.states.items():
        span, found = TimeRange(start, points.time), known.state(state)
        yield names.observations, number_point({**attributes, semconv.FEATURE_STATE: state}, span, rows, found)
    for decimals, (start, rows) in points.decimals.items():
        span = TimeRange(start, points.time)
        yield names.precision, number_point({**attributes, semconv.FEATURE_DECIMALS: decimals}, span, rows)


def number_point(
    attributes: Mapping[str, Any], span: TimeRange, count: int, exemplars: Sequence[Exemplar] = ()
) -> NumberDataPoint:
    return NumberDataPoint(dict(attributes), span.start, span.time, count, exemplars)


def _numeric_points(
    names: ColumnNames,
    attributes: Mapping[str, Any],
    redaction: Redaction,
    span: TimeRange,
    numbers: NumericPoints,
    *,
    exemplars: ColumnExemplars,
) -> Iterator[MetricPoint]:
    if numbers.core.count:
        yield names.value, _histogram_point(attributes, span, numbers.core, exemplars.numbers(*_ends(numbers.core)))
    for part, tail in numbers.tails.items():
        shown = tail if redaction.shown else _redacted_tail(tail, part, numbers.core)
        found = exemplars.numbers(*_ends(tail)) if part != semconv.MIDDLE else []
        yield names.tail, _histogram_point({**attributes, semconv.SKETCH_PART: part}, span, shown, found)


def _ends(histogram: Histogram) -> tuple[float, float]:
    edges = histogram.intervals()
    return float(edges.lower.min()), float(edges.upper.max())


def _redacted_tail(tail: Histogram, part: str, core: Histogram) -> Histogram:
    """A tail without minimum and maximum, which are raw values; bounded by the core's buckets instead."""
    edges = core.intervals()
    if not edges.total:
        return replace(tail, minimum=None, maximum=None)
    lowest, highest = float(edges.lower.min()), float(edges.upper.max())
    if part == semconv.BELOW:
        return replace(tail, minimum=None, maximum=lowest)
    if part == semconv.ABOVE:
        return replace(tail, minimum=highest, maximum=None)
    return replace(tail, minimum=None, maximum=None)


def _histogram_point(
    attributes: Mapping[str, Any], span: TimeRange, histogram: Histogram, exemplars: Sequence[Exemplar] = ()
) -> ExponentialHistogramDataPoint:
    # No sum: OTLP omits it if values may be negative. No zero threshold: the zero bucket counts exact zeros only.
    return ExponentialHistogramDataPoint(
        attributes=dict(attributes),
        start_time_unix_nano=span.start,
        time_unix_nano=span.time,
        count=histogram.count,
        sum=None,  # type: ignore[arg-type]  # optional in OTLP; the SDK's types do not say so
        scale=histogram.scale,
        zero_count=histogram.zero,
        positive=_buckets(histogram.positive),
        negative=_buckets(histogram.negative),
        flags=0,
        min=histogram.minimum,  # type: ignore[arg-type]  # as sum
        max=histogram.maximum,  # type: ignore[arg-type]  # as sum
        exemplars=exemplars,
    )


def _buckets(buckets: Buckets) -> SdkBuckets:
    offset, counts = buckets.dense()
    return SdkBuckets(offset, counts)


def metrics(points: Iterable[MetricPoint], temporality: AggregationTemporality, gil_yield: GilYield) -> list[Metric]:
    """Group points by metric; encoding them yields the GIL between points."""
    gathered: defaultdict[str, list[Any]] = defaultdict(list)
    for name, point in points:
        gathered[name].append(point)
    return [_metric(name, gil_yield.between(several), temporality) for name, several in gathered.items()]


def _metric(name: str, points: Sequence[Any], temporality: AggregationTemporality) -> Metric:
    description = _DESCRIPTIONS.get(name, "")
    if isinstance(points[0], ExponentialHistogramDataPoint):
        return Metric(name, description, "", ExponentialHistogram(points, temporality))
    return Metric(name, description, _ROW_UNIT, Sum(points, temporality, is_monotonic=True))

"""One metrics request → the Reference in it."""

from collections.abc import Iterator
from typing import Any, Final

from driftline import semconv
from driftline.sketch.arrays import FloatArray
from driftline_processor.decode.metric_streams import column_of
from driftline_processor.records import ColumnKey, Reference
from driftline_processor.reference.attributes import Attributes, InvalidReference, shown
from driftline_processor.reference.category_bins import with_minor
from driftline_processor.reference.column import CATEGORIES, OBSERVATIONS, SKETCHES, ColumnParts

_METRICS: Final = frozenset({semconv.REFERENCE_CHUNKS, semconv.REFERENCE_COLUMN, *SKETCHES, *CATEGORIES, *OBSERVATIONS})
_CLOCKS: Final = {"time": True, "rows": False}


def read_reference(request: Any) -> Reference:
    """The reference in an ExportMetricsServiceRequest or MetricsData, all of whose resources are of this one reference.

    Metrics of other names are passed over.

    Raises:
        InvalidReference: there is none, or it is not whole.

    """
    resource = _resource(request)
    columns: dict[ColumnKey, ColumnParts] = {}
    chunks: Attributes | None = None
    found = 0
    for metric, point in _points(request):
        found += 1
        attributes = Attributes(point, metric)
        if metric == semconv.REFERENCE_CHUNKS:
            chunks = attributes
            continue
        key = _key(attributes)
        parts = columns.setdefault(key, ColumnParts(key))
        parts.add(metric, attributes.at(parts.place), point)
    expected = resource.count(semconv.REFERENCE_POINTS)
    if expected is not None and found != expected:
        raise resource.wrong(semconv.REFERENCE_POINTS, f"must be the number of its data points, {found}", expected)
    if chunks is None:
        raise InvalidReference(f"must have a point of {semconv.REFERENCE_CHUNKS}")
    clock, starts, ends = _chunks(chunks)
    return Reference(
        id=resource.text(semconv.REFERENCE_ID),
        name=resource.text(semconv.MODEL_NAME),
        version=resource.text(semconv.MODEL_VERSION, ""),
        provisional=False,
        clock=clock,
        starts=starts,
        ends=ends,
        columns=with_minor({key: columns[key].column(len(starts)) for key in sorted(columns)}),
    )


def _resource(request: Any) -> Attributes:
    """The resource of the reference. One request holds one reference, of one model."""
    resources = [Attributes(each.resource, "resource") for each in request.resource_metrics]
    marked = [each for each in resources if each.text(semconv.DATASET_ROLE, "") == semconv.REFERENCE]
    if not marked or len(marked) < len(resources):
        raise InvalidReference(f"must be metrics whose resource has {semconv.DATASET_ROLE} = {semconv.REFERENCE!r}")
    identities = {each.text(semconv.REFERENCE_ID) for each in marked}
    if len(identities) > 1:
        raise InvalidReference(f"must hold one reference (got {len(identities)}: {shown(sorted(identities))})")
    return marked[0]


def _points(request: Any) -> Iterator[tuple[str, Any]]:
    """Metric names and data points."""
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                data = metric.WhichOneof("data")
                if metric.name in _METRICS and data is not None:
                    for point in getattr(metric, data).data_points:
                        yield metric.name, point


def _key(attributes: Attributes) -> ColumnKey:
    if semconv.FEATURE_NAME in attributes:
        return ColumnKey(semconv.TARGET_INPUT, attributes.any_text(semconv.FEATURE_NAME))
    if semconv.PAIR_NAME in attributes:
        return ColumnKey(semconv.TARGET_PAIR, attributes.text(semconv.PAIR_NAME))
    return column_of(attributes.text(semconv.OUTPUT_NAME))


def _chunks(attributes: Attributes) -> tuple[bool, FloatArray, FloatArray]:
    """Whether there is a clock, and where each chunk begins and ends."""
    by = attributes.text(semconv.CHUNKED_BY)
    if by not in _CLOCKS:
        raise attributes.wrong(semconv.CHUNKED_BY, f"must be one of {', '.join(_CLOCKS)}", by)
    starts, ends = attributes.ascending(semconv.CHUNK_STARTS), attributes.ascending(semconv.CHUNK_ENDS)
    if not len(starts) or len(starts) != len(ends) or (ends < starts).any():
        got = f"{len(starts)} starts, {len(ends)} ends"
        raise attributes.wrong(semconv.CHUNK_STARTS, f"must go with {semconv.CHUNK_ENDS}, one or more", got)
    return _CLOCKS[by], starts, ends

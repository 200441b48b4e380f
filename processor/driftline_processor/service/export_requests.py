"""Results in requests of bounded size: most backends take 4 MiB, and names have a thousand characters each."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, Generic, Protocol, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData

REQUEST_BYTES: Final = 2 << 20
"""Of a request, as estimated; its resources and metrics come on top."""

_OF_ITEM: Final = 64
_OF_PAIR: Final = 12
_OF_OBJECT: Final = 250  # of a point or record in memory, beyond the bytes on the wire

_SUCCESS: Final = (MetricExportResult.SUCCESS, LogRecordExportResult.SUCCESS)

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class SdkExporter(Protocol[T_contra]):
    """The part of the SDK's metric and log record exporters that is used here."""

    def export(self, data: T_contra, /) -> MetricExportResult | LogRecordExportResult: ...

    def shutdown(self) -> None: ...


class BoundedRequests(Generic[T]):
    """An SDK exporter that sends a batch in requests of bounded size; after a failure it goes on where it stopped."""

    def __init__(self, exporter: SdkExporter[T], split: Callable[[T], Iterator[T]]) -> None:
        """split: the requests of a batch."""
        self.exporter, self._split = exporter, split
        self._batch: T | None = None
        self._left: deque[T] = deque()

    def export(self, data: T, /) -> MetricExportResult | LogRecordExportResult:
        """Sends what is left of the batch."""
        if data is not self._batch:
            self._batch, self._left = data, deque(self._split(data))
        result: MetricExportResult | LogRecordExportResult = MetricExportResult.SUCCESS
        while self._left and (result := self.exporter.export(self._left[0])) in _SUCCESS:
            self._left.popleft()
        if not self._left:
            self._batch = None
        return result

    def shutdown(self) -> None:
        self.exporter.shutdown()


def metric_requests(data: MetricsData, most: int = REQUEST_BYTES) -> Iterator[MetricsData]:
    """The data in parts of at most so many bytes; a larger point is a part of its own."""
    for part in _parts([(found, _size(found[-1])) for found in _points(data)], most):
        yield MetricsData([_nested(group) for group in _groups(part, 0)])


def _points(data: MetricsData) -> Iterator[tuple[Any, Any, Any, Any]]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    yield resource, scope, metric, point


def _groups(part: Sequence[tuple[Any, ...]], depth: int) -> Iterator[Sequence[tuple[Any, ...]]]:
    return (list(group) for _, group in groupby(part, key=lambda found: id(found[depth])))


def _nested(found: Sequence[tuple[Any, ...]]) -> Any:
    """A resource with these of its points."""
    scopes = []
    for in_scope in _groups(found, 1):
        metrics = []
        for in_metric in _groups(in_scope, 2):
            metric = in_metric[0][2]
            metrics.append(replace(metric, data=replace(metric.data, data_points=[each[3] for each in in_metric])))
        scopes.append(replace(in_scope[0][1], metrics=metrics))
    return replace(found[0][0], scope_metrics=scopes)


def log_requests(
    records: Sequence[ReadableLogRecord], most: int = REQUEST_BYTES
) -> Iterator[Sequence[ReadableLogRecord]]:
    """The records in parts of at most so many bytes; a larger record is a part of its own."""
    yield from _parts([(record, _size(record.log_record)) for record in records], most)


def _parts(sized: Sequence[tuple[T, int]], most: int) -> Iterator[list[T]]:
    part: list[T] = []
    held = 0
    for item, size in sized:
        if part and held + size > most:
            yield part
            part, held = [], 0
        part.append(item)
        held += size
    if part:
        yield part


def metrics_memory(data: MetricsData) -> int:
    """About how many bytes the data takes."""
    return sum(_size(point) + _OF_OBJECT for *_, point in _points(data))


def logs_memory(records: Sequence[ReadableLogRecord]) -> int:
    """About how many bytes the records take."""
    return sum(_size(record.log_record) + _OF_OBJECT for record in records)


def _size(item: Any) -> int:
    """About how many bytes a point or log record has in a request."""
    attributes: Mapping[str, object] = item.attributes or {}
    pairs = sum(len(key) + _length(value) + _OF_PAIR for key, value in attributes.items())
    return _OF_ITEM + pairs + _length(getattr(item, "body", None)) + 9 * len(getattr(item, "bucket_counts", ()))


def _length(value: object) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode(errors="replace"))
    if isinstance(value, Mapping):
        return sum(len(key) + _length(each) + _OF_PAIR for key, each in value.items())
    return sum(map(_length, value)) if isinstance(value, tuple | list) else 9

"""What a server has sent, model by model. Pure: OTLP requests in, counts out."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline.reference.profile_column import ColumnKey
from driftline.sketch.otlp import scalar
from driftline.sketch.values import read_truth_or_text

NUMBER: Final = "number"
TEXT: Final = "text"
NUMERAL: Final = "numeral"
"""A text that stands for a number, which the processor reads as one where the reference has numbers."""

_DELTA: Final = 1
_KINDS: Final = {
    semconv.FEATURE_VALUE: NUMBER,
    semconv.FEATURE_TAIL: NUMBER,
    semconv.OUTPUT_VALUE: NUMBER,
    semconv.OUTPUT_TAIL: NUMBER,
    semconv.FEATURE_CATEGORY: TEXT,
    semconv.OUTPUT_PREDICTIONS: TEXT,
}
_OBSERVATIONS: Final = (semconv.FEATURE_OBSERVATIONS, semconv.OUTPUT_OBSERVATIONS)
_NAMES: Final = {semconv.FEATURE_NAME: semconv.TARGET_INPUT, semconv.OUTPUT_NAME: semconv.TARGET_OUTPUT}


@dataclass(slots=True)
class ColumnTraffic:
    """A column: rows by state, and rows that were numbers, texts or numerals."""

    states: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> float:
        return self.states.total()

    @property
    def kind(self) -> str:
        """What most of its values are, a numeral being a text; "" without any."""
        numbers = self.values[NUMBER]
        if not self.values.total():
            return ""
        return NUMBER if numbers > self.values.total() - numbers else TEXT

    def share(self, kind: str) -> float:
        """The share of its values that are of a kind."""
        return self.values[kind] / max(self.values.total(), 1)


@dataclass(slots=True)
class ModelTraffic:
    """A model as its telemetry describes it.

    calls, rows: by operation, from metrics, which no sampler touches. seconds: in all calls. errors: calls that raised.
    spans, children: its spans, and those with a parent. types, systems: what its spans say of the model, with their
    number. pairs: rows by pair of inputs. processes: that sent something. versions: of the model, "" if unknown.
    """

    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rows: Counter[str] = field(default_factory=Counter)
    spans: int = 0
    children: int = 0
    errors: int = 0
    types: Counter[str] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    columns: dict[ColumnKey, ColumnTraffic] = field(default_factory=dict)
    pairs: Counter[str] = field(default_factory=Counter)
    processes: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Traffic:
    """All that arrived. requests: by signal. servers: spans of requests to the server. own: Driftline's own metrics."""

    models: dict[str, ModelTraffic] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    servers: int = 0
    own: Counter[str] = field(default_factory=Counter)


class _Point(NamedTuple):
    """A data point with what tells its stream from others."""

    metric: str
    attributes: Mapping[str, Any]
    process: str
    number: float
    total: float
    time: int
    delta: bool
    stream: tuple[Any, ...]


class Recorder:
    """Takes requests from any thread. Cumulative points replace the earlier ones of their stream, deltas add up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[tuple[Any, ...], _Point] = {}
        self._spans: dict[bytes, tuple[Span, str]] = {}
        self._requests: Counter[str] = Counter()
        self._deltas = 0

    def take(self, signal: str, body: bytes) -> None:
        """Count a request. What is no OTLP is ignored."""
        with self._lock:
            self._requests[signal] += 1
            try:
                if signal == "metrics":
                    self._take_points(_points(ExportMetricsServiceRequest.FromString(body)))
                elif signal == "traces":
                    self._take_spans(ExportTraceServiceRequest.FromString(body))
            except DecodeError:
                self._requests["unreadable"] += 1

    def _take_points(self, points: Iterable[_Point]) -> None:
        for point in points:
            key = point.stream
            if point.delta:
                self._deltas += 1
                key = (*key, self._deltas)
            known = self._newest.get(key)
            if known is None or known.time <= point.time:
                self._newest[key] = point

    def _take_spans(self, request: ExportTraceServiceRequest) -> None:
        for each in request.resource_spans:
            process = _process(attributes(each.resource.attributes))
            for scope in each.scope_spans:
                self._spans |= {span.trace_id + span.span_id: (span, process) for span in scope.spans}

    @property
    def progress(self) -> float:
        """A number that grows whenever something new has been recorded, though metrics come again and again."""
        with self._lock:
            rows = (point.number for point in self._newest.values() if point.metric == semconv.INFERENCE_ROWS)
            return len(self._spans) + sum(rows)

    def traffic(self) -> Traffic:
        """What has arrived so far."""
        with self._lock:
            traffic = Traffic(requests=Counter(self._requests))
            for point in self._newest.values():
                _add_point(traffic, point)
            for span, process in self._spans.values():
                _add_span(traffic, span, process)
            return traffic


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Scalar attributes by name."""
    known = ((each.key, scalar(each.value)) for each in pairs)
    return {key: value for key, value in known if value is not None}


def _process(resource: Mapping[str, Any]) -> str:
    names = ("service.instance.id", "process.pid")
    return str(next((resource[name] for name in names if name in resource), ""))


def _points(request: ExportMetricsServiceRequest) -> Iterator[_Point]:
    for each in request.resource_metrics:
        resource = attributes(each.resource.attributes)
        process = _process(resource)
        for scope in each.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data") or "gauge")
                delta = getattr(data, "aggregation_temporality", 0) == _DELTA
                for point in data.data_points:
                    named = attributes(point.attributes)
                    start = point.start_time_unix_nano
                    stream = (process, _frozen(resource), metric.name, _frozen(named), start)
                    yield _Point(metric.name, named, process, *_value(point), point.time_unix_nano, delta, stream)


def _frozen(values: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((key, repr(value)) for key, value in values.items())


def _value(point: Any) -> tuple[float, float]:
    """Count and sum of a histogram; the number of a counter or gauge, twice."""
    if hasattr(point, "count"):
        return float(point.count), float(point.sum)
    number = float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
    return number, number


def _add_point(traffic: Traffic, point: _Point) -> None:
    if point.metric.startswith(f"{semconv.SCOPE}."):
        traffic.own[point.metric] += int(point.number)
    if semconv.MODEL_NAME not in point.attributes:
        return
    model = traffic.models.setdefault(str(point.attributes[semconv.MODEL_NAME]), ModelTraffic())
    model.processes.add(point.process)
    model.versions.add(str(point.attributes.get(semconv.MODEL_VERSION, "")))
    operation = str(point.attributes.get(semconv.OPERATION_NAME, ""))
    if point.metric == semconv.INFERENCE_DURATION:
        model.calls[operation] += int(point.number)
        model.seconds += point.total
        model.errors += int(point.number) if semconv.ERROR_TYPE in point.attributes else 0
    elif point.metric == semconv.INFERENCE_ROWS:
        model.rows[operation] += int(point.number)
    elif point.metric == semconv.PAIR_ROWS:
        model.pairs[str(point.attributes.get(semconv.PAIR_NAME, ""))] += int(point.number)
    else:
        _add_to_column(model, point)


def _add_to_column(model: ModelTraffic, point: _Point) -> None:
    for name, target in _NAMES.items():
        if name not in point.attributes:
            continue
        column = model.columns.setdefault(ColumnKey(target, str(point.attributes[name])), ColumnTraffic())
        if point.metric in _OBSERVATIONS:
            state = str(point.attributes.get(semconv.FEATURE_STATE, semconv.VALID))
            if state != semconv.OUT_OF_RANGE:  # these are valid rows, counted already
                column.states[state] += int(point.number)
        elif point.metric in _KINDS and point.number:
            column.values[_kind(point)] += int(point.number)


def _kind(point: _Point) -> str:
    """A number, or what the text of a category is."""
    if _KINDS[point.metric] == NUMBER:
        return NUMBER
    text = point.attributes.get(semconv.CATEGORY, point.attributes.get(semconv.OUTPUT_CLASS))
    return TEXT if read_truth_or_text(str(text)) is None else NUMERAL


def _add_span(traffic: Traffic, span: Span, process: str) -> None:
    traffic.servers += span.kind in (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER)
    named = attributes(span.attributes)
    if semconv.MODEL_NAME not in named:
        return
    model = traffic.models.setdefault(str(named[semconv.MODEL_NAME]), ModelTraffic())
    model.processes.add(process)
    model.versions.add(str(named.get(semconv.MODEL_VERSION, "")))
    model.spans += 1
    model.children += bool(span.parent_span_id)
    model.types[str(named.get(semconv.MODEL_TYPE, ""))] += 1
    model.systems[str(named.get(semconv.SYSTEM_NAME, ""))] += 1

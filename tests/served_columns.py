"""From what a caller passes to `predict` to verdicts: captured, aggregated, sent as OTLP, decoded, and judged."""

from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import driftline
from driftline import semconv
from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import Captures, release
from driftline.export.aggregator import Aggregator
from driftline.export.data_points import metrics
from driftline.features.outputs import results
from driftline.records import CLASSIFICATION, ModelFacts, Prediction, as_capture
from driftline.runtime.gil_yield import GilYield
from driftline.settings import Settings
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.engine.engine import Engine
from driftline_processor.records import (
    ColumnKey,
    ColumnResult,
    ColumnSummary,
    CountPoint,
    RowsPoint,
    SketchPoint,
)
from driftline_processor.reference import read_reference
from driftline_processor.verdicts.verdict import State
from engine_records import MINUTE, SECOND, SETTINGS, START

MODEL = ModelFacts(
    "churn", None, "Model", "scikit_learn", CLASSIFICATION, None, None, lambda _o, c, _h: results(c, CLASSIFICATION)
)


class Worker:
    """A process that serves the model."""

    def __init__(self, name: str = "a", model: ModelFacts = MODEL) -> None:
        self.now = START
        self._model = model
        self._resource = Resource({"service.name": "test", "service.instance.id": name})
        self._aggregator = Aggregator(Settings(), lambda: self.now)
        self._captures = Captures(BufferPool(2**28))

    def predict(self, X: Any, output: Any = None) -> "Worker":
        """A call: its input is copied, counted, and released."""
        given = as_capture(self._captures.of(X))
        returned = as_capture(self._captures.of(output, True))
        assert given is not None
        self.now += SECOND // 100
        call = Prediction(self._model, "predict", given.rows, given, returned, 0.0, None, None)
        self._aggregator.add([call])
        for each in (given, returned):
            if each is not None:
                release(each)
        return self

    def export(self) -> bytes:
        """A request with everything counted so far."""
        self.now += SECOND
        points = []
        for packet, acknowledge in self._aggregator.packets():
            points += packet
            acknowledge()
        made = metrics(points, AggregationTemporality.CUMULATIVE, GilYield())
        scope = ScopeMetrics(InstrumentationScope(semconv.SCOPE), made, "")
        return encode_metrics(MetricsData([ResourceMetrics(self._resource, [scope], "")])).SerializeToString()


def judge(profile: driftline.Profile, *requests: bytes) -> dict[str, ColumnResult]:
    """The columns of one window that holds all of the requests, by name."""
    engine = Engine(SETTINGS)
    engine.put_reference(read_reference(profile.to_request()))
    for request in requests:
        batch = decode_metrics(request)
        assert not batch.rejections
        assert not engine.observe(batch.records, START + MINUTE).rejections
    (first, *_) = engine.advance(START + 10 * MINUTE)
    return {column.column.name: column for column in first.columns if column.column.target != semconv.TARGET_PAIR}


def troubles(columns: dict[str, ColumnResult]) -> dict[str, str]:
    """What is not healthy: events by column."""
    return {
        name: "not in the reference"
        if column.verdict is None
        else f"{column.verdict.aspect}: {column.verdict.sentence}"
        for name, column in columns.items()
        if column.verdict is None or column.verdict.state in (State.WARNING, State.ALARM) or not column.rows
    }


def held(*requests: bytes) -> dict[ColumnKey, ColumnSummary]:
    """What requests tell of each column; cumulative, so only the first of a process."""
    found: dict[ColumnKey, Accumulator] = {}
    for record in (record for request in requests for record in decode_metrics(request).records):
        assert isinstance(record, (SketchPoint, CountPoint, RowsPoint))
        column = found.setdefault(record.column, Accumulator())
        if isinstance(record, SketchPoint):
            column.add_histogram(record.histogram)
        elif isinstance(record, CountPoint):
            add = {"category": column.add_category, "decimals": column.add_decimals, "state": column.add_state}
            add[record.kind](record.value, record.count)
    return {key: column.summary() for key, column in found.items() if key.name and key.target != semconv.TARGET_ROWS}

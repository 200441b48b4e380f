"""How points are counted, said slowly: one protobuf object at a time, with dictionaries and histograms."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline import semconv
from driftline.sketch import Histogram, Intervals
from driftline.sketch.otlp import read_histogram
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE
from driftline_processor.engine.windows import SlidingWindows

COLUMN = {semconv.FEATURE_VALUE, semconv.FEATURE_CATEGORY, semconv.FEATURE_OBSERVATIONS}
Name = tuple[int, str]  # pane, column


@dataclass
class Counted:
    """What panes hold of a model, and what became of its points."""

    windows: SlidingWindows
    ahead: int
    last: dict[Any, tuple[int, Any]] = field(default_factory=dict)
    deltas: set[Any] = field(default_factory=set)
    sketches: dict[Name, dict[Any, list[tuple[Histogram, Histogram | None]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    names: dict[Name, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    rows: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    counted: int = 0
    duplicates: int = 0
    late: float = 0.0
    late_items: int = 0

    def observe(self, body: bytes, received: int) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    held = getattr(metric, metric.WhichOneof("data"))
                    for point in held.data_points:
                        origin = resource.resource.SerializeToString(), scope.scope.SerializeToString(), metric.name
                        attributes = {pair.key: pair.value.string_value for pair in point.attributes}
                        stream = *origin, tuple(sorted(attributes.items())), point.start_time_unix_nano
                        self.point(stream, metric.name, attributes, point, held.aggregation_temporality == 2)

    def point(self, stream: Any, metric: str, attributes: dict[str, str], point: Any, cumulative: bool) -> None:
        amount: Any = read_histogram(point) if metric == semconv.FEATURE_VALUE else float(point.as_int)
        time, counts = point.time_unix_nano, amount.count if isinstance(amount, Histogram) else amount
        older, known = None, self.last.get(stream)
        if (known and time <= known[0]) if cumulative else ((*stream, time) in self.deltas):
            self.duplicates += 1
            return
        if cumulative:
            before = 0 if known is None else getattr(known[1], "count", known[1])
            older = known[1] if known and counts > before else None
            gained = counts - before if counts >= before else counts
            self.last[stream] = time, known[1] if known and counts == before else amount
        else:
            gained = counts
            self.deltas.add((*stream, time))
        baseline = cumulative and known is None and time - point.start_time_unix_nano > HOUR
        if baseline or not gained:
            self.counted += 1
            self.windows.advance_to(time)
            if metric == semconv.FEATURE_CATEGORY and (start := self.open(time)) is not None:
                self.names[start, attributes[semconv.FEATURE_NAME]][attributes[semconv.CATEGORY]] += 0.0
            return
        if self.windows.pane(time) is None:
            self.late += gained if metric == semconv.INFERENCE_ROWS else 0.0
            self.late_items += 1
            return
        self.counted += 1
        self.add(
            (time - 1) // self.windows.step * self.windows.step, metric, attributes, (stream, amount, older), gained
        )

    def open(self, time: int) -> int | None:
        return None if self.windows.open_pane(time) is None else (time - 1) // self.windows.step * self.windows.step

    def add(self, pane: int, metric: str, attributes: dict[str, str], sketch: Any, gained: float) -> None:
        column = attributes.get(semconv.FEATURE_NAME, "")
        if metric == semconv.INFERENCE_ROWS:
            self.rows[pane] += gained
        elif metric == semconv.FEATURE_VALUE:
            stream, newer, older = sketch
            held = self.sketches[pane, column][stream]
            if held and older is not None and held[-1][0] is older:
                held[-1] = newer, held[-1][1]
            else:
                held.append((newer, older))
        elif metric == semconv.FEATURE_CATEGORY:
            self.names[pane, column][attributes[semconv.CATEGORY]] += gained
        elif attributes[semconv.FEATURE_STATE] not in COUNTED_ELSEWHERE:
            self.names[pane, column]["state " + attributes[semconv.FEATURE_STATE]] += gained

    def intervals(self, name: Name) -> list[tuple[float, ...]]:
        found = [Intervals.empty()]
        for gains in self.sketches[name].values():
            for newer, older in gains:
                added = newer.minus(older) if older else None
                found.append((newer if added is None else added).intervals())
        return rows_of(found[0].merge(*found[1:]))


def rows_of(held: Intervals) -> list[tuple[float, ...]]:
    return list(zip(held.lower.tolist(), held.upper.tolist(), held.weight.tolist(), strict=True))

"""The processor's own counters, sent to the same endpoint as the results: what came in, was refused, waits."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from driftline import semconv
from driftline_processor.records import ModelKey

PREFIX: Final = f"{semconv.SCOPE}.processor"


class OwnMetric(NamedTuple):
    """A counter, or where `observed` something that is read when it is sent."""

    name: str
    kind: str  # the method of Meter that makes it, without "create_"
    unit: str
    attributes: str
    description: str


OWN_METRICS: Final = (
    OwnMetric(
        "rows", "observable_counter", "{row}", semconv.MODEL_NAME, "Rows counted of a model since the store began"
    ),
    OwnMetric("accepted.items", "counter", "{item}", "signal", "Data points and spans that were stored and counted"),
    OwnMetric("rejected.items", "counter", "{item}", "signal", "Data points and spans that could not be used"),
    OwnMetric("duplicate.items", "counter", "{item}", "signal", "Data points and spans that had come before"),
    OwnMetric("late.rows", "counter", "{row}", semconv.MODEL_NAME, "Rows that came after their window was judged"),
    OwnMetric("refused.requests", "counter", "{request}", "signal, code", "Requests that were answered with an error"),
    OwnMetric("queue.requests", "observable_gauge", "{request}", "", "Requests that wait to be stored"),
    OwnMetric("queue.size", "observable_gauge", "By", "", "Their size"),
    OwnMetric(
        "exported.sets", "counter", "{set}", "", "Sets that the endpoint took: results, alarm events, and these metrics"
    ),
    OwnMetric("dropped.sets", "counter", "{set}", "", "Sets that were given up: refused, too old, or too many"),
)
"""All that the processor says of itself; names follow `driftline.processor.`."""


class Telemetry:
    """Counts; safe from any thread, and never in anybody's way."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(PREFIX)
        self._read: dict[str, Callable[[], Mapping[str, float]]] = {}
        self._instruments = {metric.name: self._create(meter, metric) for metric in OWN_METRICS}

    def add(self, name: str, amount: float, **attributes: str) -> None:
        """Adds to the counter of that row of OWN_METRICS."""
        if amount:
            self._instruments[name].add(amount, attributes)

    def late(self, model: ModelKey, rows: float) -> None:
        if rows:
            self._instruments["late.rows"].add(rows, {semconv.MODEL_NAME: model.name})

    def observe(self, name: str, read: Callable[[], Mapping[str, float]]) -> None:
        """From now on `read` gives that row's values, by the value of its attribute (or "")."""
        self._read[name] = read

    def _create(self, meter: Any, metric: OwnMetric) -> Any:
        create = getattr(meter, f"create_{metric.kind}")
        name = f"{PREFIX}.{metric.name}"
        if not metric.kind.startswith("observable"):
            return create(name, unit=metric.unit, description=metric.description)
        return create(name, [self._callback(metric)], unit=metric.unit, description=metric.description)

    def _callback(self, metric: OwnMetric) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observations(_: CallbackOptions) -> Iterator[Observation]:
            read = self._read.get(metric.name)
            for key, value in (read() if read else {}).items():
                yield Observation(value, {metric.attributes: key} if metric.attributes else {})

        return observations


def own_table() -> str:
    """OWN_METRICS as a Markdown table."""
    head = "| metric | unit | attributes | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{PREFIX}.{m.name}` | `{m.unit}` | {f'`{m.attributes}`' if m.attributes else ''} | {m.description} |\n"
        for m in OWN_METRICS
    )

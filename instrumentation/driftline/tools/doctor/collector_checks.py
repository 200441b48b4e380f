"""Checks of a Collector's configuration: whether what the processor reads reaches it, and results their backend."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from driftline import semconv
from driftline.tools.doctor.collector_graph import Collector, Drop, Item, Route
from driftline.tools.doctor.finding import Finding, listed, note, ok, problem

PROCESSOR_PORT: Final = "4327"

READ_METRICS: Final = (
    semconv.INFERENCE_ROWS,
    *(
        name
        for column in (semconv.INPUT_COLUMN, semconv.OUTPUT_COLUMN)
        for name in (column.value, column.tail, column.counts, column.observations)
    ),
    semconv.FEATURE_PRECISION,
    semconv.PAIR_ROWS,
    semconv.ROW_HASH,
)
"""Metrics of model servers that the processor reads."""

_RESULTS: Final = (semconv.DRIFT_ALARM, semconv.DRIFT_STATE, semconv.DISTRIBUTION_MEDIAN, semconv.CLASS_SHARE)
_NEEDED: Final = {
    "resource": frozenset({semconv.SERVICE_NAME, "service.instance.id", semconv.DATASET_ROLE}),
    "attributes": frozenset({
        semconv.MODEL_NAME, semconv.MODEL_VERSION, semconv.OPERATION_NAME, semconv.FEATURE_NAME, semconv.FEATURE_STATE,
        semconv.FEATURE_DECIMALS, semconv.CATEGORY, semconv.OUTPUT_NAME, semconv.OUTPUT_CLASS, semconv.SKETCH_PART,
        semconv.PAIR_NAME, semconv.PAIR_SIDES, semconv.ROW_INPUTS, semconv.SKETCHED,
    }),
}  # fmt: skip
"""Attributes without which the processor tells streams, columns or models no longer apart."""

_ENVIRONMENT: Final = (semconv.SERVICE_NAME, semconv.SERVICE_NAMESPACE, semconv.ENVIRONMENT_NAME)
_PROMETHEUS: Final = ("prometheus", "prometheusremotewrite")
_OTLP_OF_PROMETHEUS: Final = "/api/v1/otlp"
_SHIPPED: Final = "compare with collector-config/gateway.yaml"


def findings(config: Mapping[str, Any], prometheus: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """All findings. prometheus: the configuration of a Prometheus behind it, if known."""
    collector = Collector(config)
    if not collector.pipelines:
        yield problem("collector", "the configuration has no service.pipelines", _SHIPPED)
        return
    targets = frozenset(name for name, options in collector.exporters.items() if _is_processor(name, options))
    yield _target(targets)
    yield from _arrivals(collector, targets)
    yield from _sampling(collector, targets)
    yield from _stripped(collector, targets)
    yield from _results(collector, targets)
    yield from _labels(collector, prometheus)


def _is_processor(name: str, options: Any) -> bool:
    endpoint = str(options.get("endpoint", "")) if isinstance(options, Mapping) else ""
    return endpoint.rstrip("/").endswith(f":{PROCESSOR_PORT}") or "driftline" in f"{name} {endpoint}"


def _target(targets: frozenset[str]) -> Finding:
    if targets:
        return ok("collector", f"{listed(sorted(targets))} is the way to the processor")
    return note(
        "collector",
        f"no exporter leads to port {PROCESSOR_PORT}, or has `driftline` in its name or endpoint: taken for an agent, "
        "which passes everything on",
        "name the exporter to the processor otlp/driftline",
    )


def live_metric(name: str, role: str | None = None) -> Item:
    """A metric of a model server, or of a training profile."""
    facts = {
        "metric.name": name,
        "name": name,
        "resource.attributes": {semconv.DATASET_ROLE: role},
        "attributes": {semconv.MODEL_NAME: "model"},
        "datapoint.attributes": {semconv.MODEL_NAME: "model"},
    }
    return Item("metrics", name, facts)


def model_span() -> Item:
    """The span of a model call."""
    attributes = {semconv.MODEL_NAME: "model", semconv.OPERATION_NAME: "predict"}
    facts = {
        "span.attributes": attributes,
        "attributes": attributes,
        "resource.attributes": {semconv.DATASET_ROLE: None},
        "name": "predict model",
        "span.name": "predict model",
    }
    return Item("traces", "spans of models", facts)


def _arrivals(collector: Collector, targets: frozenset[str]) -> Iterator[Finding]:
    """Whether everything that the processor reads comes to it."""
    items = [*map(live_metric, READ_METRICS), model_span()]
    routes = [(item, collector.route(item)) for item in items]
    lost = [(item, route) for item, route in routes if not _arrives(route, targets)]
    if not lost:
        yield ok("names", f"all {len(READ_METRICS)} metrics that the processor reads reach it, and {model_span().name}")
    yield from _losses(collector, lost, targets)
    profile = live_metric(semconv.REFERENCE_COLUMN, semconv.REFERENCE)
    if not lost and not _arrives(collector.route(profile), targets):
        yield note(
            "names",
            "training profiles that are sent by OTLP do not reach the processor",
            f'let pass resource.attributes["{semconv.DATASET_ROLE}"] == "{semconv.REFERENCE}", or use files',
        )


def _arrives(route: Route, targets: frozenset[str]) -> bool:
    return bool(route.exporters & targets if targets else route.exporters)


def _losses(collector: Collector, lost: Iterable[tuple[Item, Route]], targets: frozenset[str]) -> Iterator[Finding]:
    """A finding for each filter that drops something, with all that it drops."""
    dropped: dict[Drop, list[str]] = {}
    nowhere: dict[str, list[str]] = {}
    for item, route in lost:
        culprits = [drop for drop in route.drops if not targets or collector.leads_to(drop.pipeline, targets)]
        for drop in culprits:
            dropped.setdefault(drop, []).append(item.name)
        if not culprits:
            nowhere.setdefault(item.signal, []).append(item.name)
    for drop, names in dropped.items():
        yield problem(
            "names",
            f"{drop.processor} in pipeline {drop.pipeline} drops {listed(names, 12)}: the processor never sees it",
            f"let these names pass; {_SHIPPED}",
        )
    for signal, names in nowhere.items():
        where = f"to {listed(sorted(targets))}" if targets else "anywhere"
        yield problem(
            "names", f"no pipeline of {signal} leads {where}: {listed(names, 3)} never arrive", f"add one; {_SHIPPED}"
        )


def _sampling(collector: Collector, targets: frozenset[str]) -> Iterator[Finding]:
    """Samplers in front of the processor: what a tail sampler keeps is no sample of known probability."""
    for pipeline in (name for name in collector.pipelines if name.startswith("traces")):
        for processor in collector.processors(pipeline):
            if not targets or not collector.leads_to(pipeline, targets):
                continue
            if processor.startswith("tail_sampling"):
                yield problem(
                    "sampling",
                    f"{processor} in pipeline {pipeline} chooses the spans that the processor sees",
                    "sample after the fork, in the pipeline to the backend",
                )
            elif processor.startswith("probabilistic_sampler"):
                yield note(
                    "sampling",
                    f"{processor} in pipeline {pipeline}: spans that no sketch counts are weighted by its probability",
                    "sample after the fork, in the pipeline to the backend",
                )


def _stripped(collector: Collector, targets: frozenset[str]) -> Iterator[Finding]:
    """Attributes that are deleted before the processor has read them."""
    ways = [name for name in collector.pipelines if not targets or collector.leads_to(name, targets)]
    for pipeline in ways:
        for processor in collector.processors(pipeline):
            for where, name in collector.stripped(processor):
                if name in _NEEDED[where]:
                    yield problem(
                        "attributes",
                        f"{processor} in pipeline {pipeline} deletes {name}, by which the processor tells things apart",
                        "delete it in the pipeline to the backend only",
                    )


def _results(collector: Collector, targets: frozenset[str]) -> Iterator[Finding]:
    """Whether results pass to a backend, with what tells environments apart."""
    dropped: dict[Drop, list[str]] = {}
    for item in map(live_metric, _RESULTS):
        route = collector.route(item)
        if not route.exporters - targets:
            for drop in route.drops:
                dropped.setdefault(drop, []).append(item.name)
    for drop, names in dropped.items():
        yield problem(
            "results",
            f"{drop.processor} in pipeline {drop.pipeline} drops {listed(names)}: results reach no backend",
            f"let ml.* pass to the backend; {_SHIPPED}",
        )
    for pipeline in collector.pipelines:
        for processor in collector.processors(pipeline):
            for where, name in collector.stripped(processor):
                if where == "attributes" and name in _ENVIRONMENT:
                    yield problem(
                        "results",
                        f"{processor} in pipeline {pipeline} deletes {name}: environments of one model share a series",
                        f"keep {name} on data points",
                    )


def _labels(collector: Collector, prometheus: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Whether a Prometheus behind it knows service and environment of what servers measure."""
    used = {str(name) for each in collector.pipelines.values() for name in each.get("exporters") or ()}
    for name in sorted(used & collector.exporters.keys()):
        options = collector.exporters[name] or {}
        if name.partition("/")[0] in _PROMETHEUS:
            yield _converted(name, options)
        elif _OTLP_OF_PROMETHEUS in str(options.get("endpoint", "")) and prometheus is None:
            yield note(
                "labels",
                f"{name} sends to a Prometheus, which must promote service and environment to labels",
                "check its prometheus.yml by another --collector",
            )


def _converted(name: str, options: Mapping[str, Any]) -> Finding:
    conversion = options.get("resource_to_telemetry_conversion")
    if isinstance(conversion, Mapping) and conversion.get("enabled") is True:
        return ok("labels", f"{name} turns resource attributes into labels")
    return problem(
        "labels",
        f"{name} leaves service and environment out of the series: those of production and staging are one",
        f"set exporters.{name}.resource_to_telemetry_conversion.enabled: true",
    )


def prometheus_findings(config: Mapping[str, Any]) -> Iterator[Finding]:
    """All findings of a prometheus.yml."""
    otlp = config.get("otlp") if isinstance(config.get("otlp"), Mapping) else {}
    promoted = {str(name) for name in (otlp or {}).get("promote_resource_attributes") or ()}
    missing = [name for name in (semconv.SERVICE_NAME, semconv.ENVIRONMENT_NAME) if name not in promoted]
    if (otlp or {}).get("promote_all_resource_attributes") is True or not missing:
        yield ok("labels", "prometheus.yml promotes service and environment to labels")
    else:
        yield problem(
            "labels",
            f"prometheus.yml does not promote {listed(missing)}: the series of production and staging are one",
            f"otlp: {{promote_resource_attributes: [{', '.join(_ENVIRONMENT)}]}}",
        )
    storage = config.get("storage")
    tsdb = storage.get("tsdb") if isinstance(storage, Mapping) else None
    if not (isinstance(tsdb, Mapping) and tsdb.get("out_of_order_time_window")):
        yield note(
            "labels",
            "prometheus.yml has no out_of_order_time_window: a late result costs its whole request",
            "storage: {tsdb: {out_of_order_time_window: 30m}}",
        )

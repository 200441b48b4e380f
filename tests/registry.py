"""The registry of names in the form of OpenTelemetry Weaver, and a live check against it.

`make docs` writes schemas/driftline from the tables in the code; a test holds the files against them. The form is
https://github.com/open-telemetry/weaver/blob/main/schemas/semconv-syntax.md.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

import yaml

from driftline import semconv
from driftline.semconv import TERMS, Term
from driftline_processor.encode.metrics import METRICS
from driftline_processor.encode.performance import PERFORMANCE_METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX, InternalMetric
from driftline_processor.verdicts.fields import KINDS
from driftline_processor.verdicts.reasons import Bound

SCHEMAS: Final = Path(__file__).parents[1] / "schemas" / "driftline"

_WRITTEN: Final = "# Written by `make docs` from the tables in the code.\n"

TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys((semconv.INPUT, semconv.OUTPUT), "template[any]"),
    **dict.fromkeys((semconv.BATCH_INPUT, semconv.BATCH_OUTPUT), "template[any]"),
    f"{semconv.OUTPUT}.confidence": "double",
    f"{semconv.OUTPUT}.{semconv.ENTROPY}": "double",
    f"{semconv.OUTPUT}.{semconv.MARGIN}": "double",
    f"{semconv.OUTPUT}.prediction": "any",
    f"{semconv.OUTPUT}.{semconv.RAW}": "template[double]",
    semconv.VECTOR_NAMES: "string[]",
    semconv.VECTOR_VALUES: "any",
    semconv.ROW_COUNT: "int",
    semconv.FEATURE_COUNT: "int",
    semconv.ROWS_SEEN: "int",
    semconv.OUTCOME_LABEL: "any",
    semconv.OUTCOME_VALUE: "double",
    semconv.OUTCOME_ROW: "int",
    semconv.OUTCOME_PROBABILITY: "double",
    semconv.OUTCOME_WEIGHT: "double",
    semconv.SKETCHED: "boolean",
    semconv.INPUTS_OMITTED: "boolean",
    semconv.REFERENCE_PROVISIONAL: "boolean",
    semconv.CHECK_FAILED: "string[]",
    semconv.EDGE_CASE: "string[]",
    semconv.INCIDENT_COLUMNS: "string[]",
    semconv.INCIDENT_TARGETS: "string[]",
    semconv.ALARM_TRACES: "string[]",
    semconv.DRIFT_REASONS: "string[]",
    semconv.ALARM_START: "double",
    semconv.INCIDENT_START: "double",
}
"""Of attributes that are no texts."""

_HINTS: Final[Mapping[Any, str]] = {
    **{
        hint: kind
        for plain, kind in ((float, "double"), (int, "int"), (str, "string"))
        for hint in (plain, plain | None)
    },
    Bound | None: "double",
    bool: "boolean",
    tuple[str, ...]: "string[]",
}


def _reason_types() -> Iterator[tuple[str, str]]:
    """Of the fields of a verdict's reasons: as the code has them, else texts."""
    hints = {kind: get_type_hints(reason) for reason, kind in KINDS.items()}
    for (kind, field), name in semconv.REASON_ATTRIBUTES.items():
        yield name, _HINTS.get(hints[kind].get(field, str), "string")


_QUOTED: Final = re.compile(r"`([a-z][a-z0-9_.]+)`")
_INSTRUMENTS: Final = {"exponential histogram": "histogram"}
_OF_MODEL: Final = (semconv.MODEL_NAME, semconv.MODEL_VERSION)
_OF_CALL: Final = (*_OF_MODEL, semconv.SYSTEM_NAME, semconv.OPERATION_NAME)
_OF_SERVICE: Final = (semconv.SERVICE_NAME, semconv.SERVICE_NAMESPACE, semconv.ENVIRONMENT_NAME, semconv.TENANT_NAME)
_OF_RESULT: Final = (*_OF_MODEL, *_OF_SERVICE, semconv.REFERENCE_PROVISIONAL)
_OF_COLUMN: Final = (semconv.DRIFT_TARGET, semconv.FEATURE_NAME)
_OF_SEGMENT: Final = (semconv.SEGMENT_NAME, semconv.SEGMENT_KIND)

_FIGURES: Final = {
    f"{semconv.PREFIX}.drift.distance": ("double", "As the metric of this name (events)"),
    f"{semconv.PREFIX}.drift.lower_bound": ("double", "As the metric of this name (events)"),
    f"{semconv.PREFIX}.drift.tolerance": ("double", "As the metric of this name (events)"),
    f"{semconv.PREFIX}.drift.window.start": ("double", "As the metric of this name (events)"),
    f"{semconv.PREFIX}.drift.window.end": ("double", "As the metric of this name (events)"),
    f"{semconv.PREFIX}.incident.column.count": ("int", "As the metric of this name (events)"),
}
"""Metrics that are attributes of events, too."""


def files() -> Mapping[Path, str]:
    """By file, what must be in it."""
    made = {
        "registry_manifest.yaml": {
            "name": "driftline",
            "description": "Telemetry of machine learning models, and what is found in it",
            "semconv_version": "0.1.0",
            "schema_base_url": "https://driftline.io/schemas",
        },
        "attributes.yaml": {"groups": [_attributes()]},
        "spans.yaml": {"groups": list(_spans())},
        "metrics.yaml": {"groups": list(_metrics())},
        "events.yaml": {"groups": list(_events())},
        "entities.yaml": {"groups": [_entity()]},
    }
    return {
        SCHEMAS / name: _WRITTEN + yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
        for name, content in made.items()
    }


def _of_kind(kind: str) -> Iterator[Term]:
    return (term for term in TERMS if term.kind.partition(",")[0] == kind)


def _attribute_terms() -> Iterator[Term]:
    yield from _of_kind("attribute")
    yield from _of_kind("resource attribute")


def _name(term: Term) -> str:
    """Of an attribute; a template's is what stands before the name of the feature or output."""
    return term.name.partition(".<")[0]


def _attributes() -> dict[str, Any]:
    kinds = {**TYPES, **dict(_reason_types()), **{name: kind for name, (kind, _) in _FIGURES.items()}}
    known = {name: meaning for name, (_, meaning) in _FIGURES.items()}
    known |= {name: "Of the processor's own metrics" for each in INTERNAL_METRICS for name in _own(each)}
    known |= {_name(term): term.meaning for term in reversed([*_attribute_terms()])}  # the first of a template counts
    return {
        "id": "registry.driftline",
        "type": "attribute_group",
        "display_name": "Driftline",
        "brief": "All attributes of Driftline, on what it sends and on what the processor answers.",
        "attributes": [
            {"id": name, "type": kinds.get(name, "string"), "stability": "development", "brief": meaning}
            for name, meaning in sorted(known.items())
        ],
    }


def _marked(mark: str) -> list[str]:
    """Attributes whose meaning says in brackets where they are."""
    return sorted(
        {_name(term) for term in _attribute_terms() if f"{mark})" in term.meaning or f"({mark}" in term.meaning}
    )


def _refs(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"ref": name} for name in dict.fromkeys(names)]


def _spans() -> Iterator[dict[str, Any]]:
    for term in _of_kind("span"):
        yield {
            "id": "span.driftline.inference",
            "type": "span",
            "span_kind": "internal",
            "stability": "development",
            "brief": term.meaning,
            "attributes": _refs((*_OF_CALL, semconv.ERROR_TYPE, *_marked("spans"))),
        }


def _metric(name: str, instrument: str, unit: str, brief: str, attributes: Iterable[str]) -> dict[str, Any]:
    return {
        "id": f"metric.{name}",
        "type": "metric",
        "metric_name": name,
        "instrument": _INSTRUMENTS.get(instrument, instrument),
        "unit": unit,
        "stability": "development",
        "brief": brief,
        "attributes": _refs(attributes),
    }


def _metrics() -> Iterator[dict[str, Any]]:
    attributes = {_name(term) for term in _attribute_terms()}
    for term in _of_kind("metric"):
        _, instrument, unit = (*term.kind.split(", "), "")[:3]
        by = [name for name in _QUOTED.findall(term.meaning) if name in attributes]
        yield _metric(term.name, instrument, unit, term.meaning, [*_OF_CALL, *_also(term.name), *by])
    for result in METRICS:
        of_column = _OF_COLUMN if result.of_column is not None else ()
        by = [result.by] if result.by else []
        of_segment = _OF_SEGMENT if result.of_segment is not None else ()
        of_result = [*_OF_RESULT, *of_column, *of_segment, *by]
        yield _metric(result.name, "gauge", result.unit, result.description, of_result)
    for each in PERFORMANCE_METRICS:
        by = [semconv.PERFORMANCE_BASIS, semconv.OUTPUT_CLASS, semconv.OUTCOME_NAME]
        yield _metric(each.name, "gauge", each.unit, each.description, [*_OF_MODEL, *_OF_SERVICE, *by])
    for internal in INTERNAL_METRICS:
        instrument = internal.kind.removeprefix("observable_")
        name = f"{METRIC_PREFIX}.{internal.name}"
        yield _metric(name, instrument, internal.unit, internal.description, _own(internal))


def _own(metric: InternalMetric) -> list[str]:
    return metric.attributes.split(", ") if metric.attributes else []


def _also(metric: str) -> Iterator[str]:
    """What else is on points of a model server, or of a training profile."""
    if metric.startswith(f"{semconv.PREFIX}.feature."):
        yield semconv.FEATURE_NAME
    if metric.startswith(f"{semconv.PREFIX}.output."):
        yield from (semconv.OUTPUT_NAME, semconv.TASK)
    if metric == semconv.INFERENCE_DURATION:
        yield semconv.ERROR_TYPE
    if metric == semconv.PAIR_ROWS:
        yield semconv.PAIR_NAME
    if metric == semconv.ROW_HASH:
        yield semconv.ROW_INPUTS
    if metric == semconv.FAULTS:
        yield from (semconv.FAULT_STAGE, semconv.ERROR_TYPE)


def _events() -> Iterator[dict[str, Any]]:
    for term in _of_kind("event"):
        mark = {
            semconv.ROWS_EVENT: "row batches",
            semconv.OUTCOME_EVENT: "outcomes",
            semconv.FEATURES_EVENT: "features",
        }.get(term.name, "events")
        of_result = (*_OF_SERVICE, *_OF_COLUMN, semconv.REFERENCE_PROVISIONAL, *_FIGURES) if mark == "events" else ()
        of_rows = (*_OF_CALL, semconv.ROW_COUNT) if mark == "row batches" else ()
        names = (*_OF_MODEL, *of_result, *of_rows, *_marked(mark), semconv.RECORD_UID, semconv.EVENT_NAME)
        yield {
            "id": f"event.{term.name}",
            "type": "event",
            "name": term.name,
            "stability": "development",
            "brief": term.meaning,
            "attributes": _refs(names),
        }


def _entity() -> dict[str, Any]:
    return {
        "id": "entity.ml.model",
        "type": "entity",
        "name": "ml.model",
        "stability": "development",
        "brief": "A model in one version, wherever it is served.",
        "attributes": [{**each, "role": "identifying"} for each in _refs(_OF_MODEL)],
    }


if __name__ == "__main__":
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for file, text in files().items():
        file.write_text(text)

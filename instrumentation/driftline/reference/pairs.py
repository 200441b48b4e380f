"""The pairs, names and types of inputs in a file of OTLP JSON, for the model server: all else is skipped at once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.reference.errors import InvalidReference
from driftline.reference.format import marked_resource, points, read_pair
from driftline.rows.codes import CodedColumn
from driftline.sketch.otlp import shown
from driftline.sketch.pairs import Pair

MOST_BYTES: Final = 64 << 20
"""Of a file; one of 30 columns has about one MB, and takes 10 ms to parse."""

_OF_PAIR: Final = frozenset({semconv.PAIR_NAME, semconv.PAIR_MEMBERS, semconv.PAIR_THRESHOLDS})
_OF_INPUT: Final = frozenset({semconv.FEATURE_NAME, semconv.COLUMN_TYPE})
_BINS: Final = frozenset({semconv.CELL_EDGES, semconv.CELL_CATEGORIES})


class ModelPairs(NamedTuple):
    """The pairs of a reference, under the names that it gives them, and its inputs. version: "" for all versions.

    types: the type of each input, in the order of the training data. id: of the reference. bins: of each input.
    """

    model: str
    version: str
    pairs: Mapping[str, Pair]
    types: Mapping[str, str]
    id: str
    bins: Mapping[str, CodedColumn]


def read_pairs(path: Path) -> ModelPairs:
    """The pairs and inputs in the file. Raises OSError, or InvalidReference, which does not name the file."""
    if (size := path.stat().st_size) > MOST_BYTES:
        raise InvalidReference(f"must have at most {MOST_BYTES:,} bytes (got {size:,})")
    request = ExportMetricsServiceRequest()
    try:
        json_format.ParseDict(_described_only(json.loads(path.read_bytes())), request, ignore_unknown_fields=True)
    except (json_format.ParseError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidReference(f"must be OTLP JSON, an ExportMetricsServiceRequest ({reason})") from error
    resource = marked_resource(request)
    described = [CheckedAttributes(point, semconv.REFERENCE_COLUMN) for _, point in points(request)]
    pairs = dict(_named(each) for each in described if semconv.FEATURE_NAME not in each)
    inputs = [each for each in described if semconv.FEATURE_NAME in each]
    types = {each.any_text(semconv.FEATURE_NAME): each.text(semconv.COLUMN_TYPE) for each in inputs}
    bins = {each.any_text(semconv.FEATURE_NAME): _bins(each) for each in inputs}
    model, version = resource.text(semconv.MODEL_NAME), resource.text(semconv.MODEL_VERSION, "")
    return ModelPairs(model, version, pairs, types, resource.text(semconv.REFERENCE_ID, ""), bins)


def _bins(described: CheckedAttributes) -> CodedColumn:
    if semconv.CELL_EDGES in described:
        return CodedColumn(described.ascending(semconv.CELL_EDGES))
    return CodedColumn(None, tuple(described.texts(semconv.CELL_CATEGORIES)))


def _named(attributes: CheckedAttributes) -> tuple[str, Pair]:
    name = attributes.text(semconv.PAIR_NAME)
    return name, read_pair(attributes.at(f"column {shown(name)}"))


def _described_only(document: Any) -> Mapping[str, Any]:
    """The request with nothing but what describes pairs and inputs."""
    return {
        "resourceMetrics": [
            {"resource": each["resource"], "scopeMetrics": [{"metrics": list(_descriptions(each))}]}
            for each in document.get("resourceMetrics", ())
        ]
    }


def _descriptions(resource_metrics: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for scope_metrics in resource_metrics.get("scopeMetrics", ()):
        for metric in scope_metrics["metrics"]:
            if metric["name"] == semconv.REFERENCE_COLUMN:
                described = [kept for point in metric["gauge"]["dataPoints"] if (kept := _kept(point["attributes"]))]
                yield {"name": metric["name"], "gauge": {"dataPoints": [{"attributes": each} for each in described]}}


def _kept(attributes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What describes a pair, or an input; not the chunks of its states, which have no type."""
    if {attribute["key"] for attribute in attributes} >= _OF_INPUT:
        return [attribute for attribute in attributes if attribute["key"] in _OF_INPUT | _BINS]
    return [attribute for attribute in attributes if attribute["key"] in _OF_PAIR]

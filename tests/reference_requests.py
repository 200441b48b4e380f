"""The golden reference as a request, and all that can be wrong with one: each fault, and how its message starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline.reference.pairs import read_pairs

GOLDEN = Path(__file__).parent / "golden" / "visits.reference.json"


def request() -> ExportMetricsServiceRequest:
    found = ExportMetricsServiceRequest()
    json_format.Parse(GOLDEN.read_text("utf-8"), found)
    return found


def rename_pairs(source: Path, target: Path) -> list[str]:
    """Writes a reference whose pairs have names that nobody computes, and returns them."""
    text = source.read_text("utf-8")
    names = list(read_pairs(source).pairs)
    for i, name in enumerate(names):
        text = text.replace(json.dumps(name, ensure_ascii=False), f'"pair {i}"')
    target.write_text(text, "utf-8")
    return [f"pair {i}" for i in range(len(names))]


def metric(message: Any, name: str) -> Any:
    return next(each for each in message.resource_metrics[0].scope_metrics[0].metrics if each.name == name)


Change = Callable[[ExportMetricsServiceRequest], Any]


def attribute(holder: Any, name: str) -> Any:
    return next(pair.value for pair in holder.attributes if pair.key == name)


def drop(holder: Any, name: str) -> None:
    del holder.attributes[[pair.key for pair in holder.attributes].index(name)]


def point(message: Any, name: str, number: int = 0) -> Any:
    held = metric(message, name)
    return getattr(held, held.WhichOneof("data")).data_points[number]


def cells(message: Any, change: Callable[[str], str]) -> None:
    held = attribute(point(message, "ml.reference.column"), "ml.chunk.cells")
    held.string_value = change(held.string_value)


FAULTS: dict[str, tuple[Change, str]] = {
    "empty": (lambda r: r.Clear(), "must be metrics whose resource has ml.dataset.role = 'reference'"),
    "live": (
        lambda r: drop(r.resource_metrics[0].resource, "ml.dataset.role"),
        "must be metrics whose resource has ml.dataset.role = 'reference'",
    ),
    "no id": (
        lambda r: drop(r.resource_metrics[0].resource, "ml.reference.id"),
        "resource: ml.reference.id must be a string (got nothing)",
    ),
    "no model": (
        lambda r: drop(r.resource_metrics[0].resource, "ml.model.name"),
        "resource: ml.model.name must be a string (got nothing)",
    ),
    "a point lost": (
        lambda r: metric(r, "ml.feature.value").exponential_histogram.data_points.pop(),
        "resource: ml.reference.points must be the number of its data points, 48 (got 49)",
    ),
    "other clock": (
        lambda r: setattr(attribute(point(r, "ml.reference.chunks"), "ml.chunk.by"), "string_value", "moon"),
        "ml.reference.chunks: ml.chunk.by must be one of time, rows (got 'moon')",
    ),
    "fewer ends": (
        lambda r: attribute(point(r, "ml.reference.chunks"), "ml.chunk.ends").array_value.values.pop(),
        "ml.reference.chunks: ml.chunk.starts must go with ml.chunk.ends, one or more (got '30 starts, 29 ends')",
    ),
    "fewer chunks": (
        lambda r: cells(r, lambda text: text.partition(";")[2]),
        "column 'age': ml.chunk.cells must have counts of each of the 30 chunks (got 29)",
    ),
    "no numbers": (
        lambda r: cells(r, lambda text: "a b" + text[text.index(";") :]),
        "column 'age': ml.chunk.cells must be whole numbers (got ['a b', ",
    ),
    "fewer cells": (
        lambda r: cells(r, lambda text: "8" + text[text.index(";") :]),
        "column 'age': ml.chunk.cells must have 34 counts from 0 to 2**53 in each chunk (got '8')",
    ),
    "too many rows": (
        lambda r: cells(r, lambda text: "9" * 400 + " 0" * 33 + text[text.index(";") :]),
        "column 'age': ml.chunk.cells must have 34 counts from 0 to 2**53 in each chunk (got '99999",
    ),
    "edges in disorder": (
        lambda r: attribute(point(r, "ml.reference.column"), "ml.cell.edges").array_value.values.reverse(),
        "column 'age': ml.cell.edges must be finite numbers, ascending (got [83.0, ",
    ),
    "no type": (
        lambda r: drop(point(r, "ml.reference.column"), "ml.column.type"),
        "column 'age': ml.column.type must be a string (got nothing)",
    ),
    "broken sketch": (
        lambda r: setattr(point(r, "ml.feature.value"), "count", 7),
        "column 'age': ml.feature.value must have buckets that add up to its count (got ",
    ),
    "sketch as gauge": (
        lambda r: metric(r, "ml.feature.value").gauge.data_points.add(
            attributes=point(r, "ml.reference.column").attributes
        ),
        "column 'age': ml.feature.value must be an exponential histogram",
    ),
    "half a row": (
        lambda r: setattr(point(r, "ml.feature.category"), "as_double", 0.5),
        "column 'items': ml.feature.category must count from 0 to 2**53 rows (got 0.5)",
    ),
    "a sketch twice": (
        lambda r: metric(r, "ml.feature.value").exponential_histogram.data_points.append(point(r, "ml.feature.value")),
        "column 'age': ml.feature.value must have one point of each part (got a second one)",
    ),
    "unknown part": (
        lambda r: setattr(attribute(point(r, "ml.feature.tail"), "ml.sketch.part"), "string_value", "left"),
        "column 'items': ml.sketch.part must be one of below, middle, above (got 'left')",
    ),
    "negative count": (
        lambda r: setattr(point(r, "ml.feature.category"), "as_int", -1),
        "column 'items': ml.feature.category must count from 0 to 2**53 rows (got -1.0)",
    ),
}

"""Whether what was sent is in the registry of names: metrics with unit, instrument and attributes, and so on."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import yaml

from otlp_sink import Attributes, Received
from registry import SCHEMAS

OURS: Final = ("ml.", "driftline.")

_TEMPLATE: Final = re.compile(r"template\[(.*)\]")
_PLAIN: Final = {"string": str, "int": int, "double": float, "boolean": bool}
_INSTRUMENTS: Final = {
    "sum": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "exponential_histogram": "histogram",
}


@lru_cache
def groups(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Of the registry, by name."""
    found = yaml.safe_load((SCHEMAS / f"{kind}.yaml").read_text())["groups"]
    return {each.get("metric_name", each.get("name", each["id"])): each for each in found}


@lru_cache
def types() -> Mapping[str, str]:
    """Of attributes, by name."""
    return {each["id"]: each["type"] for each in groups("attributes")["registry.driftline"]["attributes"]}


def complaints(received: Received) -> set[str]:
    """What is not in the registry, or not as it says. Names of others are theirs."""
    return {*_of_metrics(received), *_of_spans(received), *_of_logs(received)}


def _of_metrics(received: Received) -> Iterator[str]:
    for each in received.points():
        metric = each.metric
        if not metric.name.startswith(OURS):
            continue
        known = groups("metrics").get(metric.name)
        if known is None:
            yield f"metric {metric.name}: unknown"
            continue
        if metric.unit != known["unit"]:
            yield f"metric {metric.name}: unit {metric.unit!r}, not {known['unit']!r}"
        data = metric.WhichOneof("data")
        instrument = _INSTRUMENTS.get(data, data)
        if instrument != known["instrument"]:
            yield f"metric {metric.name}: {instrument}, not {known['instrument']}"
        yield from _of_attributes(f"metric {metric.name}", each.attributes, known)


def _of_spans(received: Received) -> Iterator[str]:
    (known,) = groups("spans").values()
    for each in received.spans():
        if "ml.model.name" in each.attributes:
            yield from _of_attributes("span", each.attributes, known)


def _of_logs(received: Received) -> Iterator[str]:
    for each in received.logs():
        name = each.record.event_name
        if not name.startswith(OURS):
            continue
        if name not in groups("events"):
            yield f"event {name}: unknown"
        else:
            yield from _of_attributes(f"event {name}", each.attributes, groups("events")[name])


def _of_attributes(where: str, attributes: Attributes, known: Mapping[str, Any]) -> Iterator[str]:
    named = {each["ref"] for each in known.get("attributes", ())}
    for name, value in attributes.items():
        registered = _registered(name)
        if registered is None or registered not in named:
            yield f"{where}: attribute {name} is not named"
        elif not _fits(value, _TEMPLATE.sub(r"\1", types()[registered])):
            yield f"{where}: attribute {name} is {value!r}, not {types()[registered]}"


def _registered(name: str) -> str | None:
    """The name, or that of the template that it is one of."""
    if name in types():
        return name
    stem, _, _ = name.rpartition(".")
    while stem and not types().get(stem, "").startswith("template"):
        stem, _, _ = stem.rpartition(".")
    return stem or None


def _fits(value: Any, kind: str) -> bool:
    if kind == "any":
        return True
    if kind.endswith("[]"):
        return isinstance(value, list | tuple) and all(_fits(each, kind[:-2]) for each in value)
    return type(value) is _PLAIN[kind]

"""A Collector's pipelines: which way an item goes, and what drops or strips it. Pure: configuration in, routes out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from driftline.tools.doctor.conditions import holds

SIGNALS: Final = ("traces", "metrics", "logs")

_FLAT: Final = {"traces": "trace_conditions", "metrics": "metric_conditions", "logs": "log_conditions"}
_NESTED: Final = {"traces": ("span",), "metrics": ("metric", "datapoint"), "logs": ("log_record",)}
_DELETE: Final = re.compile(r'delete_key\(\s*([\w.]+)\s*,\s*"([^"]+)"\s*\)(?P<where>.*)', re.DOTALL)


class Item(NamedTuple):
    """Something that is sent: its signal, its name, and what conditions of a filter can know of it."""

    signal: str
    name: str
    facts: Mapping[str, Any]


class Drop(NamedTuple):
    """A processor that drops an item on its way."""

    pipeline: str
    processor: str


class Route(NamedTuple):
    """What becomes of an item. exporters: that get it. drops: on other ways. pipelines: that it passes whole."""

    exporters: frozenset[str]
    drops: tuple[Drop, ...]
    pipelines: tuple[str, ...]


class Collector:
    """A configuration of the Collector, its variables filled in and its overlays merged."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.exporters = _section(config, "exporters")
        self._processors = _section(config, "processors")
        self._connectors = _section(config, "connectors")
        service = config.get("service")
        pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
        self.pipelines: dict[str, Mapping[str, Any]] = {
            str(name): body for name, body in (pipelines or {}).items() if isinstance(body, Mapping)
        }

    def route(self, item: Item) -> Route:
        """The way of an item from the receivers."""
        reached: set[str] = set()
        drops: list[Drop] = []
        passed: list[str] = []
        waiting = [name for name in self._of(item.signal) if self._starts(name)]
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            culprit = next((each for each in self.processors(name) if self._drops(each, item)), None)
            if culprit is not None:
                drops.append(Drop(name, culprit))
                continue
            passed.append(name)
            for exporter in _names(self.pipelines[name], "exporters"):
                if exporter in self._connectors:
                    following = [other for other in self._of(item.signal) if self._receives(other, exporter)]
                    waiting += [other for other in following if other not in seen]
                    seen.update(following)
                else:
                    reached.add(exporter)
        return Route(frozenset(reached), tuple(drops), tuple(passed))

    def leads_to(self, pipeline: str, exporters: frozenset[str]) -> bool:
        """Whether what leaves a pipeline may reach one of these exporters."""
        ways, seen = [pipeline], {pipeline}
        while ways:
            name = ways.pop()
            out = _names(self.pipelines[name], "exporters")
            if exporters.intersection(out):
                return True
            signal = name.partition("/")[0]
            following = {other for each in out for other in self._of(signal) if self._receives(other, each)} - seen
            ways += following
            seen |= following
        return False

    def processors(self, pipeline: str) -> list[str]:
        return _names(self.pipelines[pipeline], "processors")

    def options(self, processor: str) -> Mapping[str, Any]:
        """The configuration of a processor."""
        return self._processors.get(processor) or {}

    def stripped(self, processor: str) -> Iterator[tuple[str, str]]:
        """Attributes that a processor takes away from everything: (`resource` or `attributes`, name)."""
        kind, options = processor.partition("/")[0], self.options(processor)
        if kind in ("attributes", "resource"):
            where = "resource" if kind == "resource" else "attributes"
            named = options.get("attributes" if kind == "resource" else "actions") or []
            limited = options.get("include") or options.get("exclude")
            for action in named if not limited else ():
                if isinstance(action, Mapping) and action.get("action") == "delete" and "key" in action:
                    yield where, str(action["key"])
        elif kind == "transform":
            for statement in _texts(options):
                found = _DELETE.search(statement)
                if found and not found["where"].strip():
                    yield ("resource" if found[1].startswith("resource") else "attributes"), found[2]

    def _of(self, signal: str) -> list[str]:
        return [name for name in self.pipelines if name.partition("/")[0] == signal]

    def _starts(self, pipeline: str) -> bool:
        return any(receiver not in self._connectors for receiver in _names(self.pipelines[pipeline], "receivers"))

    def _receives(self, pipeline: str, connector: str) -> bool:
        return connector in self._connectors and connector in _names(self.pipelines[pipeline], "receivers")

    def _drops(self, processor: str, item: Item) -> bool:
        if processor.partition("/")[0] != "filter":
            return False
        options = self.options(processor)
        conditions = _conditions(options, item.signal)
        return any(holds(each, item.facts) is True for each in conditions) or _drops_by_name(options, item)


def _section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return {str(key): value for key, value in found.items()} if isinstance(found, Mapping) else {}


def _names(pipeline: Mapping[str, Any], what: str) -> list[str]:
    return [str(each) for each in pipeline.get(what) or ()]


def _conditions(options: Mapping[str, Any], signal: str) -> Iterator[str]:
    """Those of all three ways to write a filter."""
    yield from _texts(options.get(_FLAT[signal]))
    nested = options.get(signal)
    if isinstance(nested, Mapping):
        for context in _NESTED[signal]:
            yield from _texts(nested.get(context))


def _texts(value: Any) -> Iterator[str]:
    """All texts in lists and maps."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _texts(each)


def _drops_by_name(options: Mapping[str, Any], item: Item) -> bool:
    """The older form: `metrics: {include|exclude: {match_type, metric_names}}`."""
    nested = options.get(item.signal)
    if item.signal != "metrics" or not isinstance(nested, Mapping):
        return False
    include, exclude = nested.get("include"), nested.get("exclude")
    left_out = isinstance(include, Mapping) and "metric_names" in include and not _matches(include, item.name)
    return left_out or (isinstance(exclude, Mapping) and _matches(exclude, item.name))


def _matches(rule: Mapping[str, Any], name: str) -> bool:
    names = [str(each) for each in rule.get("metric_names") or ()]
    if rule.get("match_type") == "regexp":
        return any(re.search(pattern, name) for pattern in names)
    return name in names

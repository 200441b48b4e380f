"""The pairs of inputs that training profiles ask for, read from their files."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from driftline import semconv
from driftline.records import Model
from driftline.sketch.pairs import Pair, Pairs

_logger = logging.getLogger("driftline")

_MOST_BYTES: Final = 64 * 2**20
"""Of a file; one of 30 columns has about one MB, and takes 10 ms to parse."""

_NONE: Final = Pairs(())
_VARIABLE: Final = "DRIFTLINE_REFERENCE"


class References:
    """Reads files when it is first asked: off the caller's thread. What cannot be read is logged, and has no pairs.

    path: a file, or a folder of `*.json`; None for none.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._read: dict[tuple[str, str], Pairs] | None = None
        self._told = False

    def pairs(self, model: Model) -> Pairs:
        """Those of the model's own version, else of a reference without one."""
        if self._path is None:
            return _NONE
        if self._read is None:
            self._read = _read(self._path)
        for version in (model.version or "", ""):
            if (model.name, version) in self._read:
                return self._read[model.name, version]
        self._tell(model)
        return _NONE

    def _tell(self, model: Model) -> None:
        if self._read and not self._told:
            self._told = True
            names = ", ".join(sorted({repr(name) for name, _ in self._read}))
            _logger.warning("%s is of %s: no pairs are counted of model %r.", _VARIABLE, names, model.name)


def _read(path: Path) -> dict[tuple[str, str], Pairs]:
    found: dict[tuple[str, str], Pairs] = {}
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        _logger.warning("%s: %s must hold files named *.json; no pairs are counted.", _VARIABLE, path)
    for file in files:
        found |= _read_or_tell(file)
    return found


def _read_or_tell(file: Path) -> Mapping[tuple[str, str], Pairs]:
    try:
        return _read_file(file)
    except Exception as error:  # noqa: BLE001  # a file may hold anything; the model serves without it
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        _logger.warning("%s: %s must be a training profile (%s); its pairs are not counted.", _VARIABLE, file, reason)
        return {}


def _read_file(file: Path) -> Mapping[tuple[str, str], Pairs]:
    """Pairs by model and version."""
    if (size := file.stat().st_size) > _MOST_BYTES:
        raise ValueError(f"has {size:,} bytes, more than {_MOST_BYTES:,}")
    found: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for resource_metrics in json.loads(file.read_bytes())["resourceMetrics"]:
        resource = _attributes(resource_metrics["resource"])
        if resource.get(semconv.DATASET_ROLE) != semconv.REFERENCE:
            raise ValueError(f"lacks {semconv.DATASET_ROLE} = {semconv.REFERENCE}")
        model = resource[semconv.MODEL_NAME], resource.get(semconv.MODEL_VERSION, "")
        found[model] += _pairs(resource_metrics)
    return {model: Pairs(pairs) for model, pairs in found.items()}


def _pairs(resource_metrics: Mapping[str, Any]) -> Iterator[Pair]:
    for scope_metrics in resource_metrics["scopeMetrics"]:
        for metric in scope_metrics["metrics"]:
            if metric["name"] != semconv.REFERENCE_COLUMN:
                continue
            for point in metric["gauge"]["dataPoints"]:
                if any(pair["key"] == semconv.PAIR_MEMBERS for pair in point["attributes"]):
                    attributes = _attributes(point)
                    (first, second), (low, high) = attributes[semconv.PAIR_MEMBERS], attributes[semconv.PAIR_THRESHOLDS]
                    yield Pair((str(first), str(second)), (float(low), float(high)))


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in holder["attributes"]}


def _value(value: Mapping[str, Any]) -> Any:
    """The one field of an AnyValue in JSON."""
    ((_, held),) = value.items()
    return [_value(each) for each in held.get("values", ())] if isinstance(held, dict) else held

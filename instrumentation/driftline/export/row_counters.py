"""Counters of rows of models, beside the sketches."""

from collections.abc import Callable, Mapping

from opentelemetry.metrics import Counter, Meter

from driftline import semconv
from driftline.records import ModelFacts


class RowCounters:
    """Counters by name, each made when it first counts a row. meter: asked for then."""

    def __init__(self, meter: Callable[[], Meter]) -> None:
        self._meter = meter
        self._made: dict[str, Counter] = {}

    def add(self, name: str, model: ModelFacts, rows: int, attributes: Mapping[str, str]) -> None:
        """Count rows of a model. name: of a term of semconv; attributes: besides those of the model."""
        if not rows:
            return
        if name not in self._made:
            meaning = next(term.meaning for term in semconv.TERMS if term.name == name)
            self._made[name] = self._meter().create_counter(name, "{row}", meaning)
        version = {} if model.version is None else {semconv.MODEL_VERSION: model.version}
        self._made[name].add(rows, {semconv.MODEL_NAME: model.name, **version, **attributes})

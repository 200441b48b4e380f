"""Aggregates predictions: the rows of each model and operation, and a sketch of each input and output column."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from opentelemetry.sdk.metrics import Exemplar

from driftline import semconv
from driftline.export import data_points
from driftline.export.data_points import MetricPoint
from driftline.export.edge_cases import EdgeCaseCounter
from driftline.export.exemplars import Calls, ColumnExemplars
from driftline.export.reference_pairs import InputType, References
from driftline.features import columns
from driftline.features.blocks import ColumnBlock
from driftline.records import Capture, ModelFacts, NamedColumn, Prediction
from driftline.runtime.gil_yield import GilYield
from driftline.runtime.self_faults import FAULTS
from driftline.settings import ALL, NONE, SHOWN, Redaction, Settings
from driftline.sketch.column import ColumnSketch, TimeRange
from driftline.sketch.row_hash import RowHasher
from driftline.sketch.row_sketch import RowSketch

_logger = logging.getLogger("driftline")

_REPEAT_NS: Final = 60 * 10**9
"""A column without new rows is re-sent at this interval (ns), so that backends do not mark it stale."""

_IDLE_NS: Final = 3600 * 10**9
"""A model idle for this long (ns) is dropped; if it comes back, its counts start over."""

_MOST_INPUTS: Final = 16
"""Sets of input columns of one operation whose rows are hashed. More come from rows that lack some now and then."""

_MOST_REJECTED: Final = 100_000
"""Maximum number of rejected columns remembered, to count each once."""

Packet: TypeAlias = (
    "tuple[list[MetricPoint], Callable[[], None]]"  # points, and the acknowledgement to call once they have arrived
)
_Sketch: TypeAlias = ColumnSketch | RowSketch
_Known: TypeAlias = "tuple[dict[str, Any], Redaction, _Sketch]"


class _Captures(NamedTuple):
    """Captures that can be joined, and the spans of their calls."""

    captures: list[Capture]
    spans: list[Any]


_Group: TypeAlias = dict[tuple[Any, ...], _Captures]


class SketchKey(NamedTuple):
    """The key of a column's sketch. task: of outputs only; once it has been guessed, new streams begin."""

    kind: semconv.ColumnNames
    name: str
    task: str | None

    @property
    def attributes(self) -> dict[str, Any]:
        column = {self.kind.column: self.name}
        return column if self.task is None else {**column, semconv.TASK: self.task}


@dataclass(slots=True)
class _RowTotal:
    """A row counter, and how much of it has been acknowledged. example: a sampled call since then."""

    start: int
    count: int = 0
    example: Exemplar | None = None
    arrived: int = 0
    arrived_time: int = 0

    def point(self, attributes: dict[str, Any], now: int, *, delta: bool) -> MetricPoint:
        start = max(self.start, self.arrived_time) if delta else self.start
        count = self.count - self.arrived if delta else self.count
        examples = [] if self.example is None else [self.example]
        return semconv.INFERENCE_ROWS, data_points.number_point(attributes, TimeRange(start, now), count, examples)


@dataclass(slots=True)
class _OperationSketches:
    """The sketches of one operation of one model. types: of inputs, by the reference."""

    attributes: dict[str, Any]
    rows: _RowTotal
    seen: int
    types: Mapping[str, InputType]
    sketches: dict[SketchKey, tuple[dict[str, Any], Redaction, ColumnSketch]] = field(default_factory=dict)
    hashed: dict[SketchKey, tuple[dict[str, Any], Redaction, RowSketch]] = field(default_factory=dict)
    exemplars: dict[SketchKey, ColumnExemplars] = field(default_factory=dict)


class Aggregator:
    """Counts the rows and columns of all models. For one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], int] = time.time_ns,
        *,
        delta: bool = False,
        edge_cases: EdgeCaseCounter | None = None,
    ) -> None:
        self._settings = settings
        self._edge_cases = edge_cases
        self._clock = clock
        self._delta = delta
        self._models: dict[tuple[Any, ...], _OperationSketches] = {}
        # Outputs have a limit of their own, so that a wide input cannot crowd them out.
        self._columns: Counter[semconv.ColumnNames] = Counter()
        self._rejected: set[tuple[int, SketchKey]] = set()
        self.references = References(settings.reference)
        self._gil_yield = GilYield()

    @property
    def dropped_columns(self) -> int:
        """Columns not sketched because of `settings.max_columns`."""
        return len(self._rejected)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions. Their captures may be released afterwards."""
        inputs: _Group = {}
        outputs: _Group = {}
        models: dict[int, ModelFacts] = {}
        for each in predictions:
            models[id(each.model)] = each.model
            self._count_rows(each)
            key = id(each.model), each.operation
            if each.inputs is not None and self._settings.sketch == ALL:
                _gather(inputs, key, each.inputs, each.span)
            if each.outputs is not None and self._settings.sketch != NONE:
                _gather(outputs, key, each.outputs, each.span)
        for (model, operation, *_), group in inputs.items():
            self._try(self._add_inputs, models[model], operation, group.captures, self._calls(group))
        for (model, operation, *_), group in outputs.items():
            self._try(self._add_outputs, models[model], operation, group.captures, self._calls(group))

    def _calls(self, group: _Captures) -> "_RowCalls":
        return _RowCalls(Calls([each.rows for each in group.captures], group.spans, self._clock()))

    @staticmethod
    def _try(add: Callable[..., None], *args: Any) -> None:
        """Count a column or group; one that fails does not affect the others."""
        try:
            add(*args)
        except Exception as error:  # noqa: BLE001  # values may be anything
            FAULTS.note("aggregate", error)

    def _count_rows(self, prediction: Prediction) -> None:
        counted = self._counted(prediction.model, prediction.operation)
        rows = counted.rows
        rows.count += prediction.rows
        if rows.example is None and prediction.span is not None:
            rows.example = _exemplar(prediction, counted.seen)

    def _counted(self, model: ModelFacts, operation: str) -> _OperationSketches:
        now = self._clock()
        key = model.name, model.version, model.system, operation
        counted = self._models.get(key)
        if counted is None:
            counted = self._models[key] = _OperationSketches(
                model.attributes(operation), _RowTotal(now), now, self.references.types(model)
            )
        counted.seen = now
        return counted

    def _add_inputs(self, model: ModelFacts, operation: str, captures: list[Capture], calls: "_RowCalls") -> None:
        for unnamed in columns.whole_rows(model, captures):
            blocks = [each._replace(names=self.references.named(model, each.names or ())) for each in unnamed]
            rows = RowHasher(*_extent(blocks, model.id))
            for block in blocks:
                for name, values in zip(block.names or (), block.columns, strict=True):
                    if not self._settings.is_feature(name, model.id):
                        continue
                    column = NamedColumn(name, values)
                    self._try(self._add_column, model, operation, semconv.INPUT_COLUMN, column, calls)
                    self._try(rows.add, name, values)
                if captures[0].kind == "records":
                    self._try(self._add_absent, model, operation, block, calls)
                self._try(self._add_pairs, model, operation, block)
            self._try(self._add_rows, model, operation, rows)

    def _add_absent(self, model: ModelFacts, operation: str, block: ColumnBlock, calls: "_RowCalls") -> None:
        """Rows that are dictionaries may all lack a key that others have: its values are missing."""
        counted, there = self._counted(model, operation), set(block.names or ())
        known = {key.name for key in counted.sketches if key.kind is semconv.INPUT_COLUMN}
        known |= set() if there.isdisjoint(counted.types) else set(counted.types)
        for name in sorted(known - there):
            missing = NamedColumn(name, np.full(block.rows, None))
            self._add_column(model, operation, semconv.INPUT_COLUMN, missing, calls)

    def _add_outputs(self, model: ModelFacts, operation: str, captures: list[Capture], calls: "_RowCalls") -> None:
        for column in columns.outputs(model, operation, captures):
            self._try(self._add_column, model, operation, semconv.OUTPUT_COLUMN, column, calls)
            if self._edge_cases is not None:
                self._try(self._edge_cases.count, model, column)

    def _add_column(
        self, model: ModelFacts, operation: str, kind: semconv.ColumnNames, column: NamedColumn, calls: "_RowCalls"
    ) -> None:
        counted = self._counted(model, operation)
        key = SketchKey(kind, column.name, model.task if kind is semconv.OUTPUT_COLUMN else None)
        known = counted.sketches.get(key) or self._begin(counted, key, classes=column.classes)
        first = calls.next(key, len(column.values))
        if known is not None:
            known[2].add(column.values, self._clock())
            if calls.sampled and known[1].shown:
                self._exemplars(counted, key, column).add(column.values, first, calls.calls)
        self._gil_yield.pause()

    @staticmethod
    def _exemplars(counted: _OperationSketches, key: SketchKey, column: NamedColumn) -> ColumnExemplars:
        known = counted.types.get(key.name) if key.kind is semconv.INPUT_COLUMN else None
        named = column.classes or (known is not None and known.named)
        return counted.exemplars.setdefault(key, ColumnExemplars(classes=named))

    def _add_pairs(self, model: ModelFacts, operation: str, block: ColumnBlock) -> None:
        """Count the pairs of columns that the reference lists."""
        wanted = self.references.pairs(model)
        if not wanted:
            return
        counted = self._counted(model, operation)
        # Only the members: accessing a column transposes it.
        places = ((place, name) for place, name in enumerate(block.names or ()) if name in wanted.members)
        for name, rows in wanted.count({name: block.columns[place] for place, name in places}):
            key = SketchKey(semconv.PAIR_COLUMN, name, None)
            known = counted.sketches.get(key) or self._begin(counted, key, classes=True)
            if known is not None:
                known[2].count(rows)
            self._gil_yield.pause()

    def _add_rows(self, model: ModelFacts, operation: str, rows: RowHasher) -> None:
        """Count rows by their hash: whether they repeat."""
        buckets = rows.buckets()
        if buckets is None:
            return
        counted = self._counted(model, operation)
        key = SketchKey(semconv.ROW_COLUMN, rows.inputs.digest, None)
        if key not in counted.hashed and len(counted.hashed) < _MOST_INPUTS:
            sketch = RowSketch(self._clock(), delta=self._delta)
            counted.hashed[key] = {**counted.attributes, **key.attributes}, SHOWN, sketch
        if key in counted.hashed:
            counted.hashed[key][2].add(buckets)

    def _begin(self, counted: _OperationSketches, key: SketchKey, *, classes: bool) -> Any:
        if self._columns[key.kind] >= self._settings.max_columns:
            self._reject(counted, key)
            return None
        self._columns[key.kind] += 1
        known = counted.types.get(key.name) if key.kind is semconv.INPUT_COLUMN else None
        sketch = ColumnSketch(
            self._clock(),
            self._settings.max_categories,
            classes=classes or (known is not None and known.named),
            read=None if known is None else known.read,
            decimals=bool(key.kind.precision),
            delta=self._delta,
        )
        begun = counted.sketches[key] = ({**counted.attributes, **key.attributes}, self._redaction(key), sketch)
        return begun

    def _redaction(self, key: SketchKey) -> Redaction:
        """How to redact a column. Pairs need no redaction: their counts reveal no value of any row."""
        if key.kind is semconv.PAIR_COLUMN:
            return SHOWN
        settings = self._settings
        return settings.redaction(key.name) if key.kind is semconv.INPUT_COLUMN else settings.output_redaction()

    def _reject(self, counted: _OperationSketches, key: SketchKey) -> None:
        if not self._rejected:
            limit, model = self._settings.max_columns, counted.attributes[semconv.MODEL_NAME]
            _logger.warning(
                "Column %r of model %r is not sketched: DRIFTLINE_MAX_COLUMNS=%d reached",
                key.name,
                model,
                limit,
            )
        if len(self._rejected) < _MOST_REJECTED:
            self._rejected.add((id(counted), key))

    def packets(self) -> Iterator[Packet]:
        """Points to export. Until acknowledged, they are included in the next export, with what came since."""
        now = self._clock()
        self._forget(now)
        for counted in list(self._models.values()):
            yield from self._row_packets(counted, now)
            sketches: list[tuple[SketchKey, _Known]] = [*counted.sketches.items(), *counted.hashed.items()]
            for key, known in sketches:
                if known[2].is_due(now, _REPEAT_NS):
                    yield self._sketch_packet(key, *known, counted.exemplars.pop(key, None))
                    self._gil_yield.pause()

    def _row_packets(self, counted: _OperationSketches, now: int) -> Iterator[Packet]:
        rows = counted.rows
        if rows.count == rows.arrived and (self._delta or now - rows.arrived_time < _REPEAT_NS):
            return
        now, count = max(now, rows.arrived_time + 1, rows.start + 1), rows.count

        def acknowledge() -> None:
            rows.arrived, rows.arrived_time, rows.example = count, now, None

        yield [rows.point(counted.attributes, now, delta=self._delta)], acknowledge

    def _sketch_packet(
        self,
        key: SketchKey,
        attributes: dict[str, Any],
        redaction: Redaction,
        sketch: _Sketch,
        exemplars: ColumnExemplars | None,
    ) -> Packet:
        points = data_points.column_points(key.kind, attributes, redaction, sketch.collect(self._clock()), exemplars)
        return list(points), sketch.acknowledge

    def _forget(self, now: int) -> None:
        for key, counted in list(self._models.items()):
            if now - counted.seen > _IDLE_NS and counted.rows.arrived == counted.rows.count:
                self._columns.subtract(column.kind for column in counted.sketches)
                del self._models[key]


def _extent(blocks: Sequence[ColumnBlock], id_column: str | None) -> tuple[int, tuple[str, ...]]:
    """Rows and column names of blocks that hold the same rows; an id tells apart all of them, and is left out."""
    names = tuple(dict.fromkeys(name for block in blocks for name in block.names or () if name != id_column))
    return sum(block.rows for block in blocks if names and names[0] in (block.names or ())), names


class _RowCalls:
    """The calls behind the rows of a group. Blocks of a column come in the order of its rows."""

    def __init__(self, calls: Calls) -> None:
        self.calls, self.sampled = calls, bool(calls)
        self._seen: Counter[SketchKey] = Counter()

    def next(self, key: SketchKey, rows: int) -> int:
        """The number of the first of the next rows of a column."""
        self._seen[key] += rows
        return self._seen[key] - rows


def _gather(groups: _Group, key: tuple[Any, ...], capture: Capture, span: Any) -> None:
    names = None if capture.names is None else tuple(capture.names)
    group = groups.setdefault((*key, capture.kind, capture.layout, names), _Captures([], []))
    group.captures.append(capture)
    group.spans.append(span)


def _exemplar(prediction: Prediction, time: int) -> Exemplar | None:
    """An exemplar of a call, if its trace is sampled."""
    context = prediction.span.get_span_context()
    if not context.trace_flags.sampled:
        return None
    return Exemplar({}, prediction.rows, time, context.span_id, context.trace_id)

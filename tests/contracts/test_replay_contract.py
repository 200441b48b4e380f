"""A backtest counts rows as the instrumentation does in the process that serves the model."""

from typing import Any

import numpy as np
import pyarrow as pa
from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint

from driftline import semconv
from driftline.export.aggregator import Aggregator
from driftline.profiling.plan import PlannedColumn
from driftline.records import Capture, ModelFacts, Prediction
from driftline.reference.column_types import FLOAT, INTEGER, STRING
from driftline.reference.profile_column import ColumnKey as PlannedKey
from driftline.settings import Settings
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE
from driftline_processor.records import ColumnKey, CountPoint, ModelKey, SketchPoint
from driftline_processor.replay.column_mapping import ReplayedColumn
from driftline_processor.replay.sketcher import Sketcher

ROWS = 10_000
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(50, 20, ROWS)
NUMBERS[::7], NUMBERS[::11], NUMBERS[::13] = np.nan, np.inf, 1e9
COLUMNS: dict[str, Any] = {
    "amount": NUMBERS,
    "visits": RNG.poisson(2, ROWS),
    "city": np.where(RNG.random(ROWS) < 0.1, None, RNG.choice([f"city {i}" for i in range(150)], ROWS)),
}
KINDS = {"amount": FLOAT, "visits": INTEGER, "city": STRING}


def served() -> list[Any]:
    """What a server sends of the rows: a sorted description of each point."""
    names = tuple(COLUMNS)
    model = ModelFacts("churn", None, "ModelFacts", "scikit_learn", None, names, len(names), lambda *_: [])
    taken = Capture("columns", list(COLUMNS.values()), ROWS, None, names, 0)
    aggregate = Aggregator(Settings(), delta=True)
    aggregate.add([Prediction(model, "predict", ROWS, taken, None, 0.0, None, None)])
    points = [point for packet, _ in aggregate.packets() for _, point in packet]
    return sorted(map(_served, points), key=repr)


def _served(point: Any) -> tuple[Any, ...]:
    found = point.attributes
    name = found.get(semconv.FEATURE_NAME) or found.get(semconv.ROW_INPUTS, "")
    if isinstance(point, ExponentialHistogramDataPoint):
        sides = [(side.offset, list(side.bucket_counts)) for side in (point.positive, point.negative)]
        return name, "sketch", point.scale, point.zero_count, *sides, point.min, point.max
    names = (semconv.CATEGORY, semconv.FEATURE_STATE, semconv.FEATURE_DECIMALS)
    value = next((found[each] for each in names if each in found), "")
    return name, value, point.value


def replayed() -> list[Any]:
    """The same of a backtest."""
    batch = pa.record_batch({name: pa.array(values, from_pandas=name == "city") for name, values in COLUMNS.items()})
    planned = [PlannedColumn(PlannedKey("input", name), name, kind) for name, kind in KINDS.items()]
    columns = [ReplayedColumn(ColumnKey(*each.key), each, classes=False) for each in planned]
    sketcher = Sketcher(ModelKey("churn"), columns, {})
    values = {column.key: column.values(batch) for column in columns}
    return sorted(map(_replayed, sketcher.records(values, np.ones(ROWS, np.int64))), key=repr)


def _replayed(record: Any) -> tuple[Any, ...]:
    if isinstance(record, SketchPoint):
        held = record.histogram
        sides = [side.dense() for side in (held.positive, held.negative)]
        return record.column.name, "sketch", held.scale, held.zero, *sides, held.minimum, held.maximum
    return record.column.name, record.value if isinstance(record, CountPoint) else "", int(record.count)


def test_a_backtest_counts_what_a_server_would_have_sent() -> None:
    """The same layouts, buckets, tails, categories and states; but the states that sketches count anyway."""
    sent = [point for point in served() if point[1] not in COUNTED_ELSEWHERE]
    assert len([point for point in sent if point[1] == "sketch"]) >= 3
    assert len(sent) > 100
    assert replayed() == sent

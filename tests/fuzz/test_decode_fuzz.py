"""Any bytes are a batch, with what cannot be used counted, or the one error: nothing else comes out of decoding."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline import semconv
from driftline.rows.batch import RowBatch
from driftline.rows.table import RowTable
from driftline.sketch import Histogram
from driftline_processor.decode import DECODERS, Malformed, decode_request
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.limits import LIMITS
from driftline_processor.records import Batch, CountPoint, ExampleRows, ModelRows, ReferencePart, RowsPoint, SketchPoint
from otlp_requests import (
    batch_record,
    counter,
    logs_request,
    metrics_request,
    number,
    of_model,
    sketch,
    sketch_point,
    span,
    trace_request,
)

VALUES = Histogram.of(np.array([-3.5, 0.0, 1.0, 2.0, 1e6]), 5, 160)
KEYS = np.arange(3, dtype=np.uint64)
REFERENCE = {semconv.DATASET_ROLE: semconv.REFERENCE, semconv.REFERENCE_ID: "abc", semconv.REFERENCE_POINTS: 2}
SEEDS = (
    metrics_request(
        sketch(semconv.FEATURE_VALUE, [sketch_point(of_model(feature__name="age"), VALUES, 5, 9)]),
        counter(semconv.FEATURE_CATEGORY, [number(of_model(feature__name="plan", category="gold"), 7, 5, 9)]),
        counter(semconv.INFERENCE_ROWS, [number(of_model(), 12.5, 5, 9)]),
    ),
    metrics_request(counter(semconv.INFERENCE_ROWS, [number(of_model(), 8, 5, 9)]), resource=REFERENCE),
    trace_request(
        span({**of_model(), "ml.input.a": 1.5, "ml.input.b": "x", "ml.output.prediction": True}, trace_state="ot=th:8"),
        span({**of_model(), "ml.input.a": [1.0, None, 3.0], semconv.VECTOR_NAMES: ["v"]}),
    ),
    logs_request(batch_record(RowBatch("p.1", 0, 9, RowTable(KEYS, KEYS.astype(np.int64), {})))),
)

decoders = pytest.mark.parametrize(
    "decode",
    [lambda data, signal=signal: decode_request(signal, data, LIMITS).batch for signal in DECODERS],
    ids=DECODERS,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid request with some bytes changed, cut out or put in."""
    body = bytearray(draw(st.sampled_from(SEEDS)).SerializeToString())
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(body)


def decoded(decode: Callable[[bytes], Batch], data: bytes) -> Batch | None:
    try:
        return decode(data)
    except Malformed:
        return None


def check(record: Any) -> None:
    """What comes out can be relied on."""
    if isinstance(record, ReferencePart):
        assert record.id
        assert record.expected > 0
        return
    assert record.model.name
    if isinstance(record, ModelRows):
        assert record.batch.uid
        assert len(record.batch.table.times) == len(record.batch.table)
        assert record.batch.weight >= 1
        return
    if isinstance(record, ExampleRows):
        spans = len(record.keys)
        assert {len(key) for key in record.keys} == {24}
        assert (len(record.times), len(record.weights)) == (spans, spans)
        assert {len(values) for values in record.columns.values()} == {spans * record.rows}
        assert record.times.min() > 0
        assert record.weights.min() >= 1
        return
    assert 0 < record.time < 2**63
    assert 0 < record.start <= record.time
    assert len(record.stream) == 16
    if isinstance(record, SketchPoint):
        assert 0 <= record.histogram.count <= 2**53
        intervals = record.histogram.decoded.intervals()
        assert np.isfinite(intervals.lower).all()
        assert np.isfinite(intervals.upper).all()
    else:
        assert isinstance(record, CountPoint | RowsPoint)
        assert 0 <= record.count <= 2**53


@decoders
@given(data=st.binary(max_size=200))
def test_any_bytes(decode: Callable[[bytes], Batch], data: bytes) -> None:
    """Noise is a batch or Malformed."""
    batch = decoded(decode, data)

    for record in batch.records if batch else ():
        check(record)


@decoders
@settings(max_examples=1_000)
@given(data=mutated())
def test_mutated_requests(decode: Callable[[bytes], Batch], data: bytes) -> None:
    """Damaged requests give sound records, counted rejections with a reason, or Malformed."""
    batch = decoded(decode, data)

    for record in batch.records if batch else ():
        check(record)
    for items, reason in batch.rejections if batch else ():
        assert items >= 1
        assert 0 < len(reason) < 1_000


@settings(max_examples=300)
@given(requests=st.lists(mutated(), min_size=1, max_size=4))
def test_mutated_requests_do_not_break_the_engine(requests: list[bytes]) -> None:
    """What decoding lets through, the engine can count and judge, and its rows stay sound."""
    engine = Engine(EngineSettings(10, 5, 1, 0.05, 1.0, 100))
    for data in requests:
        for signal in DECODERS:
            batch = decoded(lambda data, signal=signal: decode_request(signal, data, LIMITS).batch, data)
            engine.observe(batch.records if batch else (), received=20)
    engine.advance(1_000)

    assert all(rows >= 0 for rows in engine.rows().values())

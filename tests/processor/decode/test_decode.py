"""OTLP bytes to records: what is ours is read exactly, what is wrong counted with its reason, the rest passed over."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Histogram as ExplicitHistogram
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode import Malformed, decode_logs, decode_metrics, decode_traces
from driftline_processor.decode.metrics import MAX_EXEMPLARS
from driftline_processor.decode.sampling import sampling_weight
from driftline_processor.decode.traces import MAX_SKETCHED
from driftline_processor.records import (
    ColumnKey,
    CountPoint,
    ModelKey,
    ReferencePart,
    RowsPoint,
    SketchPoint,
)
from otlp_requests import (
    CUMULATIVE,
    DELTA,
    SERVICE,
    counter,
    gauge,
    metrics_request,
    number,
    of_model,
    pairs,
    sketch,
    sketch_point,
    span,
    trace_request,
)

VALUES = Histogram.of(np.array([-3.5, -1e-9, 0.0, 0.0, 1.0, 2.0, 2.0, 1e6]), 5, 160)
AGE = of_model(feature__name="age")
MODEL = ModelKey("churn", "", (("service.name", "shop"),))


def records(*metrics: Metric, **options: Any) -> tuple[Any, ...]:
    batch = decode_metrics(metrics_request(*metrics, **options).SerializeToString())
    assert batch.rejections == ()
    return batch.records


def rejection(*metrics: Metric) -> str:
    """The one reason for which the one point was rejected."""
    batch = decode_metrics(metrics_request(*metrics).SerializeToString())
    assert batch.records == ()
    ((items, reason),) = batch.rejections
    assert items == 1
    return reason


def test_sketch_is_read_exactly() -> None:
    """An exponential histogram arrives bucket for bucket, with its model, column, times and temporality."""
    (core,) = records(sketch(semconv.FEATURE_VALUE, [sketch_point(AGE, VALUES, 5, 9)]))
    (tail,) = records(
        sketch(
            semconv.OUTPUT_TAIL,
            [sketch_point(of_model(output__name="score", sketch__part="below"), VALUES, 5, 9)],
            DELTA,
        )
    )

    assert isinstance(core, SketchPoint)
    assert core.histogram.decoded == VALUES
    assert (core.model, core.column, core.operation) == (MODEL, ColumnKey("input", "age"), "predict")
    assert (core.start, core.time, core.cumulative) == (5, 9, True)
    assert (tail.column, tail.cumulative) == (ColumnKey("output", "score"), False)


@pytest.mark.parametrize(
    ("name", "attributes", "read"),
    [
        (
            semconv.FEATURE_CATEGORY,
            {"feature__name": "plan", "category": "gold"},
            (("input", "plan"), "category", "gold"),
        ),
        (semconv.FEATURE_CATEGORY, {"feature__name": "plan", "category": ""}, (("input", "plan"), "category", "")),
        (
            semconv.FEATURE_CATEGORY,
            {"feature__name": "plan", "category": True},
            (("input", "plan"), "category", "true"),
        ),
        (semconv.FEATURE_CATEGORY, {"feature__name": "plan", "category": 3}, (("input", "plan"), "category", "3")),
        (
            semconv.FEATURE_OBSERVATIONS,
            {"feature__name": "age", "feature__state": "missing"},
            (("input", "age"), "state", "missing"),
        ),
        (
            semconv.FEATURE_PRECISION,
            {"feature__name": "age", "feature__decimals": "-1"},
            (("input", "age"), "decimals", "-1"),
        ),
        (
            semconv.OUTPUT_PREDICTIONS,
            {"output__name": "prediction", "output__class": "1"},
            (("output", "prediction"), "category", "1"),
        ),
        (
            semconv.OUTPUT_PREDICTIONS,
            {"output__name": "label", "output__class": "1"},
            (("label", "label"), "category", "1"),
        ),
        (
            semconv.OUTPUT_OBSERVATIONS,
            {"output__name": "score", "feature__state": "valid"},
            (("output", "score"), "state", "valid"),
        ),
    ],
)
@pytest.mark.parametrize("count", [7, 7.5])
def test_counters(name: str, attributes: dict[str, Any], read: tuple[tuple[str, str], str, str], count: float) -> None:
    """Counters of categories and states are read, whole numbers and fractions; a label may be any scalar."""
    (point,) = records(counter(name, [number(of_model(**attributes), count, 5, 9)]))

    assert isinstance(point, CountPoint)
    assert (point.column, point.kind, point.value) == read
    assert point.count == count


def test_rows() -> None:
    """Rows given to the model belong to no column."""
    (point,) = records(counter(semconv.INFERENCE_ROWS, [number(of_model(model__version="2"), 12, 5, 9)]))

    assert isinstance(point, RowsPoint)
    assert (point.model, point.column, point.count) == (MODEL._replace(version="2"), ColumnKey("", ""), 12)


def test_exemplars_of_rows_name_traces() -> None:
    """The traces of the first few; an exemplar need not have one."""
    point = number(of_model(), 12, 5, 9)
    for trace in (b"", *(bytes([i]) * 16 for i in range(20))):
        point.exemplars.add(trace_id=trace)
    (record,) = records(counter(semconv.INFERENCE_ROWS, [point]))

    assert isinstance(record, RowsPoint)
    assert record.traces == tuple(bytes([i]).hex() * 16 for i in range(MAX_EXEMPLARS - 1))


def test_delta_without_start_is_an_instant() -> None:
    """A delta need not say since when it counts; its rows are those of its time."""
    (point,) = records(counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 0, 9)], DELTA))

    assert (point.start, point.time) == (9, 9)


def test_kept_resource() -> None:
    """Results keep service, namespace and environment, in either spelling, and not the instance."""
    resource = {**SERVICE, "service.namespace": "eu", "deployment.environment": "staging", "host.name": "h"}
    (point,) = records(counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 5, 9)]), resource=resource)

    assert point.model.resource == (
        ("deployment.environment.name", "staging"),
        ("service.name", "shop"),
        ("service.namespace", "eu"),
    )


def rows_stream(attributes: dict[str, object], **options: Any) -> bytes:
    (point,) = records(counter(semconv.INFERENCE_ROWS, [number(attributes, 1, 5, 9)]), **options)
    assert isinstance(point, RowsPoint)
    return point.stream


def test_stream_is_told_by_all_that_names_it() -> None:
    """A stream's digest depends on resource, scope, metric and attributes, and not on the order of attributes."""
    attributes = of_model(model__version="2")
    other_order = dict(reversed(attributes.items()))
    streams = {
        rows_stream(attributes),
        rows_stream(attributes, resource={"service.instance.id": "two"}),
        rows_stream(attributes, scope="another"),
        rows_stream(of_model(model__version="3")),
    }

    assert len(streams) == 4
    assert rows_stream(other_order) == rows_stream(attributes)
    assert rows_stream(attributes, resource=dict(reversed(tuple(SERVICE.items())))) == rows_stream(attributes)


def test_points_of_others_are_passed_over() -> None:
    """Metrics of other names are neither read nor rejected, nor is a point that says that it has no value."""
    empty = number(of_model(), 1, 5, 9)
    empty.flags = 1

    assert records(gauge("cpu", [number({}, 1.0, 5, 9)]), Metric(name=semconv.FEATURE_VALUE)) == ()
    assert records(counter(semconv.INFERENCE_ROWS, [empty])) == ()


def _explicit() -> Metric:
    histogram = ExplicitHistogram(
        data_points=[HistogramDataPoint(attributes=pairs(AGE))], aggregation_temporality=CUMULATIVE
    )
    return Metric(name=semconv.FEATURE_VALUE, histogram=histogram)


def _decreasing() -> Metric:
    metric = counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 5, 9)])
    metric.sum.is_monotonic = False
    return metric


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (_explicit(), "ml.feature.value: must be an exponential histogram (got a histogram with explicit bounds)"),
        (
            gauge(semconv.INFERENCE_ROWS, [number(of_model(), 1, 5, 9)]),
            "ml.inference.rows: must be a counter (got a gauge)",
        ),
        (_decreasing(), "ml.inference.rows: must be monotonic: it counts rows"),
        (
            counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 5, 9)], 0),
            "ml.inference.rows: must be cumulative or delta (temporality is unspecified)",
        ),
        (
            sketch(semconv.FEATURE_VALUE, [sketch_point({semconv.FEATURE_NAME: "age"}, VALUES, 5, 9)]),
            "ml.feature.value: must have the attribute ml.model.name",
        ),
        (
            sketch(semconv.FEATURE_VALUE, [sketch_point(of_model(), VALUES, 5, 9)]),
            "ml.feature.value: must have the attribute ml.feature.name",
        ),
        (
            sketch(semconv.FEATURE_VALUE, [sketch_point(of_model(feature__name=["a"]), VALUES, 5, 9)]),
            "ml.feature.value: must have the attribute ml.feature.name",
        ),
        (
            counter(semconv.FEATURE_CATEGORY, [number(AGE, 1, 5, 9)]),
            "ml.feature.category: must have the attribute ml.category",
        ),
        (
            sketch(semconv.FEATURE_VALUE, [sketch_point(of_model(feature__name="x" * 2000), VALUES, 5, 9)]),
            "ml.feature.value: ml.feature.name must have at most 1024 characters (got 2000)",
        ),
        (
            sketch(semconv.FEATURE_TAIL, [sketch_point({**AGE, semconv.SKETCH_PART: "left"}, VALUES, 5, 9)]),
            "ml.feature.tail: ml.sketch.part must be below, middle or above (got 'left')",
        ),
        (
            counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 0, 9)]),
            "ml.inference.rows{''}: must have times with 0 < start <= time (got start 0, time 9)",
        ),
        (
            counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 9, 5)]),
            "ml.inference.rows{''}: must have times with 0 < start <= time (got start 9, time 5)",
        ),
        (
            counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 0, 0)], DELTA),
            "ml.inference.rows{''}: must have times with 0 < start <= time (got start 0, time 0)",
        ),
        (
            counter(semconv.INFERENCE_ROWS, [number(of_model(), 1, 1, 2**64 - 1)]),
            f"ml.inference.rows{{''}}: must have times with 0 < start <= time (got start 1, time {2**64 - 1})",
        ),
        *(
            (
                counter(semconv.INFERENCE_ROWS, [number(of_model(), count, 5, 9)]),
                f"ml.inference.rows{{''}}: must count from 0 to 2**53 rows (got {float(count)})",
            )
            for count in (-1, -0.5, float("nan"), float("inf"), 2**60)
        ),
    ],
)
def test_unusable_point(metric: Metric, reason: str) -> None:
    """What cannot be used is rejected: the metric, the rule, the value."""
    assert rejection(metric) == reason


def _with(change: Callable[[Any], None]) -> Metric:
    point = sketch_point(AGE, VALUES, 5, 9)
    change(point)
    return sketch(semconv.FEATURE_VALUE, [point])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: setattr(p, "count", 9), "must have buckets that add up to its count (got 8, count 9)"),
        (lambda p: setattr(p, "scale", 21), "must have a scale from -20 to 20 (got 21)"),
        (lambda p: setattr(p, "scale", -21), "must have a scale from -20 to 20 (got -21)"),
        (
            lambda p: p.positive.bucket_counts.extend([0] * 9000),
            "must have at most 8192 buckets of a sign",
        ),
        (
            lambda p: setattr(p.positive, "offset", 2**31 - 1),
            "must have buckets within float64",
        ),
        (
            lambda p: setattr(p.negative, "offset", -(2**31)),
            "must have buckets within float64",
        ),
    ],
)
def test_unusable_histogram(change: Callable[[Any], None], reason: str) -> None:
    """A histogram that could not be added up is rejected: one wrong point costs no other anything."""
    found = rejection(_with(change))

    assert found.startswith("ml.feature.value{'age'}: " + reason)


def test_bad_points_cost_the_good_nothing() -> None:
    """In one request, what is good is read and what is bad counted by reason."""
    metric = sketch(
        semconv.FEATURE_VALUE,
        [
            sketch_point(AGE, VALUES, 5, 9),
            sketch_point(of_model(), VALUES, 5, 9),
            sketch_point(of_model(), VALUES, 6, 9),
        ],
    )
    batch = decode_metrics(metrics_request(metric).SerializeToString())

    assert len(batch.records) == 1
    assert batch.rejections == ((2, "ml.feature.value: must have the attribute ml.feature.name"),)


def test_extreme_scales_are_read() -> None:
    """The coarsest and the finest histogram hold the largest and the smallest magnitudes."""
    values = np.array([5e-324 * 2**60, np.finfo(float).max, -1.0])
    for scale in (-4, 0, 8):
        histogram = Histogram.of(values, scale, 10**9)
        batch = decode_metrics(
            metrics_request(sketch(semconv.FEATURE_VALUE, [sketch_point(AGE, histogram, 5, 9)])).SerializeToString()
        )
        if scale < 8:
            assert batch.records[0].histogram.decoded == histogram  # type: ignore[union-attr]  # the one record is a SketchPoint
        else:
            assert "at most 8192 buckets" in batch.rejections[0].reason


def test_many_reasons_stay_few() -> None:
    """A request in which everything is wrong in a way of its own does not make an endless answer."""
    points = [number(of_model(), -1.0 - i, 5, 9) for i in range(500)]
    batch = decode_metrics(metrics_request(counter(semconv.INFERENCE_ROWS, points)).SerializeToString())

    assert sum(items for items, _ in batch.rejections) == 500
    assert len(batch.rejections) == 51


def test_5000_features_and_100000_categories() -> None:
    """Width is no error here: every feature and every category is read."""
    features = [sketch_point(of_model(feature__name=f"f{i}"), VALUES, 5, 9) for i in range(5_000)]
    categories = [number(of_model(feature__name="id", category=str(i)), 1, 5, 9) for i in range(100_000)]
    found = records(sketch(semconv.FEATURE_VALUE, features), counter(semconv.FEATURE_CATEGORY, categories))

    assert len({point.column for point in found}) == 5_001
    assert len({point.stream for point in found}) == 105_000


def test_empty_requests() -> None:
    """No bytes are an empty request of any signal."""
    assert [decode(b"").records for decode in (decode_metrics, decode_traces, decode_logs)] == [(), (), ()]


@pytest.mark.parametrize("decode", [decode_metrics, decode_traces, decode_logs])
def test_malformed(decode: Callable[[bytes], object]) -> None:
    """Bytes that are no request raise the one error."""
    with pytest.raises(Malformed, match="ServiceRequest"):
        decode(b"\xff\xff\xff")


REFERENCE = {
    semconv.DATASET_ROLE: semconv.REFERENCE,
    semconv.MODEL_NAME: "churn",
    semconv.REFERENCE_ID: "abc",
    semconv.REFERENCE_POINTS: 3,
}


def test_reference_part() -> None:
    """A profile's points travel as they are, one by one, and joined they are the profile again."""
    request = metrics_request(
        sketch(semconv.FEATURE_VALUE, [sketch_point(AGE, VALUES, 5, 9)]),
        counter(semconv.INFERENCE_ROWS, [number(of_model(), 8, 5, 9), number(of_model(model__version="2"), 8, 5, 9)]),
        resource=REFERENCE,
    )
    batch = decode_metrics(request.SerializeToString())
    (part,) = batch.records

    assert batch.rejections == ()
    assert isinstance(part, ReferencePart)
    assert (part.id, part.expected, len(part.points)) == ("abc", 3, 3)
    joined = MetricsData.FromString(b"".join(part.points.values()))
    names = [metric.name for held in joined.resource_metrics for metric in held.scope_metrics[0].metrics]
    assert names == [semconv.FEATURE_VALUE, semconv.INFERENCE_ROWS, semconv.INFERENCE_ROWS]
    assert (
        joined.resource_metrics[0].scope_metrics[0].metrics[0]
        == (request.resource_metrics[0].scope_metrics[0].metrics[0])
    )


def test_reference_part_is_the_same_however_it_is_split() -> None:
    """The same point has the same digest in a request of its own, so parts that come twice count once."""
    points = [number(of_model(model__version=str(i)), 8, 5, 9) for i in range(3)]
    whole = metrics_request(counter(semconv.INFERENCE_ROWS, points), resource=REFERENCE)
    split = ExportMetricsServiceRequest()
    for point in points:
        split.MergeFrom(metrics_request(counter(semconv.INFERENCE_ROWS, [point]), resource=REFERENCE))
    digests = [
        {digest for part in decode_metrics(request.SerializeToString()).records for digest in part.points}  # type: ignore[union-attr]  # all are parts
        for request in (whole, split)
    ]

    assert digests[0] == digests[1]
    assert len(digests[0]) == 3


def test_reference_without_identity_is_rejected() -> None:
    """A profile that does not say which one it is, or how many points it has, cannot be put together."""
    resource = {semconv.DATASET_ROLE: semconv.REFERENCE, semconv.REFERENCE_POINTS: "many"}
    request = metrics_request(counter(semconv.INFERENCE_ROWS, [number(of_model(), 8, 5, 9)]), resource=resource)
    batch = decode_metrics(request.SerializeToString())

    assert batch.records == ()
    assert batch.rejections == (
        (
            1,
            ("reference: must have the resource attributes ml.reference.id and ml.reference.points (got '', 'many')"),
        ),
    )


def examples(*spans: Any) -> tuple[Any, ...]:
    batch = decode_traces(trace_request(*spans).SerializeToString())
    assert batch.rejections == ()
    return batch.records


def test_span_of_one_row() -> None:
    """A span's scalars are one row: numbers, strings, booleans, and None for what is missing or NaN."""
    attributes = {
        **of_model(),
        "ml.input.age": 41.5,
        "ml.input.visits": 3,
        "ml.input.plan": "gold",
        "ml.input.new": True,
        "ml.input.gone": None,
        "ml.input.nan": float("nan"),
        "ml.output.prediction": "stays",
        "ml.output.label": 1,
        "ml.row.count": 1,
        "http.route": "/predict",
    }
    (rows,) = examples(span(attributes, 7, 1_000))

    assert (rows.model, rows.operation, rows.rows) == (MODEL, "predict", 1)
    assert rows.keys == (bytes(15) + b"\x01" + bytes(7) + b"\x07",)
    assert (rows.times.tolist(), rows.weights.tolist()) == ([1_000], [1.0])
    assert rows.columns == {
        ColumnKey("input", "age"): (41.5,),
        ColumnKey("input", "visits"): (3,),
        ColumnKey("input", "plan"): ("gold",),
        ColumnKey("input", "new"): (True,),
        ColumnKey("input", "gone"): (None,),
        ColumnKey("input", "nan"): (None,),
        ColumnKey("output", "prediction"): ("stays",),
        ColumnKey("label", "label"): (1,),
    }


def test_span_of_many_rows() -> None:
    """Arrays are the first rows of a batch; a name may hold dots."""
    (rows,) = examples(span({**of_model(), "ml.input.a.b": [1.0, None, 3.0], "ml.output.prediction": ["x", "y", "x"]}))

    assert rows.rows == 3
    assert rows.columns == {
        ColumnKey("input", "a.b"): (1.0, None, 3.0),
        ColumnKey("output", "prediction"): ("x", "y", "x"),
    }


def test_the_rows_of_a_batch_stand_for_its_first_row() -> None:
    """The first row, as scalars, is one of them: it is not counted again."""
    shown = {"ml.input.a": 1.0, "ml.output.prediction": "x", "ml.batch.input.a": [1.0, None]}
    (rows,) = examples(span({**of_model(), **shown, "ml.batch.output.prediction": ["x", "y"]}))

    assert rows.columns == {ColumnKey("input", "a"): (1.0, None), ColumnKey("output", "prediction"): ("x", "y")}


def test_span_with_a_vector() -> None:
    """Past the cap on attributes, names and values stand in two arrays."""
    (rows,) = examples(span({**of_model(), semconv.VECTOR_NAMES: ["a", "b"], semconv.VECTOR_VALUES: [1.0, 2.0]}))

    assert rows.columns == {ColumnKey("input", "a"): (1.0,), ColumnKey("input", "b"): (2.0,)}


def test_of_a_key_that_comes_twice_the_last_holds() -> None:
    """OTLP leaves it open what a repeated attribute means: it does not make two columns."""
    twice = span({**of_model(), "ml.input.a": 1.0})
    twice.attributes.extend(pairs({"ml.input.a": 2.0}))

    assert examples(twice)[0].columns == {ColumnKey("input", "a"): (2.0,)}


def test_spans_that_are_not_ours_are_passed_over() -> None:
    """Other spans, sketched ones and those without values are neither read nor rejected."""
    others = (
        span({"http.route": "/"}),
        span({**of_model(), "ml.input.a": 1.0, semconv.SKETCHED: True}),
        span({**of_model(), semconv.ROW_COUNT: 1}),
        span({**of_model(), "ml.input.a": []}),
    )

    assert examples(*others) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: setattr(s, "span_id", b""), "span: must have a trace id of 16 bytes and a span id of 8"),
        (lambda s: s.MergeFrom(Span(trace_id=bytes(16), span_id=bytes(8))), "span: must have a trace id of 16 bytes"),
        (lambda s: setattr(s, "end_time_unix_nano", 2**64 - 1), "span: must have an end time within 1970 to 2262"),
        (
            lambda s: s.attributes.extend(pairs({"ml.input.b": [1.0, 2.0]})),
            "span: all columns must have equally many rows",
        ),
        (
            lambda s: s.attributes.extend(pairs({semconv.MODEL_NAME: ""})),
            "span: ml.model.name must have 1 to 1024 characters",
        ),
        (
            lambda s: s.attributes.extend(pairs({f"ml.input.f{i}": 1.0 for i in range(10_000)})),
            "span: must have at most 10000 columns and 100000 rows (got 10001, 1)",
        ),
    ],
)
def test_unusable_span(change: Callable[[Any], object], reason: str) -> None:
    """A span that cannot be counted is rejected with the rule, and costs its neighbour nothing."""
    bad, good = span({**of_model(), "ml.input.a": 1.0}, 1), span({**of_model(), "ml.input.a": 1.0}, 2)
    change(bad)
    batch = decode_traces(trace_request(bad, good).SerializeToString())

    assert len(batch.records) == 1
    ((items, found),) = batch.rejections
    assert items == 1
    assert found.startswith(reason)


def test_time_of_a_span_that_has_no_end() -> None:
    """A span without an end counts at its start."""
    attributes = {**of_model(), "ml.input.a": 1.0}
    open_ended = span(attributes, time=1_000)
    open_ended.end_time_unix_nano = 0

    assert examples(open_ended)[0].times.tolist() == [999]


@pytest.mark.parametrize(
    ("trace_state", "stands_for"),
    [
        ("", 1.0),
        ("ot=th:0", 1.0),
        ("ot=th:8", 2.0),
        ("ot=th:c", 4.0),
        ("vendor=x, ot=rv:abcdef01234567;th:fd70a3d70a3d71", 100.0),
        ("ot=th:ffffffffffffff", 2.0**56),
        ("ot=th:", 1.0),
        ("ot=th:xyz", 1.0),
        ("ot=th:C", 1.0),
        ("ot=th:fffffffffffffff", 1.0),
        ("other=th:8", 1.0),
    ],
)
def test_weight(trace_state: str, stands_for: float) -> None:
    """A sampled span stands for one over its probability (OTEP 235); a threshold that is none says nothing."""
    assert sampling_weight(trace_state) == pytest.approx(stands_for)


def test_weight_of_a_span() -> None:
    """The weight travels with the rows."""
    assert examples(span({**of_model(), "ml.input.a": 1.0}, trace_state="ot=th:8"))[0].weights.tolist() == [2.0]


def test_spans_that_sketches_have_counted_stand_apart() -> None:
    """What they show names calls; it is not counted, and breaks no rule."""
    shown = {"ml.input.a": 1.0, "ml.output.prediction": "x"}
    sketched = span({**of_model(), **shown, semconv.SKETCHED: True}, 2)
    wrong = span({**of_model(), **shown, "ml.input.b": [1.0, 2.0], semconv.SKETCHED: True}, 3)
    request = trace_request(span({**of_model(), **shown}), sketched, wrong, span({"http.route": "/"}, 4))
    batch = decode_traces(request.SerializeToString())

    assert [record.keys for record in batch.records] == [(bytes(15) + b"\x01" + bytes(7) + b"\x01",)]
    assert [record.keys for record in batch.sketched] == [(bytes(15) + b"\x01" + bytes(7) + b"\x02",)]
    assert batch.sketched[0].columns == batch.records[0].columns
    assert not batch.rejections


def test_sketched_spans_that_are_read_one_by_one_are_bounded() -> None:
    """More of them would cost more than they tell; those that are counted are all read."""
    many = [span({**of_model(), f"ml.input.a{n}": 1.0, semconv.SKETCHED: n % 2 == 0}, n + 1) for n in range(400)]
    batch = decode_traces(trace_request(*many).SerializeToString())

    assert len(batch.records) == 200
    assert MAX_SKETCHED <= sum(len(record.keys) for record in batch.sketched) < 200


def test_exemplars_of_columns_name_calls_with_their_values() -> None:
    """Of a sketch each has its own; of a category or a state that of its point. Without a span id it names no call."""
    call = {"trace_id": bytes([1]) * 16, "span_id": bytes([2]) * 8, "time_unix_nano": 9}
    value = sketch_point(of_model(feature__name="a"), Histogram.of([1.0, 2.0], 2, 16), 5, 10)
    value.exemplars.add(as_double=2.0, **call)
    value.exemplars.add(as_double=1.0, trace_id=bytes([1]) * 16)
    gold = number(of_model(feature__name="p", category="gold"), 3, 5, 10)
    missing = number(of_model(feature__name="p", feature__state="missing"), 3, 5, 10)
    for point in (gold, missing):
        point.exemplars.add(as_double=1.0, **call)
    request = metrics_request(
        sketch(semconv.FEATURE_VALUE, [value]),
        counter(semconv.FEATURE_CATEGORY, [gold]),
        counter(semconv.FEATURE_OBSERVATIONS, [missing]),
    )
    records = decode_metrics(request.SerializeToString()).records
    found = [record.exemplars for record in records if isinstance(record, SketchPoint | CountPoint)]

    named = call["trace_id"] + call["span_id"]  # type: ignore[operator]
    assert found == [((named, 9, 2.0),), ((named, 9, "gold"),), ((named, 9, None),)]

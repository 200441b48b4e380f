"""The promise of the sketch, on named distributions: nearly the exact distance, no row lost, small on the wire.

Every sketch has a layout of its own, fitted on its first block, as two processes would have them. The estimator is the
certain bound, `ks_bounds(a, b)[0]`; the truth is `scipy.stats.ks_2samp` over all rows.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint
from scipy.stats import ks_2samp

from driftline import semconv
from driftline.sketch import Buckets, Histogram, Layout, NumericPoints, NumericSketch, NumericStream, fit_layout
from interval_statistics import ks_bounds

ROWS = 20_000
BLOCK = 8_192
FIRST = 2_048
ERROR = 0.005
DAY = 86_400
YEAR = 365 * DAY

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Rows]

DISTRIBUTIONS: Mapping[str, Draw] = {
    "normal": lambda r: r.normal(0, 1, ROWS),
    "lognormal 1": lambda r: r.lognormal(0, 1, ROWS),
    "N(1000, 1)": lambda r: r.normal(1000, 1, ROWS),
    "N(1024, 1)": lambda r: r.normal(1024, 1, ROWS),
    "N(-300, 2)": lambda r: r.normal(-300, 2, ROWS),
    "epoch seconds of a day": lambda r: 1.7e9 + r.uniform(0, DAY, ROWS),
    "epoch seconds of a year": lambda r: 1.7e9 + r.uniform(0, YEAR, ROWS),
    "latitudes": lambda r: np.where(r.random(ROWS) < 0.7, r.normal(48, 4, ROWS), r.normal(-33, 5, ROWS)),
    "ages": lambda r: np.clip(r.normal(42, 14, ROWS), 18, 95).round(),
    "zero-inflated": lambda r: np.where(r.random(ROWS) < 0.7, 0.0, r.lognormal(3, 1, ROWS)),
    "constant": lambda r: np.full(ROWS, 42.0),
    "bimodal": lambda r: r.normal(0, 1, ROWS) + np.where(r.random(ROWS) < 0.5, 5, -5),
    "Pareto 3": lambda r: r.pareto(3, ROWS) + 1,
    "Pareto 1": lambda r: r.pareto(1, ROWS) + 1,
    "uniform": lambda r: r.uniform(0, 1, ROWS),
    "probability near 1": lambda r: 1 - r.beta(1, 200, ROWS),
    "Poisson 3": lambda r: r.poisson(3, ROWS).astype(float),
    "two far modes": lambda r: np.where(r.random(ROWS) < 0.3, r.normal(-0.5, 0.1, ROWS), r.normal(1000, 1, ROWS)),
}

WHOLE = {"ages", "Poisson 3"}
"""Columns of whole numbers: shifted, they are whole numbers again."""

BOUNDS = {name: 0.01 if name == "Pareto 1" else ERROR for name in DISTRIBUTIONS}


def spread(x: Rows) -> float:
    """One sigma; of heavy tails, and of a constant, what stands for it."""
    quartiles = np.quantile(x, [0.25, 0.75])
    return float(np.diff(quartiles)[0] / 1.349) or float(np.std(x)) or 1.0


def narrow_mode(x: Rows, rng: np.random.Generator) -> Rows:
    """A tenth of the rows moved together, beyond the upper quartile."""
    at, width = np.quantile(x, 0.75) + spread(x), spread(x) / 20
    return np.where(rng.random(len(x)) < 0.1, rng.normal(at, width, len(x)), x)


SHIFTS: Mapping[str, Callable[[Rows, np.random.Generator], Rows]] = {
    "none": lambda x, _: x,
    "+.1 sigma": lambda x, _: x + 0.1 * spread(x),
    "+.5 sigma": lambda x, _: x + 0.5 * spread(x),
    "x1.1": lambda x, _: x * 1.1,
    "x2.2": lambda x, _: x * 2.2,
    "10% mode": narrow_mode,
}


def among(x: Rows) -> Rows:
    """1e9 and -1e9 in the middle of the rows."""
    return np.insert(x, [len(x) // 3, len(x) // 2], [1e9, -1e9])


def in_front(x: Rows) -> Rows:
    """1e9 and -1e9 as the first two rows."""
    return np.append([1e9, -1e9], x)


OUTLIERS: Mapping[str, Callable[[Rows], Rows]] = {
    "clean": lambda x: x,
    "outliers among": among,
    "outliers first": in_front,
}


def sketch(rows: NDArray[Any]) -> NumericPoints:
    """Of rows as they come, with a layout fitted on the first ones."""
    result = NumericSketch(fit_layout(rows[:FIRST]))
    for start in range(0, len(rows), BLOCK):
        result.add(rows[start : start + BLOCK])
    return result.points()


def exact_ks(a: Rows, b: Rows) -> float:
    return float(ks_2samp(a, b, method="asymp").statistic)


@cache
def reference(name: str) -> tuple[Rows, NumericPoints]:
    rows = DISTRIBUTIONS[name](np.random.default_rng(1))
    return rows, sketch(rows)


@pytest.mark.parametrize("outliers", OUTLIERS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_certain_bound_is_close_to_the_exact_distance_and_never_above_it(name: str, outliers: str) -> None:
    """From two sketches, each with its own layout: at most .005 below, for every shift, whatever outliers there are."""
    before, sketched = reference(name)
    rng = np.random.default_rng(2)
    for shift, apply in SHIFTS.items():
        shifted = apply(DISTRIBUTIONS[name](rng), rng)
        after = OUTLIERS[outliers](shifted.round() if name in WHOLE else shifted)
        exact = exact_ks(before, after)
        low, high = ks_bounds(sketched.intervals(), sketch(after).intervals())

        assert low <= exact + 1e-12 <= high + 2e-12, shift
        assert exact - low <= BOUNDS[name], shift


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_no_row_is_lost_between_core_tails_and_states(name: str, dtype: type[np.float64 | np.float32]) -> None:
    """With missing, infinite, denormal and absurd values among them, every row is counted exactly once."""
    rows = among(DISTRIBUTIONS[name](np.random.default_rng(3))).astype(dtype)
    rows[7:12] = [np.nan, np.inf, -np.inf, 0.0, -0.0]
    rows[20:23] = [dtype(1e-40), dtype(-1e-30), dtype(1e38)]
    rows[3_000:3_100] = np.nan
    points = sketch(rows)

    assert points.missing == 101
    assert points.non_finite == 2
    assert points.rows == len(rows)
    assert points.intervals().total == points.valid == len(rows) - 103


# Streams that move.

PANES = 6
MINUTE = 60 * 10**9


def moved_on(
    before: Callable[[np.random.Generator, int], Rows], after: Callable[[np.random.Generator, int], Rows]
) -> Callable[[np.random.Generator], list[Rows]]:
    """Panes of a column that changes in the middle of the third."""

    def panes(rng: np.random.Generator) -> list[Rows]:
        middle = np.append(before(rng, ROWS // 2), after(rng, ROWS // 2))
        return [before(rng, ROWS), before(rng, ROWS), middle, *(after(rng, ROWS) for _ in range(PANES - 3))]

    return panes


def normal(mean: float, sigma: float = 1.0) -> Callable[[np.random.Generator, int], Rows]:
    return lambda r, n: r.normal(mean, sigma, n)


STREAMS: Mapping[str, Callable[[np.random.Generator], list[Rows]]] = {
    "steady": moved_on(normal(0), normal(0)),
    "to N(5, 1)": moved_on(normal(0), normal(5)),
    "to N(1000, 1)": moved_on(normal(0), normal(1000)),
    "N(1000, 1) to N(1003, 1)": moved_on(normal(1000), normal(1003)),
    "x1000": moved_on(normal(0), normal(0, 1000)),
    "constant, then alive": moved_on(lambda _, n: np.full(n, 3.0), normal(5)),
    "constant, then alive around it": moved_on(lambda _, n: np.full(n, 5.0), normal(5)),
    "back and forth": lambda r: [r.normal(1000.0 * (pane % 2), 1, ROWS) for pane in range(PANES)],
}

# The distance from an atom to a smooth column peaks at the atom: inside a bucket, of which one side stays uncertain.
# At the median of a normal column, where its buckets are heaviest, that is up to .011.
PANE_BOUNDS = {name: 0.011 if name == "constant, then alive around it" else ERROR for name in STREAMS}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_moves_is_right_in_every_pane(name: str) -> None:
    """The rows of each minute, as differences of cumulative points, are as close as those of a sketch of their own."""
    rng = np.random.default_rng(4)
    panes = STREAMS[name](rng)
    before = panes[0]
    sketched = sketch(before).intervals()
    stream, last = NumericStream(0), dict[int, NumericPoints]()
    for minute, pane in enumerate(panes):
        for start in range(0, ROWS, BLOCK):
            stream.observe(pane[start : start + BLOCK], minute * MINUTE + start)
        new = []
        for start, _, points in stream.collect((minute + 1) * MINUTE - 1):
            difference = points.minus(last[start]) if start in last else points
            assert difference is not None
            new.append(difference)
            last[start] = points
        stream.acknowledge()
        rows = new[0].intervals().merge(*(points.intervals() for points in new[1:]))

        assert rows.total == ROWS
        assert 0 <= exact_ks(before, pane) - ks_bounds(sketched, rows)[0] + 1e-12 <= PANE_BOUNDS[name], minute


def test_a_column_at_rest_keeps_its_stream() -> None:
    """A steady column needs no more than the few streams of its first rows, and one that alternates does not thrash."""
    for name, most in {"steady": 2, "back and forth": 3}.items():
        stream = NumericStream(0)
        starts = set()
        for minute, pane in enumerate(STREAMS[name](np.random.default_rng(5))):
            stream.observe(pane, minute * MINUTE)
            starts |= {point.start for point in stream.collect((minute + 1) * MINUTE)}
            stream.acknowledge()

        assert len(starts) <= most, name


# Merging.


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_with_one_layout_the_merge_equals_the_sketch_of_the_joined_rows(name: str) -> None:
    """Bucket for bucket, for parts of any size, tails and states included."""
    rows = among(DISTRIBUTIONS[name](np.random.default_rng(6)))
    rows[5] = np.nan
    layout = fit_layout(rows[:FIRST])
    parts = [sketch_with(layout, part) for part in np.split(rows, [1, 2, 300, 6_700, 15_000])]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)

    assert merged == sketch_with(layout, rows)


def sketch_with(layout: Layout, rows: Rows) -> NumericPoints:
    result = NumericSketch(layout)
    result.add(rows)
    return result.points()


@pytest.mark.parametrize("name", ["normal", "Pareto 1", "latitudes", "N(1000, 1)", "zero-inflated", "constant"])
def test_merging_commutes_and_associates_exactly(name: str) -> None:
    """Parts with layouts of their own give the same points in any order and any grouping."""
    rng = np.random.default_rng(7)
    parts = [
        sketch(among(DISTRIBUTIONS[name](rng)[:n]) * factor) for n, factor in [(9_000, 1), (3_000, 1.7), (100, 40)]
    ]
    expected = parts[0].merge(parts[1]).merge(parts[2])
    for a, b, c in permutations(parts):
        assert a.merge(b).merge(c) == expected
        assert a.merge(b.merge(c)) == expected


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_chunks_with_layouts_of_their_own_merge_to_a_sketch_of_all(name: str) -> None:
    """Forty parts, each fitted alone, are together within .01 of the rows behind them."""
    before, sketched = reference(name)
    rows = DISTRIBUTIONS[name](np.random.default_rng(8))
    merged, *others = (sketch(part) for part in np.array_split(rows, 40))
    for other in others:
        merged = merged.merge(other)

    assert merged.rows == ROWS
    assert 0 <= exact_ks(before, rows) - ks_bounds(sketched.intervals(), merged.intervals())[0] + 1e-12 <= 0.01


# On the wire.

ATTRIBUTES = {
    semconv.MODEL_NAME: "churn-classifier",
    semconv.MODEL_VERSION: "2026.11.3",
    semconv.SYSTEM_NAME: "sklearn",
    semconv.OPERATION_NAME: "predict_proba",
    semconv.FEATURE_NAME: "days_since_last_purchase",
}


def wire_point(histogram: Histogram) -> bytes:
    """The data point as it travels, with the attributes that it has at most."""
    point = ExponentialHistogramDataPoint(
        attributes=[KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in ATTRIBUTES.items()],
        start_time_unix_nano=1_795_000_000_000_000_000,
        time_unix_nano=1_795_000_060_000_000_000,
        count=histogram.count,
        scale=histogram.scale,
        zero_count=histogram.zero,
    )
    for side, buckets in ((point.positive, histogram.positive), (point.negative, histogram.negative)):
        side.offset, counts = buckets.dense()
        side.bucket_counts.extend(counts)
    if histogram.minimum is not None and histogram.maximum is not None:
        point.min, point.max = histogram.minimum, histogram.maximum
    return bytes(point.SerializeToString())


def read_point(data: bytes) -> Histogram:
    point = ExponentialHistogramDataPoint.FromString(data)
    return Histogram(
        point.scale,
        point.zero_count,
        Buckets.from_dense(point.positive.offset, point.positive.bucket_counts),
        Buckets.from_dense(point.negative.offset, point.negative.bucket_counts),
        point.min if point.HasField("min") else None,
        point.max if point.HasField("max") else None,
    )


@pytest.mark.parametrize("outliers", OUTLIERS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_point_travels_in_two_kilobytes_and_arrives_as_it_was(name: str, outliers: str) -> None:
    """Also after a hundred million rows, when counts need more bytes."""
    points = sketch(OUTLIERS[outliers](DISTRIBUTIONS[name](np.random.default_rng(9))))
    for histogram in (points.core, *points.tails.values()):
        many = Histogram(
            histogram.scale,
            histogram.zero * 5_000,
            Buckets(histogram.positive.index, histogram.positive.count * 5_000),
            Buckets(histogram.negative.index, histogram.negative.count * 5_000),
        )

        assert len(wire_point(histogram)) <= 2_048
        assert len(wire_point(many)) <= 2_048
        assert read_point(wire_point(histogram)) == histogram

"""Correlation that changes while every column stays as it was: from rows over real sketches and OTLP to the alarm."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import driftline
from driftline import semconv
from driftline.export import data_points
from driftline.export.aggregator import Aggregator
from driftline.records import Capture, ModelFacts, Prediction
from driftline.runtime.gil_yield import GilYield
from driftline.settings import Settings
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import ColumnKey, CountPoint, ModelKey, WindowResult
from driftline_processor.reference import read_file
from driftline_processor.replay.sketcher import Sketcher
from driftline_processor.verdicts.verdict import State
from reference_requests import rename_pairs

HOUR = 3600 * 10**9
START = 500_000 * HOUR
ROWS = 1000
NAMES = ("x0", "x1", "x2", "x3", "x4", "x5")
MODEL = ModelFacts("churn", None, "ModelFacts", "scikit_learn", None, NAMES, len(NAMES), lambda *_: [])
HOURLY = EngineSettings(HOUR, HOUR, 1, tolerance=0.05, false_alarms=1, per=30 * 24 * HOUR)
"""Windows of an hour, and one false alarm in 30 days."""


def rows(rng: np.random.Generator, number: int, correlation: float) -> NDArray[np.float64]:
    """[number, columns], standard normal each: the first two correlated, the next two at .8, the last at none."""
    x = rng.normal(size=(number, len(NAMES)))
    for first, rho in ((0, correlation), (2, 0.8)):
        x[:, first + 1] = rho * x[:, first] + np.sqrt(1.0 - rho * rho) * x[:, first + 1]
    return x


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty hours of training data, a thousand rows each; the first two columns are independent."""
    path = tmp_path_factory.mktemp("references") / "churn.json"
    x = rows(np.random.default_rng(0), 50 * ROWS, 0.0)
    times = START / 1e9 - 3600.0 * np.arange(50 * ROWS, 0, -1) / ROWS
    driftline.profile(x, timestamp=times, model="churn").save(path)
    return path


class Server:
    """A process that serves the model, and its line to a processor: each window's rows are sent at its end."""

    def __init__(self, engine: Engine, settings: Settings, name: str) -> None:
        self._engine, self._resource = engine, Resource({"service.name": name})
        self._now = START
        self._aggregate = Aggregator(settings, lambda: self._now)

    def serve(self, x: NDArray[Any]) -> list[WindowResult]:
        """The windows that are judged after an hour with these rows."""
        self._aggregate.add([prediction(x)])
        self._now += HOUR
        self._engine.observe(decode_metrics(self._request()).records, self._now)
        return self._engine.advance(self._now + 10)

    def _request(self) -> bytes:
        named = []
        for packet, acknowledge in self._aggregate.packets():
            named += packet
            acknowledge()
        metrics = data_points.metrics(named, AggregationTemporality.CUMULATIVE, GilYield())
        scope = ScopeMetrics(InstrumentationScope("driftline"), metrics, "")
        return encode_metrics(MetricsData([ResourceMetrics(self._resource, [scope], "")])).SerializeToString()


def prediction(x: NDArray[Any]) -> Prediction:
    return Prediction(MODEL, "predict", len(x), Capture("objects", x, len(x), None, NAMES, 0), None, 0.0, None, None)


def served(reference: Path, correlation: float, seeds: Sequence[int], windows: int) -> Iterator[list[WindowResult]]:
    """For each seed the windows of a server of its own."""
    engine = Engine(HOURLY)
    engine.put_reference(read_file(reference))
    for seed in seeds:
        server, rng = Server(engine, Settings(reference=str(reference)), f"server {seed}"), np.random.default_rng(seed)
        yield [result for _ in range(windows + 1) for result in server.serve(rows(rng, ROWS, correlation))][:windows]


def alarmed(results: Sequence[WindowResult]) -> set[ColumnKey]:
    return {event.column for result in results for event in result.alarms}


def test_a_correlation_that_changes_is_found_within_five_windows(reference: Path) -> None:
    """From 0 to .5 with every marginal equal, 1,000 rows a window: of 20 servers at least 18; nothing else moves."""
    found = [alarmed(results) for results in served(reference, 0.5, range(1, 21), windows=5)]
    assert sum(any(key.target == "pair" and key.name.startswith("x0 × x1 ") for key in keys) for keys in found) >= 18
    assert all(len(keys) <= 1 for keys in found)


def test_what_goes_on_as_in_training_raises_no_alarm(reference: Path) -> None:
    """20 servers, five windows each: independent and correlated columns alike."""
    assert not any(alarmed(results) for results in served(reference, 0.0, range(101, 121), windows=5))


def test_the_alarm_says_what_goes_together(reference: Path) -> None:
    """In the words of its members; inputs are counted apart."""
    (results,) = served(reference, 0.5, [1], windows=1)
    (event,) = results[0].alarms
    assert event.verdict.sentence.startswith("x0 and x1: on the same side of their medians: 50% → 6")
    assert event.summary.endswith("(inputs did not move; 1 of 15 pairs did)")


def test_a_server_without_the_reference_has_no_pairs(reference: Path) -> None:
    """They are not reported as lacking, and take no part of the budget of the others."""
    engine = Engine(HOURLY)
    engine.put_reference(read_file(reference))
    server, rng = Server(engine, Settings(), "without"), np.random.default_rng(1)
    results = [result for _ in range(3) for result in server.serve(rows(rng, ROWS, 0.5))]
    told = [
        [each.column.name for each in result.columns if each.column.target == semconv.TARGET_INPUT]
        for result in results
    ]
    assert [len(names) for names in told] == [len(NAMES)] * 2
    assert not alarmed(results)


def test_a_column_that_moves_is_told_once(reference: Path) -> None:
    """Fewer rows of a shifted column are on the side of another that it goes together with: the column explains it."""
    engine = Engine(HOURLY)
    engine.put_reference(read_file(reference))
    server, rng = Server(engine, Settings(reference=str(reference)), "shifted"), np.random.default_rng(2)
    shift = np.array([0.0, 0.0, 2.0, 0.0, 0.0, 0.0])
    results = [result for _ in range(4) for result in server.serve(rows(rng, ROWS, 0.0) + shift)]
    assert alarmed(results) == {ColumnKey("input", "x2")}
    pair = next(each for each in results[0].columns if each.column.name.startswith("x2 × x3 "))
    assert pair.verdict is not None
    assert (pair.verdict.state, pair.alarm) == (State.HEALTHY, None)


def test_pairs_have_the_names_of_the_file_from_the_server_to_the_alarm(reference: Path, tmp_path: Path) -> None:
    """A file of another version names them by another digest: server and processor go by the file."""
    names = rename_pairs(reference, tmp_path / "renamed.json")
    engine = Engine(HOURLY)
    engine.put_reference(read_file(tmp_path / "renamed.json"))
    server = Server(engine, Settings(reference=str(tmp_path / "renamed.json")), "renamed")
    rng = np.random.default_rng(1)
    results = [result for _ in range(4) for result in server.serve(rows(rng, ROWS, 0.5))]
    judged = [each for each in results[0].columns if each.column.target == "pair" and each.rows]
    assert sorted(each.column.name for each in judged) == sorted(names)
    assert alarmed(results) == {ColumnKey("pair", names[0])}


def test_serving_training_and_a_backtest_count_the_same_rows_alike(tmp_path: Path) -> None:
    """Atoms at the threshold, missing and infinite values, texts that are numbers, single precision, and booleans."""
    rng = np.random.default_rng(3)
    x = {
        "tenths": (rng.integers(0, 4, ROWS) / 10).astype(np.float32),
        "amount": np.where(
            rng.random(ROWS) < 0.1, np.nan, np.where(rng.random(ROWS) < 0.1, np.inf, rng.normal(size=ROWS))
        ),
        "visits": rng.poisson(2, ROWS),
        "new": rng.random(ROWS) < 0.4,
    }
    profile = driftline.profile({**x, "tenths": x["tenths"].astype(np.float64).round(1)}, model="churn")
    profile.save(tmp_path / "churn.json")
    expected = {column.key.name: dict(column.categories) for column in profile.pairs}
    assert len(expected) == 6
    live = {**x, "visits": np.array([str(value) if value % 2 else value for value in x["visits"].tolist()], object)}
    sent = sent_pairs(Settings(reference=str(tmp_path)), live)
    assert sent == expected
    columns = {ColumnKey("input", name): values for name, values in live.items()}
    sketcher = Sketcher(
        ModelKey("churn"), [], {column.key.name: column.pair for column in profile.pairs if column.pair is not None}
    )
    replayed: dict[str, dict[str, float]] = {}
    for record in sketcher.records(columns, np.ones(ROWS, np.int64)):
        if isinstance(record, CountPoint):
            replayed.setdefault(record.column.name, {})[record.value] = record.count
    assert replayed == expected


def sent_pairs(settings: Settings, x: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, int]]:
    """Rows of each pair by sides, as a server sends them."""
    taken = Capture("columns", list(x.values()), ROWS, None, tuple(x), 0)
    aggregate = Aggregator(settings)
    aggregate.add([Prediction(MODEL, "predict", ROWS, taken, None, 0.0, None, None)])
    found: dict[str, dict[str, int]] = {}
    for packet, _ in aggregate.packets():
        for name, point in packet:
            if name == semconv.PAIR_ROWS:
                attributes: Any = point.attributes
                sides = found.setdefault(attributes[semconv.PAIR_NAME], {})
                sides[attributes[semconv.PAIR_SIDES]] = point.value
    return found


@pytest.mark.parametrize("settings", [{"exclude": ("x0",)}, {"hash": ("x*",)}, {"capture": "none"}])
def test_pairs_of_hidden_columns_are_counted_and_tell_no_value(reference: Path, settings: dict[str, Any]) -> None:
    """A pair says how many rows lie on which sides: no name of a category, no value, no threshold leaves."""
    x = rows(np.random.default_rng(4), ROWS, 0.0)
    found = sent_pairs(Settings(reference=str(reference), **settings), dict(zip(NAMES, x.T, strict=True)))
    assert len(found) == 15
    assert {frozenset(sides) for sides in found.values()} == {frozenset({"same", "opposite"})}


def test_no_pair_is_counted_where_inputs_are_not(reference: Path) -> None:
    """With DRIFTLINE_SKETCH=outputs."""
    x = dict(zip(NAMES, rows(np.random.default_rng(5), ROWS, 0.0).T, strict=True))
    assert sent_pairs(Settings(reference=str(reference), sketch="outputs"), x) == {}

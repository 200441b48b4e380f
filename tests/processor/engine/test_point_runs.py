"""Points counted many at once are counted as one by one: each row once, whatever senders and networks do."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar

from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.windows import SlidingWindows
from driftline_processor.records import ModelKey
from engine_records import MINUTE, SECOND, START
from otlp_requests import CUMULATIVE, DELTA, counter, metrics_request, number, of_model, sketch, sketch_point
from point_reference import Counted, rows_of

VALUES = [-1e9, -3.5, 0.0, 0.0, 1e-3, 1.0, 1.5, 7.0, 1e6]
SETTINGS = EngineSettings(5 * MINUTE, MINUTE, MINUTE, tolerance=0.05, false_alarms=1, per=30 * 86_400 * SECOND)


class Server:
    """A process that serves one model, and exports as it likes."""

    def __init__(self, name: str, start: int, *, cumulative: bool, scale: int) -> None:
        self.resource = {"service.name": "shop", "service.instance.id": name}
        self.cumulative, self.scale, self.start = cumulative, scale, start
        self.restart(start)

    def restart(self, start: int) -> None:
        self.start, self.rows, self.states = start, 0, 0
        self.values = {name: Histogram.empty(self.scale) for name in "ab"}
        self.names: dict[str, int] = {"gold": 0}

    def predict(self, rng: np.random.Generator) -> None:
        values = rng.choice(VALUES, rng.integers(1, 8))
        self.rows, self.states = self.rows + len(values), self.states + int(rng.integers(0, 2))
        for name, factor in (("a", 1.0), ("b", 2.0)):
            self.values[name] = self.values[name].merge(Histogram.of(values * factor, self.scale, 320))
        plan = str(rng.choice(["gold", "iron", "tin"]))
        self.names[plan] = self.names.get(plan, 0) + len(values)

    def export(self, time: int) -> bytes:
        of = CUMULATIVE if self.cumulative else DELTA
        points = [
            sketch_point(of_model(feature__name=name), held, self.start, time)
            for name, held in self.values.items()
            if held.count
        ]
        for point in points[:1]:
            point.exemplars.append(Exemplar(trace_id=bytes(16), span_id=bytes(8), as_double=1.0, time_unix_nano=time))
        names = [
            number(of_model(feature__name="plan", category=name), count, self.start, time)
            for name, count in self.names.items()
        ]
        states = [
            number(of_model(feature__name="a", feature__state=state), count, self.start, time)
            for state, count in ((semconv.MISSING, self.states), (semconv.VALID, self.rows))
        ]
        body = metrics_request(
            counter(semconv.INFERENCE_ROWS, [number(of_model(), self.rows, self.start, time)], of),
            sketch(semconv.FEATURE_VALUE, points, of),
            counter(semconv.FEATURE_CATEGORY, names, of),
            counter(semconv.FEATURE_OBSERVATIONS, states, of),
            resource=self.resource,
        ).SerializeToString()
        if not self.cumulative:
            self.restart(time)
        return body


def happened(seed: int, steps: list[str]) -> list[tuple[bytes, int]]:
    """The requests that arrive, and when."""
    rng, now = np.random.default_rng(seed), START
    servers = [Server("a", START, cumulative=True, scale=3), Server("b", START, cumulative=False, scale=3)]
    servers.append(Server("c", START - 2 * 60 * MINUTE, cumulative=True, scale=8))  # began long ago
    sent: list[bytes] = []
    arrived: list[tuple[bytes, int]] = []
    for step in steps:
        server = servers[int(rng.integers(0, len(servers)))]
        now += int(rng.integers(1, 20 * SECOND))
        if step == "gap":
            now += int(rng.integers(1, 4)) * MINUTE
        elif step == "restart":
            server.restart(now)
        elif step == "forget":  # a new process that says the old start
            server.restart(server.start)
        elif step == "refit":
            server.scale = 8 if server.scale == 3 else 3
            server.restart(now)
        elif step == "coarser":
            server.scale = 3
            server.values = {name: held.at_scale(min(3, held.scale)) for name, held in server.values.items()}
        elif step == "again" and sent:
            arrived.append((sent[int(rng.integers(0, len(sent)))], now))
        elif step == "together" and len(sent) > 1:  # as the Collector merges what it resends
            arrived.append((b"".join(sent[-2:]), now))
        else:
            server.predict(rng)
            sent.append(server.export(now))
            if step != "lost":
                arrived.append((sent[-1], now))
    return arrived


STEPS = st.sampled_from(["send"] * 8 + ["gap", "restart", "forget", "refit", "coarser", "again", "together", "lost"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(STEPS, min_size=1, max_size=30))
def test_as_one_by_one(seed: int, steps: list[str]) -> None:
    """Rows, intervals, categories and states of every pane to the last bit, duplicates and late rows too."""
    engine, slow = Engine(SETTINGS), Counted(SlidingWindows(5 * MINUTE, MINUTE, MINUTE), MINUTE)
    counted = duplicates = 0
    late = 0.0
    for body, now in happened(seed, steps):
        report = engine.observe(decode_metrics(body).records, now)
        counted, duplicates = counted + report.counted, duplicates + report.duplicates
        late += sum(report.late.values())
        slow.observe(body, now)

    assert (counted, duplicates, late) == (slow.counted, slow.duplicates, slow.late)
    assert panes_of(engine) == {
        "rows": dict(slow.rows),
        "sketches": {name: held for name in slow.sketches if (held := slow.intervals(name))},
        "names": {name: dict(held) for name, held in slow.names.items() if any(held.values())},
    }


def panes_of(engine: Engine) -> dict[str, Any]:
    (model,) = engine._models.values() or [None]
    rows: dict[int, float] = {}
    sketches: dict[Any, Any] = {}
    names: dict[Any, dict[str, float]] = {}
    for start, pane in model.panes.by_start.items() if model else ():
        if pane.rows:
            rows[start] = pane.rows["predict"]
        for column, summary in pane.summaries().items():
            name = start, column.column.name
            if len(summary.intervals):
                sketches[name] = rows_of(summary.intervals)
            if summary.categories or summary.states:
                names[name] = {**summary.categories, **{f"state {key}": n for key, n in summary.states.items()}}
    return {"rows": rows, "sketches": sketches, "names": names}


def test_the_sequences_hold_what_they_should() -> None:
    """The property would be worth nothing if the models were empty."""
    arrived = happened(1, ["send", "send", "again", "send", "gap", "gap", "again", "send"])
    assert len(arrived) >= 5
    assert isinstance(decode_metrics(arrived[0][0]).records[0].model, ModelKey)  # type: ignore[union-attr]

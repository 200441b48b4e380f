"""The thread that stores and counts: what becomes of a request when store, engine or clock fail it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import msgpack
import numpy as np
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from driftline import semconv
from driftline.outcomes.event import Outcome
from driftline.rows.batch import RowBatch
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline.sketch import Histogram
from driftline.sketch.time_units import DAY
from driftline_processor.decode import DECODERS
from driftline_processor.engine.engine import Engine, IngestReport
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.limits import LIMITS
from driftline_processor.monitors.concept.monitor import Limits
from driftline_processor.outcomes.join import JoinLimits, SavedJoin
from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    InputRecord,
    MeasuredPerformance,
    ModelKey,
    Rejection,
    Window,
    WindowResult,
)
from driftline_processor.service import worker
from driftline_processor.service.internal_metrics import METRIC_PREFIX, InternalMetrics
from driftline_processor.service.outcome_joins import OutcomeJoins
from driftline_processor.service.reference_registry import ReferenceRegistries, ReferenceRegistry
from driftline_processor.service.request_queue import Request, RequestQueue
from driftline_processor.service.store import (
    JournalEntry,
    ReferenceKey,
    StepChanges,
    Store,
    StoreError,
    TakenOverError,
    UnstorableError,
)
from driftline_processor.service.worker import INTERNAL_ERROR, Worker, WorkerSettings
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict
from otlp_requests import (
    DELTA,
    batch_record,
    counter,
    logs_request,
    metrics_request,
    number,
    of_model,
    outcome_record,
    sketch,
    sketch_point,
    span,
    trace_request,
)

SECOND = 10**9
START = 1_800_000_000 * SECOND
WAIT = 20.0
HOUR = 3600 * SECOND
SETTINGS = EngineSettings(10 * SECOND, 5 * SECOND, 60 * SECOND, 0.05, 1.0, 30 * 86_400 * SECOND)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where damaged rows of a store in memory are set aside."""
    monkeypatch.chdir(tmp_path)


class Bench:
    """A worker with everything that it works on, run step by step."""

    def __init__(self, folder: Path, store: Store, engine: Engine | None = None, tenants: Sequence[str] = ()) -> None:
        self.now = START
        self.queue = RequestQueue(1000, 1 << 30)
        self.store = store
        self.engine = engine or Engine(SETTINGS)
        engines = {"": self.engine} | {name: Engine(SETTINGS) for name in tenants}
        registries = {
            name: ReferenceRegistry(folder / "references" / name, store, each, name) for name, each in engines.items()
        }
        self.reader = InMemoryMetricReader()
        self.results: list[WindowResult] = []
        self.unflushed: set[str] = set()
        self.performance: list[MeasuredPerformance] = []
        self.storage: list[bool] = []
        self.taken_over: list[StoreError] = []
        self.worker = Worker(
            queue=self.queue,
            store=store,
            engines=TenantEngines(engines),
            registries=ReferenceRegistries(registries),
            joins=OutcomeJoins(engines, JoinLimits(30 * DAY, 1 << 30, DAY), Limits(1e-6), store),
            metrics=InternalMetrics(MeterProvider([self.reader], shutdown_on_exit=False)),
            publish=self.results.extend,
            publish_performance=self.performance.extend,
            unflushed=lambda _: self.unflushed,
            storage_changed=self.storage.append,
            taken_over=self.taken_over.append,
            settings=WorkerSettings(tick=0.01, snapshot=3600.0, journal=1 << 30),
            clock=lambda: self.now,
        )

    def run(self, *requests: tuple[Any, Any]) -> list[Any]:
        """Queues requests, closes the queue, works until it is empty: the answers, or what was raised."""
        waiting = [
            Request(signal, body, self.now, DECODERS[signal](body, LIMITS))
            for signal, body in ((signal, request.SerializeToString()) for signal, request in requests)
        ]
        for request in waiting:
            with self.queue.admit(len(request.body)) as put:
                put(request)
        self.queue.close()
        working = Thread(target=self.worker.run)
        working.start()
        working.join(WAIT)
        assert not working.is_alive()
        return [request.answer.exception(0) or request.answer.result(0) for request in waiting]

    def counted(self, name: str) -> dict[str, float]:
        """The own metric's values, by the values of its attributes."""
        data = self.reader.get_metrics_data()
        return {
            ",".join(map(str, (point.attributes or {}).values())): point.value
            for held in (data.resource_metrics if data else ())
            for metric in held.scope_metrics[0].metrics
            if metric.name == f"{METRIC_PREFIX}.{name}"
            for point in metric.data.data_points
        }


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store("sqlite://")
    yield store
    store.close()


def rows(count: int, second: float = 1.0, model: str = "churn") -> tuple[str, Any]:
    end = START + int(second * SECOND)
    point = number(of_model(model), count, end - SECOND, end)
    return "metrics", metrics_request(counter(semconv.INFERENCE_ROWS, [point], DELTA))


def test_counts_and_answers(tmp_path: Path, store: Store) -> None:
    """What is queued is counted and answered, and what was counted is told of."""
    bench = Bench(tmp_path, store)
    answers = bench.run(rows(10, 0), rows(5, 0.5), rows(5, 0.5), rows(7, 0, "fraud"))

    assert answers == [(), (), (), ()]
    assert bench.counted("rows") == {"churn": 15, "fraud": 7}
    assert bench.counted("accepted.items") == {"metrics": 3}
    assert bench.counted("duplicate.items") == {"metrics": 1}


def test_end_saves_the_state(tmp_path: Path, store: Store) -> None:
    """When the queue is closed and empty, the state is in the snapshots and the journal is empty."""
    Bench(tmp_path, store).run(rows(10))

    assert list(store.journal()) == []
    assert len(store.snapshots()) == 1
    restarted = Bench(tmp_path, store)
    assert restarted.worker.recover() == 0
    assert restarted.counted("rows") == {"churn": 10}


class Alarming(Engine):
    """An engine that gives one window."""

    def __init__(self, result: WindowResult) -> None:
        super().__init__(SETTINGS)
        self._results = [result]

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        results, self._results = self._results, []
        return results


class Resting(Alarming):
    """One that has a window, and fails to judge or to repeat."""

    failing = ""

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        if self.failing == "judge windows":
            raise RuntimeError("judge")
        return super().advance(now, most)

    def repeat_alarms(self, now: int) -> list[WindowResult]:
        if self.failing == "repeat alarms":
            raise RuntimeError("repeat")
        return [WindowResult(ModelKey("rent"), Window(0, 1), 0.0, None, False, (), repeated_at=now)]


@pytest.mark.parametrize(
    ("failing", "models"), [("", {"churn", "rent"}), ("judge windows", {"rent"}), ("repeat alarms", {"churn"})]
)
def test_alarms_are_repeated_beside_the_windows(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture, failing: str, models: set[str]
) -> None:
    """A fault in one costs nothing of the other, and is logged."""
    engine = Resting(WindowResult(ModelKey("churn"), Window(0, 1), 0.0, None, False, ()))
    engine.failing = failing
    bench = Bench(tmp_path, store, engine)
    bench.run(rows(10))

    assert {result.model.name for result in bench.results} == models
    assert (f"Failed to {failing}" in caplog.text) is bool(failing)


@pytest.mark.parametrize("flushed", [False, True])
def test_journal_is_kept_until_alarm_events_have_left(tmp_path: Path, store: Store, flushed: bool) -> None:
    """A crash before an event has left must find its requests in the journal; one after it must not."""
    model, verdict = ModelKey("churn"), Verdict("value", State.ALARM, 0.2, 0.1, 0.05, 2.0, (Stated("text"),))
    event = AlarmEvent("1", AlarmChange.OPENED, model, ColumnKey("input", "age"), 1, 1, verdict, "text", ())
    bench = Bench(tmp_path, store, Alarming(WindowResult(model, Window(0, 1), 0.0, None, False, (), (event,))))
    bench.unflushed = set() if flushed else {""}
    bench.run(rows(10))

    assert [result.alarms for result in bench.results] == [(event,)]
    assert len(list(store.journal())) == (0 if flushed else 1)


def test_a_backend_that_hangs_delays_the_saving_of_its_tenant_only(tmp_path: Path, store: Store) -> None:
    """What others were acknowledged is in their snapshots; a restart replays the journal of that one."""
    bench = Bench(tmp_path, store, tenants=["acme", "umbrella"])
    bench.unflushed = {"acme"}
    for tenant, count in (("acme", 10), ("umbrella", 5)):
        signal, request = rows(count)
        body = request.SerializeToString()
        sent = Request(signal, body, bench.now, DECODERS[signal](body, LIMITS, tenant), tenant)
        with bench.queue.admit(len(body)) as put:
            put(sent)
    bench.run()

    assert [entry.tenant for entry in store.journal()] == ["acme"]
    assert [snapshot.tenant for snapshot in store.snapshots()] == ["umbrella"]
    restarted = Bench(tmp_path, store, tenants=["acme", "umbrella"])
    assert restarted.worker.recover() == 1
    assert restarted.counted("rows") == {"churn,acme": 10, "churn,umbrella": 5}


class Broken(Store):
    """A store that cannot be written while `broken`."""

    broken = ""

    def append(
        self, entries: Sequence[JournalEntry], points: Mapping[ReferenceKey, Mapping[bytes, bytes]] | None = None
    ) -> None:
        self._check("append")
        super().append(entries, points)

    def save(
        self,
        states: Mapping[ModelKey, bytes | None],
        absent: Collection[str] = (),
        joins: Mapping[str, SavedJoin] | None = None,
        history: Mapping[ModelKey, StepChanges] | None = None,
    ) -> None:
        self._check("save")
        super().save(states, absent, joins, history)

    def _check(self, what: str) -> None:
        if self.broken == what:
            raise StoreError("store x: disk full")


@pytest.fixture
def broken() -> Iterator[Broken]:
    store = Broken("sqlite://")
    yield store
    store.close()


def test_what_cannot_be_stored_is_not_counted(tmp_path: Path, broken: Broken, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is counted that is not durable: the senders are told to come again, and the log says it once."""
    broken.broken = "append"
    bench = Bench(tmp_path, broken)
    answers = bench.run(rows(10), rows(5, 2))

    assert [type(answer) for answer in answers] == [StoreError, StoreError]
    assert bench.counted("rows") == {}
    assert caplog.text.count("disk full; refusing requests until the store recovers") == 1
    assert bench.storage == [False, True]


class Picky(Store):
    """A store that can never hold some bodies."""

    poison: frozenset[bytes] = frozenset()

    def append(
        self, entries: Sequence[JournalEntry], points: Mapping[ReferenceKey, Mapping[bytes, bytes]] | None = None
    ) -> None:
        if self.poison & {entry.body for entry in entries}:
            raise UnstorableError("reference 'r' cannot be stored: too long")
        super().append(entries, points)


@pytest.mark.parametrize("poisoned", [{0}, {3}, {1, 2}, {0, 2, 4}, {0, 1, 2, 3, 4}])
def test_a_request_that_cannot_be_stored_is_refused_alone(tmp_path: Path, poisoned: set[int]) -> None:
    """The others of its group are stored and counted; the store is not to blame."""
    with closing(Picky("sqlite://")) as store:
        requests = [rows(10, number) for number in range(5)]
        store.poison = frozenset(requests[number][1].SerializeToString() for number in poisoned)
        bench = Bench(tmp_path, store)
        answers = bench.run(*requests)

        assert {number for number, answer in enumerate(answers) if isinstance(answer, UnstorableError)} == poisoned
        assert bench.counted("rows").get("churn", 0) == 10 * (5 - len(poisoned))
        assert bench.storage == []


class Lost(Store):
    """A store whose connection is lost, and then there again."""

    outcomes: tuple[StoreError | bool, ...] = ()

    def hold(self) -> bool:
        (outcome, *rest) = self.outcomes
        self.outcomes = tuple(rest) or (False,)
        if isinstance(outcome, StoreError):
            raise outcome
        return outcome


def test_a_lost_connection_is_noticed_at_the_next_tick(tmp_path: Path) -> None:
    """Nobody has to send something: health checks say so, and when it is there again."""
    with closing(Lost("sqlite://")) as store:
        store.outcomes = (StoreError("store x: gone"), StoreError("store x: gone"), True)
        bench = Bench(tmp_path, store)
        for expected in ([False], [False], [False, True], [False, True]):
            bench.worker._hold()
            assert bench.storage == expected
        assert not bench.taken_over


def test_a_store_that_was_taken_over_is_told(tmp_path: Path) -> None:
    """What is remembered is out of date: only a new start helps."""
    with closing(Lost("sqlite://")) as store:
        error = TakenOverError("store x: another processor took over")
        store.outcomes = (error,)
        bench = Bench(tmp_path, store)
        bench.worker._hold()

        assert bench.storage == [False]
        assert bench.taken_over == [error]


def test_snapshot_that_fails_loses_nothing(tmp_path: Path, broken: Broken) -> None:
    """While the snapshot cannot be saved the journal stays; what was to be saved goes along with the next."""
    bench = Bench(tmp_path, broken)
    broken.broken = "save"
    bench.run(rows(10, 0), rows(7, 0, "fraud"))
    assert len(list(broken.journal())) == 2
    broken.broken = ""
    bench.worker._save()

    assert list(broken.journal()) == []
    restarted = Bench(tmp_path, broken)
    restarted.worker.recover()
    assert restarted.counted("rows") == {"churn": 10, "fraud": 7}


def request_of(bench: Bench, sent: tuple[str, Any]) -> Request:
    body = sent[1].SerializeToString()
    return Request(sent[0], body, bench.now, DECODERS[sent[0]](body, LIMITS))


def test_a_snapshot_is_made_between_requests(tmp_path: Path, store: Store) -> None:
    """It replaces the journal only when all models are dumped, each as it is then: rows counted in between are in it.

    Until then no window is judged, and a crash costs nothing.
    """
    bench, names = Bench(tmp_path, store), ("churn", "fraud", "price")
    bench.worker._settings = replace(bench.worker._settings, judging=0.0)
    bench.worker._answer([request_of(bench, rows(10, 0, name)) for name in names])
    bench.now += HOUR
    bench.worker._save_some()
    for second, name in enumerate(names, 2):
        bench.worker._answer([request_of(bench, rows(5, second, name))])
        bench.worker._tick()
        crashed = Bench(tmp_path, store)
        crashed.worker.recover()
        assert crashed.counted("rows") == dict.fromkeys(names, 10) | dict.fromkeys(names[: second - 1], 15)
        assert not bench.results
        assert len(list(store.journal())) == (0 if second == 4 else 2 + second)
    bench.worker._settings, bench.now = replace(bench.worker._settings, judging=WAIT), bench.now + HOUR
    bench.worker._tick()
    assert {result.model.name for result in bench.results} == set(names)


class Faulty(Engine):
    """An engine with a fault that one model brings out."""

    def observe(self, records: Sequence[InputRecord], received: int) -> IngestReport:
        if any(getattr(record, "model", ModelKey("")).name == "poison" for record in records):
            raise ZeroDivisionError
        return super().observe(records, received)


def test_fault_costs_one_request(tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A request that brings out a fault is told so and not sent again for ever; its neighbours are counted."""
    bench = Bench(tmp_path, store, Faulty(SETTINGS))
    answers = bench.run(rows(10), rows(1, 1, "poison"), rows(5, 2))

    assert answers == [(), (Rejection(1, INTERNAL_ERROR),), ()]
    assert bench.counted("rows") == {"churn": 15}
    assert "ZeroDivisionError" in caplog.text


def test_fault_in_the_journal_does_not_stop_the_start(tmp_path: Path, store: Store) -> None:
    """Poison in the journal, and bytes that are no request any more, cost only themselves."""
    bodies = [request.SerializeToString() for _, request in (rows(10), rows(1, 1, "poison"))]
    store.append(
        [
            JournalEntry(START, "metrics", bodies[0]),
            JournalEntry(START, "metrics", bodies[1]),
            JournalEntry(START, "traces", b"\xff"),
        ]
    )
    bench = Bench(tmp_path, store, Faulty(SETTINGS))

    assert bench.worker.recover() == 2
    assert bench.counted("rows") == {"churn": 10}


@pytest.mark.parametrize("body", [b"", b"\xc1", msgpack.packb([1]), msgpack.packb({"form": 4}), b"\xff" * 100])
def test_a_damaged_state_costs_its_model(
    body: bytes, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes of before there were checksums may be anything: that model begins anew, the others go on."""
    first = Bench(tmp_path, store)
    first.run(rows(10))
    store.save({ModelKey("fraud", "3"): body})
    second = Bench(tmp_path, store)
    second.worker.recover()

    assert second.counted("rows") == {"churn": 10}
    assert "damaged: the state of model fraud 3, which begins anew" in caplog.text
    (aside,) = tmp_path.glob("driftline.damaged-*")
    assert aside.read_bytes() == body


def test_state_that_cannot_be_read(tmp_path: Path, store: Store) -> None:
    """A state of another version is not thrown away: the start fails and says why."""
    store.save({ModelKey("churn"): msgpack.packb({"form": 99})})

    with pytest.raises(StoreError, match=r"^store sqlite://: snapshot: form must be 2 or 3 or 4, got 99"):
        Bench(tmp_path, store).worker.recover()


class Judging(Engine):
    """An engine that cannot judge."""

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        raise ZeroDivisionError


def test_fault_in_judging_does_not_stop_the_counting(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """When windows cannot be judged, requests are still taken."""
    bench = Bench(tmp_path, store, Judging(SETTINGS))

    assert bench.run(rows(10)) == [()]
    assert "Failed to judge windows" in caplog.text


def test_windows_are_judged_in_turns(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not judged before the end is judged after the next start, and nothing twice."""
    monkeypatch.setattr("driftline_processor.service.worker.WINDOWS_PER_TICK", 2)
    Bench(tmp_path, store).run(*(rows(10, i, f"m{i}") for i in range(5)))
    judged: list[WindowResult] = []
    for _ in range(4):
        bench = Bench(tmp_path, store)
        bench.worker.recover()
        bench.now += HOUR
        bench.run()
        judged += bench.results

    assert sorted(result.model.name for result in judged) == [f"m{i}" for i in range(5)]


class Slow(Engine):
    """An engine that takes long to judge, and has always more to judge. judged: calls so far."""

    judged = 0

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        self.judged += 1
        sleep(worker.SLICE_SECONDS / 2)
        return [WindowResult(ModelKey(f"m{self.judged}"), Window(now - 1, now), 1.0, None, False, ())]


def test_an_answer_waits_for_a_slice_of_judging_at_most(tmp_path: Path, store: Store) -> None:
    """However many windows are complete: of each slice, the first window and those that fit into it."""
    engine = Slow(SETTINGS)
    bench = Bench(tmp_path, store, engine)
    working = Thread(target=bench.worker.run)
    working.start()
    for second in range(3):
        before = engine.judged
        signal, request = rows(10, second)
        body = request.SerializeToString()
        with bench.queue.admit(len(body)) as put:
            waiting = Request(signal, body, bench.now, DECODERS[signal](body, LIMITS))
            put(waiting)
        assert waiting.answer.result(WAIT) == ()
        assert engine.judged - before <= 2 + 1
    bench.queue.close()
    working.join(WAIT)
    assert engine.judged > 3
    assert len(bench.results) >= engine.judged - 1


@pytest.mark.parametrize(("seconds", "left"), [(1e-9, 0), (1e9, 1)])
def test_a_journal_that_takes_long_to_replay_is_cut(
    seconds: float, left: int, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that its requests took, not by their bytes; even while an event waits for its export."""
    monkeypatch.setattr(worker, "REPLAY_SECONDS", seconds)
    bench = Bench(tmp_path, store)
    bench.unflushed = {""}
    bench.run(rows(10))

    assert len(list(store.journal())) == left
    restarted = Bench(tmp_path, store)
    restarted.worker.recover()
    assert restarted.counted("rows") == {"churn": 10}


def test_clock_an_hour_ahead(tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A sender whose clock is ahead is counted when its rows arrive, and the operator is told."""
    bench = Bench(tmp_path, store)

    assert bench.run(rows(10, 3600)) == [()]
    assert bench.counted("rows") == {"churn": 10}
    assert "clock is 3600 s ahead" in caplog.text


def test_clock_an_hour_behind(tmp_path: Path, store: Store) -> None:
    """A sender whose clock is behind is late: told to it, counted as late, and it costs no other sender anything."""
    bench = Bench(tmp_path, store)
    bench.now = START + 100 * SECOND
    first, late, last = bench.run(rows(10, 100), rows(5, -3600), rows(3, 99))

    assert (first, last) == ((), ())
    assert [items for items, _ in late] == [1]
    assert "slow" in late[0].reason
    assert bench.counted("late.rows") == {"churn": 5}
    assert bench.counted("rejected.items") == {"metrics": 1}


def test_feature_that_changes_its_type(tmp_path: Path, store: Store) -> None:
    """A column of numbers that becomes one of texts is counted as both: nothing is lost, and nothing breaks."""
    end = START + SECOND
    numbers = sketch(
        semconv.FEATURE_VALUE,
        [sketch_point(of_model(feature__name="age"), Histogram.of([1.0, 2.0], 5, 160), START, end)],
        DELTA,
    )
    texts = counter(
        semconv.FEATURE_CATEGORY, [number(of_model(feature__name="age", category="old"), 3, START, end)], DELTA
    )
    bench = Bench(tmp_path, store)
    bench.now = end
    answers = bench.run(("metrics", metrics_request(numbers)), ("metrics", metrics_request(texts)))
    bench.now += HOUR

    assert answers == [(), ()]
    (result, *_) = bench.engine.advance(bench.now)
    assert [(column.column.name, column.rows) for column in result.columns] == [("age", 5.0)]


def test_all_rows_missing(tmp_path: Path, store: Store) -> None:
    """A column of nothing but NaN is a column with missing rows."""
    request = trace_request(span({**of_model(), "ml.input.age": [float("nan")] * 3}, time=START + SECOND))
    bench = Bench(tmp_path, store)
    bench.now = START + SECOND

    assert bench.run(("traces", request)) == [()]
    (result, *_) = bench.engine.advance(bench.now + HOUR)
    assert [(column.rows, column.distribution) for column in result.columns] == [(3.0, {})]


def test_a_tenant_that_is_not_configured_any_more(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """What the store has of it stays, states and requests, until it is there again."""
    kept, waiting = (
        JournalEntry(START, "metrics", rows(number, second)[1].SerializeToString(), "acme")
        for number, second in ((10, 1), (7, 2))
    )
    store.append([kept])
    bench = Bench(tmp_path, store, tenants=["acme"])
    assert bench.worker.recover() == 1
    bench.worker._save()
    store.append([waiting])
    without = Bench(tmp_path, store)
    assert without.worker.recover() == 0
    without.run(rows(5))
    assert caplog.text.count("tenant acme: in the store, and not in the configuration: left as it is") == 1

    again = Bench(tmp_path, store, tenants=["acme"])
    assert again.worker.recover() == 1
    assert again.counted("rows") == {"churn": 5, "churn,acme": 17}


def predicted(first: int, uid: str) -> tuple[str, Any]:
    """The rows of 40 calls, half of them of class 1."""
    ids = np.arange(first, first + 40)
    columns = {RowColumn(OUTPUT, "prediction"): ids % 2}
    table = RowTable(row_keys(hash_ids(ids).hashes), np.full(40, START), columns)
    return "logs", logs_request(batch_record(RowBatch(uid, 0, 40, table)))


def said(*ids: int) -> tuple[str, Any]:
    """Labels: every fifth row is not of the class that was predicted."""
    outcomes = [Outcome(f"u{each}", label=(each + (each % 5 == 0)) % 2, id=str(each), time=START) for each in ids]
    return "logs", logs_request(*(outcome_record(each) for each in outcomes))


def test_outcomes_are_joined_and_told(tmp_path: Path, store: Store) -> None:
    """What had been joined goes on in the next run, and requests that were not saved are joined once, too."""
    bench = Bench(tmp_path, store)
    bench.run(predicted(0, "p.1"), said(*range(20), 3, 99))
    (told,) = bench.performance
    assert (told.labels, told.rows, told.metrics["accuracy", ""][0]) == (20, 40, 0.8)
    states = {"joined": 20, "duplicate": 1, "waiting": 1}
    assert bench.counted("outcomes") == states
    assert bench.counted("accepted.items") == {"logs": 23}

    for signal, request in (predicted(40, "p.2"), said(*range(20, 60), 7)):
        store.append([JournalEntry(START, signal, request.SerializeToString())])  # and then it was killed
    bench = Bench(tmp_path, store)
    assert bench.worker.recover() == 2
    bench.run()
    (told,) = bench.performance
    assert (told.labels, told.rows, told.metrics["accuracy", ""][0]) == (60, 80, 0.8)
    assert bench.counted("outcomes") == {"joined": 60, "duplicate": 2, "waiting": 1}
    assert bench.counted("waiting.rows") == {"": 80}


def test_classes_go_by_the_names_that_the_model_gives_them(tmp_path: Path, store: Store) -> None:
    """As in the shares of its predictions, whatever the labels say, and after a restart too."""
    ids = np.arange(40)
    table = RowTable(
        row_keys(hash_ids(ids).hashes), np.full(40, START), {RowColumn(OUTPUT, "prediction"): ids % 2 == 1}
    )
    for requests in ((("logs", logs_request(batch_record(RowBatch("p.1", 0, 40, table)))),), (said(*ids.tolist()),)):
        bench = Bench(tmp_path, store)
        bench.worker.recover()
        bench.run(*requests)

    (told,) = bench.performance
    assert {name for kind, name in told.metrics if kind == "precision"} == {"False", "True"}


def test_outcomes_of_tenants_never_meet(tmp_path: Path, store: Store) -> None:
    """An id of one tenant is not that of another."""
    bench = Bench(tmp_path, store, tenants=("acme",))
    for tenant, (signal, request) in (("acme", predicted(0, "p.1")), ("", said(*range(30)))):
        body = request.SerializeToString()
        store.append([JournalEntry(START, signal, body, tenant)])
    bench.worker.recover()
    bench.run()
    assert not bench.performance
    assert bench.counted("outcomes") == {"waiting": 30}

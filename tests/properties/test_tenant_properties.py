"""Two tenants of one processor, whose models have the same names: neither can tell that the other is there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from google.protobuf import json_format
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import driftline
from driftline import semconv
from driftline.sketch import Histogram
from driftline.sketch.time_units import DAY
from driftline_processor.decode import OtlpSignal, decode_request
from driftline_processor.engine import engine as engine_module
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.limits import LIMITS
from driftline_processor.monitors.concept.monitor import Limits
from driftline_processor.outcomes.join import JoinLimits
from driftline_processor.records import WindowResult
from driftline_processor.service import worker as worker_module
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.outcome_joins import OutcomeJoins
from driftline_processor.service.reference_registry import ReferenceRegistries, ReferenceRegistry
from driftline_processor.service.request_queue import Request, RequestQueue
from driftline_processor.service.store import Snapshot, Store
from driftline_processor.service.worker import Worker, WorkerSettings
from otlp_requests import counter, metrics_request, number, of_model, sketch, sketch_point, span, trace_request

SECOND = 10**9
START = 1_800_000_000 * SECOND
SETTINGS = EngineSettings(10 * SECOND, 5 * SECOND, SECOND, 0.05, 1.0, 86_400 * SECOND)
TENANTS = ("acme", "globex")
MODELS = ("churn", "fraud")


@cache
def rows(model: str, second: int, mean: float) -> bytes:
    """All that a server has counted up to a second."""
    values = np.random.default_rng(7).normal(mean, 1.0, 20 * second)
    attributes, time = of_model(model, feature__name="age"), START + second * SECOND
    return metrics_request(  # type: ignore[no-any-return]
        sketch(semconv.FEATURE_VALUE, [sketch_point(attributes, Histogram.of(values, 6, 160), START, time)]),
        counter(semconv.INFERENCE_ROWS, [number(of_model(model), len(values), START, time)]),
        # A sender cannot name its tenant itself.
        resource={"service.name": "shop", semconv.TENANT_NAME: "globex"},
    ).SerializeToString()


@cache
def spans(model: str, second: int, mean: float) -> bytes:
    values = {**of_model(model), "ml.input.age": mean}
    return trace_request(span(values, second, START + second * SECOND)).SerializeToString()  # type: ignore[no-any-return]


@cache
def reference(model: str, _: int, mean: float) -> bytes:
    """A training profile of one name."""
    values = np.random.default_rng(1).normal(mean, 1.0, 300)
    with TemporaryDirectory() as folder:
        driftline.profile({"age": values}, model=model).save(path := Path(folder) / "a.json")
        return json_format.Parse(path.read_bytes(), ExportMetricsServiceRequest()).SerializeToString()  # type: ignore[no-any-return]


KINDS: dict[str, tuple[OtlpSignal, Callable[[str, int, float], bytes]]] = {
    "rows": ("metrics", rows),
    "spans": ("traces", spans),
    "reference": ("metrics", reference),
}


class Sent(NamedTuple):
    """What a tenant sends of a model, seconds after the start."""

    tenant: str
    second: int
    kind: str
    model: str
    mean: float

    def request(self) -> tuple[OtlpSignal, bytes]:
        signal, make = KINDS[self.kind]
        return signal, make(self.model, self.second, self.mean)


@st.composite
def sent(draw: st.DrawFn) -> list[Sent]:
    """In order of time; much of it comes from both tenants, to the byte."""
    found = []
    for second in sorted(draw(st.lists(st.integers(1, 40), min_size=1, max_size=14))):
        what = (*(draw(st.sampled_from(names)) for names in (sorted(KINDS), MODELS)), draw(st.sampled_from([0.0, 3.0])))
        who = draw(st.lists(st.sampled_from(TENANTS), min_size=1, max_size=3))
        found += [Sent(tenant, second, *what) for tenant in who]
    return found


class Processor:
    """A worker for some tenants, driven request by request; `said`: what it answers, judges and keeps, by tenant."""

    def __init__(self, store: Store, tenants: Sequence[str]) -> None:
        self.now = START
        self.store, self.tenants = store, tenants
        self.results: list[WindowResult] = []
        self.answers: list[tuple[str, Any]] = []
        self.metrics = InternalMetrics(MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False))
        self.start()

    def start(self) -> None:
        """From what is in the store."""
        engines = TenantEngines.of(self.tenants, SETTINGS)
        names = ("", *self.tenants)
        registries = {
            name: ReferenceRegistry(Path("nowhere"), self.store, engines[name], tenant=name) for name in names
        }
        self.worker = Worker(
            queue=RequestQueue(10, 1 << 30),
            store=self.store,
            engines=engines,
            registries=ReferenceRegistries(registries),
            joins=OutcomeJoins(names, JoinLimits(30 * DAY, 1 << 30, DAY), Limits(1e-6), self.store),
            metrics=self.metrics,
            publish=self.results.extend,
            publish_performance=lambda _: None,
            unflushed=lambda _: names,  # what is saved when is no business of a tenant: only in the end, here
            storage_changed=lambda _: None,
            taken_over=lambda _: None,
            settings=WorkerSettings(tick=0.0, snapshot=3600.0, journal=1 << 30, judging=3600.0),
            clock=lambda: self.now,
        )
        self.worker.recover()

    def run(self, told: Sequence[Sent]) -> None:
        """Takes what its tenants send of this; its clock is that of all."""
        for each in told:
            tenant, (signal, body) = each.tenant, each.request()
            self.now = START + each.second * SECOND
            if tenant in self.tenants:
                request = Request(signal, body, self.now, decode_request(signal, body, LIMITS, tenant).batch, tenant)
                self.worker._answer([request])
                self.answers.append((tenant, request.answer.result(0)))
            self.worker._tick()

    def live(self, told: Sequence[Sent], cut: int) -> None:
        """With a crash after so many requests, and an end."""
        self.run(told[:cut])
        self.start()
        self.run(told[cut:])
        self.now = START + 3600 * SECOND
        self.worker._tick()
        self.worker._save()

    def said(self, tenant: str) -> dict[str, Any]:
        states = [each for each in self.store.snapshots() if isinstance(each, Snapshot) and each.tenant == tenant]
        return {
            "answers": [answer for whose, answer in self.answers if whose == tenant],
            "results": [repr(result) for result in self.results if result.model.tenant == tenant],
            "counters": self.metrics.totals(tenant),
            "states": states,
            "references": self.store.references(tenant),
            "matching": self.worker.matching(tenant),
            "models": self.worker.models(tenant),
        }


@contextmanager
def processor(*tenants: str) -> Iterator[Processor]:
    with (
        closing(Store("sqlite://")) as store,
        patch.object(worker_module, "SLICE_SECONDS", 3600.0),  # judging takes no time here
        patch.object(worker_module, "WINDOWS_PER_TICK", 1_000_000),
    ):
        yield Processor(store, tenants)


@given(sent(), st.integers(0, 14))
@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_tenant_is_alone(told: list[Sent], cut: int) -> None:
    """Together or alone, with a crash: the same answers, results, counters, states and references to the byte."""
    with processor(*TENANTS) as shared:
        shared.live(told, cut)
        for tenant in TENANTS:
            with processor(tenant) as alone:
                alone.live(told, cut)
                assert shared.said(tenant) == alone.said(tenant)
        events = [(each.model.tenant, event.id) for each in shared.results for event in each.alarms]
        assert len({identity for _, identity in events}) == len({*events})


def test_a_limit_is_a_tenants_own(monkeypatch: Any) -> None:
    """One who has as many models as there may be keeps nobody else from having some."""
    monkeypatch.setattr(engine_module, "MAX_MODELS", 1)
    with processor(*TENANTS) as shared:
        shared.run([Sent(tenant, 5, "rows", model, 0.0) for tenant in TENANTS for model in MODELS])

        assert [bool(rejected) for _, rejected in shared.answers] == [False, True, False, True]

"""From calls to the traces that an alarm names, over real spans, sketches and OTLP: nearly all of them did it."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import driftline
from driftline import semconv
from driftline_processor.decode import decode_metrics, decode_traces
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import AlarmEvent, IncidentEvent
from driftline_processor.reference import read_reference
from telemetry import Telemetry

HOUR = 3600 * 10**9
CALLS = 300
EXPORT = 30
"""Calls from one export of sketches to the next."""

SETTINGS = EngineSettings(HOUR, HOUR, 60 * 10**9, tolerance=0.05, false_alarms=1, per=30 * 24 * HOUR)
TRAINING_ROWS = 24_000

Kind = Callable[[pd.DataFrame, pd.Series], pd.DataFrame]


class Lender(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Says yes to high incomes; takes whatever comes."""

    classes_ = np.array(["no", "yes"])

    def predict(self, X: pd.DataFrame) -> Any:
        income = pd.to_numeric(X["income"], errors="coerce").fillna(0.0).to_numpy(float)
        return np.where(income > 60_000.0, "yes", "no")


def applicants(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "income": np.round(rng.lognormal(10.6, 0.5, rows)),
            "age": rng.normal(45.0, 12.0, rows),
            "plan": rng.choice(["basic", "gold", "trial"], rows, p=[0.6, 0.3, 0.1]),
        }
    )


def where(name: str, change: Callable[[pd.Series], Any]) -> Kind:
    """One column of the broken rows is changed."""
    return lambda X, broken: X.assign(**{name: X[name].astype(object).where(~broken, change(X[name])).infer_objects()})


KINDS: Mapping[str, tuple[str, Kind]] = {
    "scale up": ("income", where("income", lambda x: x * 100.0)),
    "scale down": ("income", where("income", lambda x: x / 100.0)),
    "shift": ("age", where("age", lambda x: x + 48.0)),
    "one value": ("age", where("age", lambda x: 45.0 + 0.0 * x)),
    "new category": ("plan", where("plan", lambda x: "platinum" + 0 * x.str.len().astype(str).str[:0])),
    "missing": ("age", where("age", lambda x: x * np.nan)),
    "wrong type": ("age", where("age", lambda x: x.astype(str) + " years")),
}


@pytest.fixture(scope="module")
def profile() -> driftline.Profile:
    X = applicants(np.random.default_rng(0), TRAINING_ROWS)
    times = 1.7e9 + 3600.0 * np.arange(TRAINING_ROWS) / 100
    return driftline.profile(X, timestamp=times, model="loans", prediction=Lender().predict(X))


def events(
    profile: driftline.Profile,
    telemetry: Telemetry,
    X: pd.DataFrame,
    broken: pd.Series,
    batch: int,
    *,
    by_spans: bool = True,
) -> tuple[list[AlarmEvent | IncidentEvent], dict[str, bool]]:
    """What a window of these rows leads to, and of each trace whether a row of it was broken."""
    model, tracer, did_it = Lender(), telemetry.tracer_provider.get_tracer("test"), {}
    for at in range(0, len(X), batch):
        if at // batch % EXPORT == 0:
            telemetry.flush()
        with tracer.start_as_current_span("POST /loans") as request:
            model.predict(X.iloc[at : at + batch])
        did_it[f"{request.get_span_context().trace_id:032x}"] = bool(broken.iloc[at : at + batch].any())
    telemetry.flush()
    engine, now = Engine(SETTINGS), time.time_ns()
    engine.put_reference(read_reference(profile.to_request()))
    for request in telemetry.requests("metrics"):
        if by_spans:
            _without_exemplars(request)
        engine.observe(decode_metrics(request.SerializeToString()).records, now)
    spans = [request.SerializeToString() for request in telemetry.requests("traces")]
    for at in range(0, len(spans) if by_spans else 0, 50):  # as a Collector puts them together
        decoded = decode_traces(b"".join(spans[at : at + 50]))
        assert not decoded.records, "a sketch has counted the rows"
        engine.observe_sketched(decoded.sketched, now)
    results = engine.advance(now + 4 * HOUR)
    return [event for result in results for event in (*result.incidents, *result.alarms)], did_it


def _without_exemplars(request: Any) -> None:
    for resource in request.resource_metrics:
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                del point.exemplars[:]


@pytest.mark.parametrize("by_spans", [True, False], ids=["spans", "exemplars"])
@pytest.mark.parametrize("traffic", [(0.2, 1), (0.2, 20), (1.0, 1)], ids=["a fifth", "batches", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_nine_of_ten_named_calls_held_a_broken_row(
    profile: driftline.Profile,
    instrumented: Callable[..., Telemetry],
    kind: str,
    traffic: tuple[float, int],
    *,
    by_spans: bool,
) -> None:
    """In the incident and in the alarm of each column, of the outputs too, which say what a broken input led to.

    By spans alone, and by exemplars alone: those come with the sketches, as soon as the alarm, or without a Collector.
    All spans show their inputs: an hour's calls are made within a second here.
    """
    share, batch = traffic
    rng = np.random.default_rng(1)
    random.seed(1)  # which examples are kept goes by the ids of spans
    X, (name, broken_as) = applicants(rng, CALLS * batch), KINDS[kind]
    broken = pd.Series(rng.random(len(X)) < (share if batch == 1 else share / 10))
    if batch > 1:
        broken |= pd.Series(np.repeat(rng.random(CALLS) < share, batch))  # some servers send nothing else
    found, did_it = events(
        profile,
        instrumented(model_name="loans", span_examples="all"),
        broken_as(X, broken),
        broken,
        batch,
        by_spans=by_spans,
    )
    opened = [event for event in found if event.traces]

    assert name in {event.column.name for event in opened if isinstance(event, AlarmEvent)}
    assert any(isinstance(event, IncidentEvent) for event in opened)
    named = [did_it[trace] for event in opened for trace in event.traces]
    assert sum(named) >= 0.9 * len(named)
    assert all(event.span for event in opened) or share == 1.0


def test_hidden_values_are_named_by_no_example(
    profile: driftline.Profile, instrumented: Callable[..., Telemetry]
) -> None:
    """Where no value leaves the server, an alarm names calls of the window, as exemplars do."""
    rng = np.random.default_rng(1)
    X, broken = applicants(rng, CALLS), pd.Series(np.ones(CALLS, bool))
    telemetry = instrumented(model_name="loans", capture="none")
    found, did_it = events(profile, telemetry, KINDS["scale up"][1](X, broken), broken, 1)
    traces = {trace for event in found for trace in event.traces}

    assert found
    assert traces <= did_it.keys()
    assert not any(event.span for event in found)
    assert not any(semconv.INPUT in key for span in telemetry.spans() for key in span.attributes)

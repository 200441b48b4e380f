"""A budget of spans with values: few in much traffic, all in little, the calls of one trace alike."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from driftline import semconv
from driftline.recording.span_budget import SpanBudget
from telemetry import Telemetry

SECONDS = 60


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(rate: float, per_second: int, seed: int = 0, floor: int = 0) -> tuple[list[bool], list[int]]:
    """Which calls of a minute show values, and their trace ids: those that a sampler left, of greater randomness."""
    clock, ids = Clock(), random.Random(seed)
    budget, taken, traces = SpanBudget(rate, clock), [], []
    for call in range(SECONDS * per_second):
        clock.now = call / per_second
        trace = ids.getrandbits(128) | (floor << 55)
        taken.append(budget.take(trace))
        traces.append(trace)
    return taken, traces


@pytest.mark.parametrize("floor", [0, 1], ids=["every trace", "the upper half of a sampler"])
@pytest.mark.parametrize(("rate", "per_second"), [(20, 200), (20, 5_000), (5, 100), (1, 50), (0.5, 50)])
def test_much_traffic_spends_the_budget(rate: float, per_second: int, floor: int) -> None:
    """About as many spans a second as it allows, and never more than twice that."""
    taken, _ = shown(rate, per_second, floor=floor)

    assert 0.6 * rate <= sum(taken) / SECONDS <= 1.6 * rate
    window = max(int(per_second / min(rate, 1)), 1)
    assert max(sum(taken[at : at + window]) for at in range(0, len(taken), window)) <= 2 * max(rate, 1)


@pytest.mark.parametrize(("rate", "per_second"), [(20, 19), (20, 1), (1, 1)])
def test_little_traffic_shows_everything(rate: float, per_second: int) -> None:
    assert all(shown(rate, per_second)[0])


@pytest.mark.parametrize(("rate", "all_or_none"), [(0, False), (float("inf"), True)])
def test_all_and_none(rate: float, all_or_none: bool) -> None:
    assert set(shown(rate, 100)[0]) == {all_or_none}


def test_processes_with_the_same_traffic_choose_the_same_traces() -> None:
    """So that a trace through several models shows values in each of them."""
    first, traces = shown(20, 500)
    again, _ = shown(20, 500)
    assert first == again
    chosen = {trace & ((1 << 56) - 1) for trace, each in zip(traces, first, strict=True) if each}
    left = {trace & ((1 << 56) - 1) for trace, each in zip(traces, first, strict=True) if not each}
    late = sorted(chosen)[len(chosen) // 2]
    assert sum(each > late for each in left) < 0.05 * len(left)


def test_one_long_trace_is_bounded_too() -> None:
    """A batch job's calls all have one trace id."""
    clock = Clock()
    budget, taken = SpanBudget(20, clock), 0
    for call in range(10 * 1_000):
        clock.now = call / 1_000
        taken += budget.take(7)
    assert taken <= 10 * 40


@pytest.fixture
def model() -> LogisticRegression:
    X = np.random.default_rng(0).normal(size=(50, 3))
    return LogisticRegression().fit(X, X[:, 0] > 0)


def test_what_is_left_out_is_said(instrumented: Callable[..., Telemetry], model: LogisticRegression) -> None:
    """Outputs are always there, and every row is counted."""
    telemetry = instrumented(span_examples=5)
    for row in np.random.default_rng(1).normal(size=(200, 1, 3)):
        model.predict_proba(row)
    telemetry.flush()
    spans = [span.attributes for span in telemetry.spans()]
    omitted = [each for each in spans if each.get(semconv.INPUTS_OMITTED)]

    assert len(spans) == 200
    assert len(omitted) >= 100
    assert all(f"{semconv.OUTPUT}.confidence" in each and each[semconv.SKETCHED] for each in spans)
    assert all((f"{semconv.INPUT}.x0" in each) != bool(each.get(semconv.INPUTS_OMITTED)) for each in spans)
    assert telemetry.total(semconv.INFERENCE_ROWS) == 200


@pytest.mark.parametrize("options", [{"sketch": "none"}, {"sketch": "outputs"}, {"span_examples": "all"}])
def test_what_nobody_counts_is_shown(
    instrumented: Callable[..., Telemetry], model: LogisticRegression, options: dict[str, str]
) -> None:
    """The processor counts the inputs of spans that no sketch has counted."""
    telemetry = instrumented(**{"span_examples": 1} | options)
    for row in np.random.default_rng(1).normal(size=(100, 1, 3)):
        model.predict(row)
    telemetry.flush()

    assert all(f"{semconv.INPUT}.x0" in span.attributes for span in telemetry.spans())

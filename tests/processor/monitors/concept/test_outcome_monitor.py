"""Outcomes given predictions: what changes is found, and what only looks like it is not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit

from driftline.profiling.outcome_profiles import class_outcomes, number_outcomes
from driftline.reference.outcome_profile import ClassOutcomes
from driftline_processor.monitors.concept.monitor import CONCEPT, ERRORS, WRONG, Limits, OutcomeMonitor, Stretch
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.performance.selection import differs
from driftline_processor.records import ColumnKey
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict

ALPHA = 1e-4
PER = 200
Array = np.ndarray[Any, np.dtype[Any]]


def rows(number: int, seed: int, *, flipped: float = 0.0, day: float = 0.0) -> tuple[Array, Array]:
    """Calibrated scores and outcomes, some of which are flipped, or which swing with the time of day."""
    rng = np.random.default_rng(seed)
    score = rng.beta(0.8, 1.2, number).clip(1e-6, 1 - 1e-6)
    rate = expit(logit(score) + day * np.sin(np.arange(number) / PER * 2 * np.pi / 24))
    return score, (rng.random(number) < (1 - flipped) * rate + flipped * (1 - rate)).astype(np.int64)


def reference(**how: float) -> ClassOutcomes:
    score, label = rows(72 * PER, 1, **how)
    names = np.array(["no", "yes"], object)
    told = names[(score >= 0.5).astype(int)]
    found = class_outcomes(names[label], told, score, np.arange(len(score)) // PER)
    assert found is not None
    return found


def counts(outcomes: ClassOutcomes, score: Array, label: Array, kept: Array | None = None) -> ClassCounts:
    cell, told = outcomes.cell(score), (score >= 0.5).astype(np.int64)
    kept = np.ones(len(score), bool) if kept is None else kept
    every = ClassCounts.empty(outcomes).with_rows(cell, told)
    return every.with_labels(cell[kept], told[kept], label[kept], np.ones(int(kept.sum())))


def verdicts(
    monitor: OutcomeMonitor, panes: list[ClassCounts], alarms: Mapping[ColumnKey, OpenAlarm] | None = None
) -> list[dict[ColumnKey, Verdict]]:
    """Of every window, with the one before as the only longer stretch."""
    found = []
    for at, pane in enumerate(panes):
        stretches = [Stretch(at, at + 1, pane)]
        if at:
            stretches.append(Stretch(at - 1, at + 1, pane.plus(panes[at - 1])))
        results = monitor.judge(stretches, alarms or {}, Limits(ALPHA))
        found.append({each.column: each.verdict for each in results if each.verdict is not None})
    return found


@pytest.mark.parametrize("day", [0.0, 0.4], ids=["at random", "with the time of day"])
def test_healthy_streams_raise_nothing(day: float) -> None:
    """Three days of windows, as in training."""
    outcomes = reference(day=day)
    score, label = rows(72 * PER, 2, day=day)
    panes = [counts(outcomes, score[i : i + PER], label[i : i + PER]) for i in range(0, len(score), PER)]
    found = verdicts(OutcomeMonitor.of(outcomes, 0.0), panes)

    assert {each.state for window in found for each in window.values()} <= {State.HEALTHY, State.WARNING}


def test_other_outcomes_at_the_same_scores_are_an_alarm() -> None:
    """A quarter of them flipped: concept and performance, within 400 rows."""
    outcomes = reference()
    score, label = rows(2 * PER, 3, flipped=0.25)
    panes = [counts(outcomes, score[i : i + PER], label[i : i + PER]) for i in (0, PER)]
    last = verdicts(OutcomeMonitor.of(outcomes, 0.0), panes)[-1]

    assert last[CONCEPT].state is State.ALARM
    assert last[WRONG].state is State.ALARM
    assert "expected →" in last[CONCEPT].sentence
    assert last[WRONG].sentence.startswith("rows predicted wrong")


def test_scores_that_move_are_no_concept_drift() -> None:
    """Other scores, and outcomes that go with them as before."""
    outcomes, rng = reference(), np.random.default_rng(4)
    score = rng.beta(2.0, 0.6, 2_000)
    label = (rng.random(2_000) < score).astype(np.int64)
    found = verdicts(OutcomeMonitor.of(outcomes, 0.0), [counts(outcomes, score, label)])[0]

    assert found[CONCEPT].state is not State.ALARM


def test_labels_of_one_class_are_a_warning_that_says_why() -> None:
    """Positives are labelled three times as often: the scores of labelled rows show it."""
    outcomes, rng = reference(), np.random.default_rng(5)
    score, label = rows(3_000, 6)
    kept = rng.random(3_000) < np.where(label == 1, 0.6, 0.2)
    found = verdicts(OutcomeMonitor.of(outcomes, 0.0), [counts(outcomes, score, label, kept)])[0][CONCEPT]

    assert found.state is State.WARNING
    assert "which rows get labels" in found.sentence


def test_labels_at_random_are_no_selection() -> None:
    """Of 200 random samples hardly one is taken for something else."""
    rng = np.random.default_rng(7)
    everything = np.full(16, 200.0)
    found = [differs(rng.hypergeometric(200, 200, 60, 16).astype(float), everything) for _ in range(200)]

    assert sum(found) <= 6


def test_an_alarm_ends_when_outcomes_are_as_before() -> None:
    """By rows that came after it was opened."""
    outcomes = reference()
    score, label = rows(4_000, 8)
    monitor, pane = OutcomeMonitor.of(outcomes, 0.0), counts(outcomes, score, label)
    opened = {CONCEPT: OpenAlarm(5, 0.12)}
    after = monitor.judge([Stretch(5, 6, pane)], opened, Limits(ALPHA))[0].verdict
    before = monitor.judge([Stretch(4, 6, pane)], opened, Limits(ALPHA))[0].verdict

    assert after is not None
    assert before is not None
    assert after.closing is not None
    assert before.closing is None


def test_errors_of_numbers_that_grow() -> None:
    """Twice as large: found by size; a constant added: by bias; and as before: nothing."""
    rng = np.random.default_rng(9)
    guess, error = rng.uniform(10, 100, 20_000), rng.normal(0, 1, 20_000)
    outcomes = number_outcomes(guess - error, guess, np.arange(20_000) // 200, {})
    monitor = OutcomeMonitor.of(outcomes, 0.0)

    def judged(factor: float, bias: float) -> dict[ColumnKey, Verdict]:
        guess, error = rng.uniform(10, 100, 400), rng.normal(0, 1, 400) * factor + bias
        z = outcomes.standardised(guess, error)
        pane = NumberCounts.empty(outcomes).with_rows(outcomes.cell(guess), ()).with_labels(z, np.ones(400))
        results = monitor.judge([Stretch(0, 1, pane)], {}, Limits(ALPHA))
        return {each.column: each.verdict for each in results if each.verdict is not None}

    assert judged(2.0, 0.0)[ERRORS].state is State.ALARM
    assert judged(1.0, 1.0)[CONCEPT].state is State.ALARM
    assert {each.state for each in judged(1.0, 0.0).values()} == {State.HEALTHY}

"""The verdict gives the numbers of the trial that its design was measured on.

The trial is not shipped. Its numbers (distance, lower bound and evidence by event, and the fitted curve) were computed
once, for seeded cases, and stand in tests/golden/verdict_prototype.json beside their counts.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.decision import assess
from driftline_processor.monitors.drift.detection.tested_sets import (
    BinSets,
    category_events,
    numeric_events,
    state_events,
)

TOLERANCE = 0.05
CASES = json.loads((Path(__file__).parents[4] / "golden" / "verdict_prototype.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def baseline(case: dict[str, Any]) -> tuple[Baseline, BinSets]:
    chunks = np.array(case["chunks"], float)
    ordered = case["kind"] == "numeric"
    bins = chunks.shape[1]
    events = numeric_events(bins) if ordered else state_events() if bins == 2 else category_events(bins)
    return Baseline.of(chunks, events, TOLERANCE, ordered=ordered), events


def assessment(case: dict[str, Any]) -> Assessment:
    window = np.array(case["window"], float)
    known, events = baseline(case)
    return assess(known, events.sums(window), float(window.sum()), case["alpha"], case["chunks_long"])


def test_natural_variation_is_fitted_alike(case: dict[str, Any]) -> None:
    """Floor and growth of every event are those of the trial, and so are the degrees of freedom by rows."""
    variation = baseline(case)[0].variation

    np.testing.assert_allclose(variation.floor, case["floor"], rtol=1e-9)
    np.testing.assert_allclose(variation.growth, case["growth"], rtol=1e-9, atol=1e-15)
    assert variation.degrees(sum(case["window"])) == pytest.approx(case["degrees"])


def test_every_event_is_judged_alike(case: dict[str, Any]) -> None:
    """Distance, lower bound and evidence of every event are those of the trial."""
    found = assessment(case)

    np.testing.assert_allclose(found.move.distance, case["d"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.move.lower_bound, case["lower_bound"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.significance.ratio, case["evidence"], rtol=1e-9, atol=1e-12)


def test_the_score_is_alike(case: dict[str, Any]) -> None:
    """The highest event scores as in the trial, where the trial has the same events."""
    if case["score"] is None:  # a categorical column: the trial has one event more
        assert case["kind"] == "category"
        return

    assert assessment(case).score.max() == pytest.approx(case["score"], rel=1e-9)

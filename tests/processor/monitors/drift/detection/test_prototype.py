"""The verdict gives the numbers of the trial that its design was measured on.

The trial is not shipped. Its numbers (distance, lower bound and evidence by event, and the fitted curve) were computed
once, for seeded cases, and stand in tests/golden/verdict_prototype.json beside their counts. Its distances and bounds
are times the weight that it gave to each event, which is divided out here.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.decision import assess
from driftline_processor.monitors.drift.detection.tested_sets import (
    BinSets,
    Family,
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


def of_weight(case: dict[str, Any]) -> NDArray[np.float64]:
    """What the trial multiplied the distance of each event with: .5/sqrt(p(1 - p)), 1.6 at most, but 1 in intervals."""
    known, events = baseline(case)
    window = np.array(case["window"], float)
    share = (events.sums(window) / window.sum() + known.shares) / 2.0
    weight = np.clip(0.5 / np.sqrt(np.maximum(share * (1.0 - share), 1e-12)), 1.0, 1.6)
    return np.where(events.are(Family.INTERVAL) | events.are(Family.TAILS), 1.0, weight)


def test_natural_variation_is_fitted_alike(case: dict[str, Any]) -> None:
    """Floor and growth of every event are those of the trial, and so are the degrees of freedom by rows."""
    variation = baseline(case)[0].variation

    np.testing.assert_allclose(variation.floor, case["floor"], rtol=1e-9)
    np.testing.assert_allclose(variation.growth, case["growth"], rtol=1e-9, atol=1e-15)
    assert variation.degrees(sum(case["window"])) == pytest.approx(case["degrees"])


def test_every_event_is_judged_alike(case: dict[str, Any]) -> None:
    """Distance, lower bound and evidence of every event are those of the trial."""
    found, weight = assessment(case), of_weight(case)

    np.testing.assert_allclose(found.move.distance, case["d"] / weight, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.move.lower_bound, case["lower_bound"] / weight, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.significance.ratio, case["evidence"], rtol=1e-9, atol=1e-12)


def test_the_score_is_alike(case: dict[str, Any]) -> None:
    """The highest event scores what the trial's evidence and bounds make of it: the weaker of the two.

    Without proof that the tolerance is exceeded, which the trial did not ask for, it scores 1 at most.
    """
    found, tolerance = assessment(case), baseline(case)[0].tolerance
    relevance = np.array(case["lower_bound"]) / of_weight(case) / tolerance
    score = np.where(relevance > 1.0, case["evidence"], np.minimum(case["evidence"], relevance))
    score = np.where(found.proven > tolerance, score, np.minimum(score, 1.0))

    assert found.score.max() == pytest.approx(score.max(), rel=1e-9)

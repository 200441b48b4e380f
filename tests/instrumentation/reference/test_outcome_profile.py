"""How outcomes went with predictions, kept in a reference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.reference.outcome_profile import ClassOutcomes, NumberOutcomes


def classes(rows: int, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    score = rng.random(rows).round(2)
    return {"x": rng.normal(size=rows), "score": score, "told": score >= 0.5, "label": rng.random(rows) < score}


def numbers(rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    guess = rng.gamma(3, 20, rows)
    return {"x": rng.normal(size=rows), "guess": guess, "actual": guess + rng.normal(0, 2, rows)}


def test_classes_survive_a_file(tmp_path: Path) -> None:
    """Counts, edges and the rest, of scores, predictions and labels."""
    made = driftline.profile(classes(2_000), "label", prediction="told", score="score", model="m")
    made.save(tmp_path / "r.json")
    before, after = made.outcomes, driftline.load_profile(tmp_path / "r.json").outcomes

    assert isinstance(before, ClassOutcomes)
    assert isinstance(after, ClassOutcomes)
    assert (after.classes, after.positive, after.scored) == (("0", "1"), "1", True)
    assert 0.5 in after.edges
    assert before.joint.sum() == 2_000
    for name in ("edges", "joint", "scores", "areas", "chunks"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-9)


def test_numbers_survive_a_file(tmp_path: Path) -> None:
    """Errors by cell of the prediction, and losses by input."""
    made = driftline.profile(numbers(2_000), "actual", prediction="guess", model="m")
    made.save(tmp_path / "r.json")
    after = driftline.load_profile(tmp_path / "r.json").outcomes

    assert isinstance(after, NumberOutcomes)
    assert after.sums[:, 0].sum() == 2_000
    assert [each.name for each in after.inputs] == ["x"]
    assert after.chunks[:, 0].sum() == 2_000


def test_profiles_in_the_same_cells_add_up() -> None:
    """Others lose it, and say so."""
    one = driftline.profile(classes(500), "label", prediction="told", score="score", model="m")
    other = driftline.profile(classes(500, seed=9), "label", prediction="told", score="score", model="m")
    twice, apart = one.merge(one), one.merge(other)

    assert isinstance(one.outcomes, ClassOutcomes)
    assert isinstance(twice.outcomes, ClassOutcomes)
    np.testing.assert_array_equal(twice.outcomes.joint, 2 * one.outcomes.joint)
    assert (apart.outcomes is None) == any("different cells" in note for note in apart.notes)


@pytest.mark.parametrize("missing", ["label", "told"])
def test_without_label_or_prediction_there_is_none(missing: str) -> None:
    """Scores alone do for classes; predictions alone need labels."""
    data = classes(200)
    del data[missing], data["score"]
    roles = {"label": "y", "told": "prediction"}
    given = {role: name for name, role in roles.items() if name != missing}

    assert driftline.profile(data, model="m", **given).outcomes is None

"""Tolerances of single columns mean the same in a reference and in the configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from replay_data import replay, results, write_csv

ROWS = 5_000


def rows(seed: int, fraud: float, wire: float) -> dict[str, list[Any]]:
    random = np.random.default_rng(seed)
    return {
        "amount": random.normal(size=ROWS).tolist(),
        "fraud_card": (random.random(ROWS) < fraud).astype(float).tolist(),
        "fraud_wire": np.where(random.random(ROWS) < wire, "yes", "no").tolist(),
        "approved": np.where(random.random(ROWS) < wire, "yes", "no").tolist(),
        "charged_back": (random.random(ROWS) < fraud).astype(int).tolist(),
    }


def save(path: Path, tolerances: Mapping[str, float]) -> Path:
    trained = rows(0, 0.3, 0.3)
    profile = driftline.profile(
        trained, y="charged_back", prediction="approved", model="m", tolerances=dict(tolerances)
    )
    profile.save(path)
    return path


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every column but the amount moves by fifteen points."""
    return write_csv(tmp_path_factory.mktemp("live") / "live.csv", rows(1, 0.45, 0.45))


def alarmed(tmp_path: Path, live: Path, reference: Path, *options: str) -> set[str]:
    names = ("--label", "charged_back", "--prediction", "approved")
    (window,) = results(tmp_path, live, "--reference", reference, *names, *options)["windows"]
    return {name for name, column in window["columns"].items() if column["state"] == "alarm"}


def test_a_reference_brings_its_own_and_the_configuration_overrides(tmp_path: Path, live: Path) -> None:
    """Inputs, the prediction and the label; numbers and categories."""
    plain = save(tmp_path / "plain.json", {})
    every = alarmed(tmp_path, live, plain)
    assert len(every) == 4
    assert alarmed(tmp_path, live, plain, "--tolerance", "0.2") == set()
    own = save(tmp_path / "own.json", {"fraud_*": 0.2, "prediction": 0.2})
    kept = every - {"fraud_card", "fraud_wire", "prediction"}
    assert alarmed(tmp_path, live, own) == kept
    assert len(kept) == 1
    config = tmp_path / "processor.yaml"
    config.write_text(f"verdict: {{tolerances: {{fraud_card: 0.05, {next(iter(kept))}: 0.3}}}}")
    assert alarmed(tmp_path, live, own, "--config", str(config)) == {"fraud_card"}
    assert alarmed(tmp_path, live, own, "--config", str(config), "--tolerance", "fraud_*=0.3") == {"fraud_card"}
    assert alarmed(tmp_path, live, own, "--config", str(config), "--tolerance", "fraud_card=0.3") == set()


def test_replay_says_which_tolerances_are_its_own(tmp_path: Path, live: Path) -> None:
    """The columns of each, and a pattern that no column has; a wrong one is refused by name."""
    reference = save(tmp_path / "own.json", {"fraud_*": 0.2})
    run = replay(live, "--reference", reference, "--tolerance", "amount=0.1", "--tolerance", "fruad*=0.1")

    assert "Tolerance 0.1: 'amount'\n" in run.output
    assert "Tolerance 0.2: 'fraud_card', 'fraud_wire'\n" in run.output
    assert "Tolerance of 'fruad*': matches no column of the reference\n" in run.output
    for wrong in ("fraud*=2", "many", "=0.1"):
        refused = replay(live, "--reference", reference, "--tolerance", wrong)
        assert refused.exit_code == 2
        assert "'--tolerance'" in refused.output

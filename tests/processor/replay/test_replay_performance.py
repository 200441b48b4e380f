"""A replay with labels says how right the model was in each window."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

import driftline
from replay_data import Columns, logged, replay, results, save_reference, write_parquet

ROWS = 600


def labelled(share: float, seed: int = 5, hours: int = 2) -> Columns:
    """Hours of predictions; labels that are mostly as predicted, of so many rows."""
    data, rng = logged(hours, seed), np.random.default_rng(seed)
    wrong = {"leaves": "stays", "stays": "leaves"}
    truth = [wrong[each] if rng.random() < 0.2 else each for each in data["prediction"]]
    data["churned"] = [each if rng.random() < share else None for each in truth]
    return data


def test_metrics_are_those_of_the_labelled_rows(tmp_path: Path) -> None:
    """By scikit-learn, of each window; the positive class is the one that high scores predict."""
    data = labelled(0.4)
    reference = save_reference(tmp_path / "r.json")
    found = results(
        tmp_path, write_parquet(tmp_path / "d.parquet", data), "--reference", reference, "--label", "churned"
    )

    assert len(found["windows"]) == 2
    for at, window in enumerate(found["windows"]):
        y, p, s = (np.array(data[name][at * ROWS : (at + 1) * ROWS]) for name in ("churned", "prediction", "score"))
        known = np.array([each is not None for each in y])
        y, p, s = y[known].astype(str), p[known], s[known]
        performance = window["performance"]
        assert performance["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(y, p))
        assert performance["f1"]["value"] == pytest.approx(metrics.f1_score(y, p, pos_label="leaves"))
        assert performance["roc_auc"]["value"] == pytest.approx(metrics.roc_auc_score(y == "leaves", s))
        assert performance["recall.stays"]["value"] == pytest.approx(metrics.recall_score(y, p, pos_label="stays"))
        assert set(performance["accuracy"]) == {"value", "low", "high", "basis", "labelled"}
        assert performance["accuracy"]["labelled"] == known.mean()


def test_few_labels_give_no_value_but_a_reason(tmp_path: Path) -> None:
    """Nulls, and what was missing."""
    data = write_parquet(tmp_path / "d.parquet", labelled(0.01))
    reference = save_reference(tmp_path / "r.json")
    found = results(tmp_path, data, "--reference", reference, "--label", "churned")

    told = found["windows"][0]["performance"]["accuracy"]
    assert (told["value"], told["low"], told["high"]) == (None, None, None)
    assert "at least 20 needed" in told["reason"]
    assert {"f1", "roc_auc", "recall.stays"} <= set(found["windows"][0]["performance"])


def test_classes_are_known_before_any_label(tmp_path: Path) -> None:
    """Predictions name them: a window without labels says of each metric why it has no value."""
    data = labelled(1.0)
    data["churned"] = [None] * ROWS + data["churned"][ROWS:]
    found = results(
        tmp_path,
        write_parquet(tmp_path / "d.parquet", data),
        *("--reference", save_reference(tmp_path / "r.json"), "--label", "churned"),
    )
    first, second = (window["performance"] for window in found["windows"])

    assert set(first) == set(second)
    assert {each["value"] for each in first.values()} == {None}


def test_errors_of_numbers(tmp_path: Path) -> None:
    """Numbers that are no classes have errors; the window tells them as text too."""
    rng = np.random.default_rng(2)
    x = rng.gamma(3, 20, ROWS)
    data = {"x": x.tolist(), "guess": (x + rng.normal(0, 2, ROWS)).tolist()}
    driftline.profile(data, prediction="guess", model="m").save(tmp_path / "r.json")
    path = write_parquet(tmp_path / "d.parquet", {**data, "actual": (np.array(data["guess"]) + 0.25).tolist()})
    options = (path, "--reference", tmp_path / "r.json", "--label", "actual", "--prediction", "guess")
    told = results(tmp_path, *options)["windows"][0]["performance"]

    assert told["mae"]["value"] == pytest.approx(0.25)
    assert told["bias"]["value"] == pytest.approx(-0.25)
    assert set(told) == {"mae", "rmse", "rmsle", "bias", "r2"}
    output = replay(*options).output
    assert "performance  100% labelled (600 of 600 rows)\n    mae  0.25  (" in output, output


def test_without_labels_nothing_is_said_of_performance(tmp_path: Path) -> None:
    """There is no such key."""
    data = write_parquet(tmp_path / "d.parquet", logged(1, 5))
    found = results(tmp_path, data, "--reference", save_reference(tmp_path / "r.json"))

    assert "performance" not in found["windows"][0]


def test_before_labels_performance_is_estimated(tmp_path: Path) -> None:
    """By a reference that has labels: of data without any, with the basis, as text too."""
    training = labelled(1.0, seed=3)
    profile = driftline.profile(training, "churned", prediction="prediction", score="score", model="churn")
    profile.save(tmp_path / "r.json")
    data, truth = logged(2, seed=8), labelled(1.0, seed=8)["churned"]
    options = (write_parquet(tmp_path / "d.parquet", data), "--reference", tmp_path / "r.json")
    told = results(tmp_path, *options)["windows"][0]["performance"]

    assert {(each["basis"], each["labelled"]) for each in told.values()} == {("estimated", 0.0)}
    right = metrics.accuracy_score(truth[:ROWS], data["prediction"][:ROWS])
    assert told["accuracy"]["low"] <= right <= told["accuracy"]["high"]
    assert {"f1", "roc_auc", "recall.stays"} <= set(told)
    assert "cannot see concept drift" in replay(*options).output


def test_labels_take_the_place_of_estimates(tmp_path: Path) -> None:
    """In a window that has enough of them."""
    training = labelled(1.0, seed=3)
    profile = driftline.profile(training, "churned", prediction="prediction", score="score", model="churn")
    profile.save(tmp_path / "r.json")
    data = labelled(0.5)
    data["churned"][:ROWS] = [None] * ROWS
    options = ("--reference", tmp_path / "r.json", "--label", "churned")
    found = results(tmp_path, write_parquet(tmp_path / "d.parquet", data), *options)["windows"]

    assert [window["performance"]["accuracy"]["basis"] for window in found] == ["estimated", "labels"]


def test_outcomes_that_change_are_alarms(tmp_path: Path) -> None:
    """Half of the labels flipped from the third hour on, inputs and scores as before: concept and performance."""
    training, data = labelled(1.0, seed=3, hours=24), labelled(1.0, seed=8, hours=6)
    profile = driftline.profile(training, "churned", prediction="prediction", score="score", model="churn")
    profile.save(tmp_path / "r.json")
    other = {"leaves": "stays", "stays": "leaves"}
    rng = np.random.default_rng(4)
    data["churned"] = [
        other[each] if at >= 2 * ROWS and rng.random() < 0.5 else each for at, each in enumerate(data["churned"])
    ]
    options = ("--reference", tmp_path / "r.json", "--label", "churned")
    found = results(tmp_path, write_parquet(tmp_path / "d.parquet", data), *options)
    opened = {alarm["target"]: alarm["opened"] for alarm in found["alarms"] if alarm["target"] != "label"}

    assert set(opened) == {"concept", "performance"}
    assert set(opened.values()) == {"2024-03-01T03:00:00Z"}


def reference_of_labels(path: Path) -> Path:
    training = labelled(1.0, seed=3, hours=12)
    profile = driftline.profile(training, "churned", prediction="prediction", score="score", model="churn")
    profile.save(path)
    return path


def test_labels_weigh_one_over_their_chance(tmp_path: Path) -> None:
    """As in scikit-learn with sample weights; neither the chance nor the id is an input."""
    data, rng = labelled(1.0), np.random.default_rng(6)
    chance = np.where(np.array(data["churned"]) == "leaves", 0.6, 0.2)
    data["churned"] = [y if rng.random() < p else None for y, p in zip(data["churned"], chance, strict=True)]
    data |= {"chance": chance.tolist(), "key": [f"k{i}" for i in range(len(chance))]}
    options = ("--reference", reference_of_labels(tmp_path / "r.json"), "--label", "churned")
    weighted = ("--probability", "chance", "--id", "key")
    found = results(tmp_path, write_parquet(tmp_path / "d.parquet", data), *options, *weighted)["windows"][0]

    known = [at for at in range(ROWS) if data["churned"][at] is not None]
    y, p = (np.array([data[name][at] for at in known]) for name in ("churned", "prediction"))
    told, weights = found["performance"], 1.0 / chance[known]
    assert told["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(y, p, sample_weight=weights))
    assert told["f1"]["value"] == pytest.approx(metrics.f1_score(y, p, pos_label="leaves", sample_weight=weights))
    assert not {"chance", "key"} & set(found["columns"])
    assert "selection" not in told["accuracy"]


def test_a_selection_by_score_is_weighted_out_and_told(tmp_path: Path) -> None:
    """Doubtful scores are labelled ten times as often: labels alone would say that the model is worse."""
    rng, rows = np.random.default_rng(7), 6_000
    score = rng.random(rows)
    truth = rng.random(rows) < score
    data = {"x": rng.normal(size=rows), "score": score, "prediction": score >= 0.5, "churned": truth}
    driftline.profile(data, "churned", prediction="prediction", score="score", model="m").save(tmp_path / "r.json")
    kept = rng.random(rows) < np.where(np.abs(score - 0.5) < 0.15, 0.5, 0.05)
    data["churned"] = [bool(y) if k else None for y, k in zip(truth, kept, strict=True)]
    options = ("--reference", tmp_path / "r.json", "--label", "churned", "--window", "6000rows")
    path = write_parquet(tmp_path / "d.parquet", {name: list(column) for name, column in data.items()})
    accuracy = results(tmp_path, path, *options)["windows"][0]["performance"]["accuracy"]

    assert accuracy["low"] <= np.mean(truth == (score >= 0.5)) <= accuracy["high"]
    assert accuracy["selection"] == "unknown"
    assert "no selection by class" in replay(path, *options).output


def test_classes_that_were_never_predicted_are_not_estimated(tmp_path: Path) -> None:
    """Training tells nothing of them."""
    data = logged(1, seed=8)
    data["prediction"] = ["waits" if i % 5 == 0 else each for i, each in enumerate(data["prediction"])]
    options = (write_parquet(tmp_path / "d.parquet", data), "--reference", reference_of_labels(tmp_path / "r.json"))
    told = results(tmp_path, *options)["windows"][0]["performance"]["accuracy"]

    assert told["value"] is None
    assert "predictions" in told["reason"]


def test_whole_labels_of_numeric_predictions_are_numbers(tmp_path: Path) -> None:
    """Counts that are predicted as numbers have errors, and no classes."""
    rng = np.random.default_rng(2)
    x = rng.gamma(3, 2, 3 * ROWS)
    data = {"x": x, "guess": x, "actual": rng.poisson(x)}
    driftline.profile(data, "actual", prediction="guess", model="m").save(tmp_path / "r.json")
    path = write_parquet(tmp_path / "d.parquet", {name: column[:ROWS].tolist() for name, column in data.items()})
    options = (path, "--reference", tmp_path / "r.json", "--label", "actual", "--prediction", "guess")
    told = results(tmp_path, *options)["windows"][0]["performance"]

    assert told["mae"]["value"] == pytest.approx(np.abs(data["actual"] - x)[:ROWS].mean())
    assert "accuracy" not in told


def test_rows_like_none_of_training_are_not_estimated(tmp_path: Path) -> None:
    """The refusal names the input."""
    training = labelled(1.0, seed=3)
    profile = driftline.profile(training, "churned", prediction="prediction", score="score", model="churn")
    profile.save(tmp_path / "r.json")
    data = logged(1, seed=8)
    data["plan"] = ["student" if i % 5 == 0 else each for i, each in enumerate(data["plan"])]
    options = (write_parquet(tmp_path / "d.parquet", data), "--reference", tmp_path / "r.json")
    told = results(tmp_path, *options)["windows"][0]["performance"]["accuracy"]

    assert told["value"] is None
    assert "plan" in told["reason"]

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import driftline
from driftline.tools.demo.patients import FAULT, FEATURES, load_patients
from driftline.tools.demo.scenarios import cold_spot, output_collapse
from driftline.tools.demo.training import LABEL, PREDICTION, ROWS, SCORE, TIMESTAMP, train, training_log

TOLERANCE = 0.05
AMPLIFICATION = 1.6
"""A distance may be so many times a difference of shares: in the tails, the processor weighs it up."""


def largest_shift(before: np.ndarray, after: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance."""
    grid = np.union1d(before, after)
    shares = [np.searchsorted(np.sort(each), grid, side="right") / len(each) for each in (before, after)]
    return float(np.abs(shares[0] - shares[1]).max())


def test_the_fault_changes_one_feature_and_nothing_else() -> None:
    """Rows in the other unit differ in the broken feature alone, by the divisor; the rows given stay as they were."""
    rows, _ = load_patients()
    before = rows.copy()

    broken = FAULT.apply(rows)

    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(broken.drop(columns=FAULT.feature), rows.drop(columns=FAULT.feature))
    assert (broken[FAULT.feature] * FAULT.divisor).to_numpy() == pytest.approx(rows[FAULT.feature].to_numpy())


def test_the_broken_feature_leaves_the_range_of_the_training_data() -> None:
    """No patient's value in the new unit is one that anybody had in the old."""
    rows, _ = load_patients()

    assert FAULT.apply(rows)[FAULT.feature].max() < rows[FAULT.feature].min()


def test_the_outputs_hardly_notice_the_fault() -> None:
    """The demo promises one alarm alone: classes, scores and confidence stay within the tolerance without the unit."""
    rows, _ = load_patients()
    model = train()
    before, after = (model.predict_proba(each)[:, 1] for each in (rows, FAULT.apply(rows)))

    assert abs(np.mean(before > 0.5) - np.mean(after > 0.5)) * AMPLIFICATION < TOLERANCE
    assert largest_shift(before, after) * AMPLIFICATION < TOLERANCE
    assert largest_shift(np.maximum(before, 1 - before), np.maximum(after, 1 - after)) * AMPLIFICATION < TOLERANCE


def test_the_fault_makes_the_model_worse() -> None:
    """A fault that changed nothing would not be worth an alarm: some patients are judged otherwise."""
    rows, _ = load_patients()
    model = train()

    assert (model.predict(rows) != model.predict(FAULT.apply(rows))).any()


def test_the_training_log_is_in_order_of_time_and_ends_before_now() -> None:
    """Thirty days, evenly spread: what `driftline profile` cuts into chunks."""
    times = training_log(train(), end=1_700_000_000.0)[TIMESTAMP]

    assert len(times) == ROWS
    assert times.is_monotonic_increasing
    assert times.iloc[0] == pd.Timestamp("2023-10-15 22:13:20")
    assert times.iloc[-1] < pd.Timestamp("2023-11-14 22:13:20")


def test_the_training_log_holds_what_the_server_will_say() -> None:
    """Prediction and score of each row are the model's own for the features in it."""
    model = train()
    log = training_log(model, end=1_700_000_000.0).head(500)
    features = log[list(FEATURES.values())]

    assert list(log.columns) == [TIMESTAMP, *FEATURES.values(), LABEL, PREDICTION, SCORE]
    assert list(log[PREDICTION]) == list(model.predict(features))
    assert list(log[SCORE]) == list(model.predict_proba(features)[:, 1])


def test_the_training_log_is_drawn_from_the_patients() -> None:
    """Every row is a patient with that patient's outcome."""
    patients, outcome = load_patients()
    known = {(*row, label) for row, label in zip(patients.itertuples(index=False), outcome, strict=True)}

    log = training_log(train(), end=0.0).head(1000)

    assert {(*row,) for row in log[[*FEATURES.values(), LABEL]].itertuples(index=False)} <= known


def test_the_new_model_of_the_collapse_calls_everybody_mild(tmp_path: Path) -> None:
    """It replaces the file, has both classes still, and predicts one."""
    output_collapse.deploy(tmp_path / "model.joblib")
    model = joblib.load(tmp_path / "model.joblib")

    assert list(model.classes_) == ["mild", "severe"]
    assert set(model.predict(load_patients()[0])) == {"mild"}
    assert [file.name for file in tmp_path.iterdir()] == ["model.joblib"]


def test_the_new_model_of_the_cold_spot_is_unsure_of_one_group_alone(tmp_path: Path) -> None:
    """The reference has the group as a pair of bins, under the name that is expected; of all others nothing moves."""
    path, old = tmp_path / "model.joblib", train()
    joblib.dump(old, path)
    cold_spot.deploy(path)
    patients, _ = load_patients()
    scrambled = cold_spot.is_scrambled(patients)
    before, after = (each.predict_proba(patients)[:, 1] for each in (old, joblib.load(path)))
    assert after[scrambled] == pytest.approx(0.5)
    assert after[~scrambled] == pytest.approx(before[~scrambled], abs=1e-5)
    assert largest_shift(*(np.maximum(p, 1 - p) for p in (before, after))) < TOLERANCE

    log = training_log(old, end=1e9)
    profile = driftline.profile(log, y=LABEL, prediction=PREDICTION, score=SCORE, timestamp=TIMESTAMP)
    assert profile.segments is not None
    codes = [each.codes(np.asarray(patients[each.name])) for each in profile.segments.columns[:2]]
    (cell,) = set(zip(*(each[scrambled].tolist() for each in codes), strict=True))
    columns = profile.segments.columns
    assert " and ".join(columns[i].named(code) for i, code in enumerate(cell)) == cold_spot.SEGMENT
    assert np.count_nonzero((codes[0] == cell[0]) & (codes[1] == cell[1])) == scrambled.sum()

"""The same columns in other types: what is judged does not depend on how a class or a code was written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from driftline.cli import main
from driftline.sketch.values import class_names
from replay_data import results

ROWS = 1200

AS: Final[dict[str, Callable[[Any], Any]]] = {
    "bool": lambda x: x,
    "integers": lambda x: x.astype(int),
    "floats": lambda x: x.astype(float),
    "nullable": lambda x: x.astype(int).astype("Int64"),
    "True": lambda x: x.map({True: "True", False: "False"}),
    "true": lambda x: x.map({True: "true", False: "false"}),
    "1": lambda x: x.astype(int).astype(str),
    "1.0": lambda x: x.astype(float).astype(str),
}
"""A column of truth values as labels and predictions come."""

TYPES = [
    *[(each,) * 4 for each in AS],
    *[("bool", "bool", each, "bool") for each in ("integers", "True", "1.0", "true")],
    *[("integers", "integers", "integers", each) for each in ("bool", "True", "1.0", "floats")],
    ("bool", "True", "integers", "1"),
    ("True", "bool", "integers", "bool"),
]
"""Of label and prediction in training, and of both in what is replayed."""


def rows(seed: int, begin: str) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, ROWS)
    score = 1 / (1 + np.exp(-(age - 40) / 10))
    return pd.DataFrame(
        {
            "ts": pd.date_range(begin, periods=ROWS, freq="72s"),
            "age": age,
            "plan": rng.choice([1, 2, 4, 9], ROWS, p=[0.4, 0.3, 0.2, 0.1]),
            "score": score,
            "prediction": pd.Series(score > 0.5),
            "label": pd.Series(rng.random(ROWS) < score),
        }
    )


def replayed(folder: Path, training: pd.DataFrame, live: pd.DataFrame, *options: str) -> dict[str, Any]:
    training.to_parquet(folder / "training.parquet")
    live.to_parquet(folder / "live.parquet")
    named = ("--label", "label", "--prediction", "prediction", "--score", "score")
    reference = folder / "m.reference.json"
    done = CliRunner().invoke(
        main, ["profile", str(folder / "training.parquet"), "-o", str(reference), *named, *options]
    )
    assert done.exit_code == 0, done.output
    return results(folder, folder / "live.parquet", "--reference", reference, "--label", "label", "--window", "12h")


@pytest.mark.parametrize("types", TYPES, ids=",".join)
def test_labels_and_predictions_of_any_types(types: tuple[str, str, str, str], tmp_path: Path) -> None:
    """Right is right, whether a label is True, 1 or "1.0", and a healthy stream stays quiet."""
    training, live = rows(1, "2026-01-01"), rows(2, "2026-02-01")
    right = float((live["label"] == live["prediction"]).to_numpy()[-ROWS // 2 :].mean())
    for frame, pair in ((training, types[:2]), (live, types[2:])):
        for name, kind in zip(("label", "prediction"), pair, strict=True):
            frame[name] = AS[kind](frame[name])
    found = replayed(tmp_path, training, live)
    assert found["windows"][-1]["performance"]["accuracy"]["value"] == pytest.approx(right)
    assert found["alarms"] == []
    told = {name for name in found["windows"][-1]["performance"] if name.startswith("precision.")}
    assert told == {f"precision.{name}" for name in class_names(live["prediction"].to_numpy())}


CODES: Final[dict[str, Callable[[Any], Any]]] = {
    "integers": lambda x: x,
    "floats": lambda x: x.astype(float),
    "texts": lambda x: x.astype(str),
    "texts of floats": lambda x: x.astype(float).astype(str),
    "categories": lambda x: x.astype("category"),
}


@pytest.mark.parametrize("trained", CODES)
@pytest.mark.parametrize("served", CODES)
def test_codes_of_any_types(trained: str, served: str, tmp_path: Path) -> None:
    """A category that is a code is the same one as an integer, a float or a text: no segment is new or gone."""
    training, live = rows(1, "2026-01-01"), rows(2, "2026-02-01")
    training["plan"], live["plan"] = CODES[trained](training["plan"]), CODES[served](live["plan"])
    found = replayed(tmp_path, training, live, "--categorical", "plan")
    assert found["alarms"] == []

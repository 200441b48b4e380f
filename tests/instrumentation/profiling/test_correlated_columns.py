"""Which inputs go together in the training data."""

from pathlib import Path

import numpy as np
import pytest

import driftline
from driftline.profiling.correlated_columns import FEWEST, FEWEST_ROWS, correlated_columns
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.reference.read import read_file
from driftline.semconv import TARGET_PAIR
from driftline.sketch.arrays import FloatArray


def columns(groups: dict[str, int], rows: int = 2_000, rho: float = 0.7, seed: int = 0) -> dict[str, FloatArray]:
    """Groups of so many columns that are correlated with each other, with random signs and unlike scales."""
    random = np.random.default_rng(seed)
    found = {}
    for group, count in groups.items():
        common = random.normal(size=rows)
        for i in range(count):
            x = np.sqrt(rho) * common + np.sqrt(1.0 - rho) * random.normal(size=rows)
            found[f"{group}{i}"] = random.choice([-1.0, 1.0]) * np.exp(x)
    return found


def stored(profile: Profile, folder: Path) -> dict[ColumnKey, ProfileColumn]:
    """Its columns, as its file holds them."""
    profile.save(folder / "m.json")
    columns = read_file(folder / "m.json").profile.columns
    return {column.key: column for column in columns if column.key.target != TARGET_PAIR}


def test_correlated_columns_are_a_cluster() -> None:
    """Whatever their sign, scale and distribution; those that are few or independent are in none."""
    found = correlated_columns(columns({"a": 12, "b": FEWEST, "c": FEWEST - 1}) | columns({"d": 9}, rho=0.0, seed=1))

    assert found == {**{f"a{i}": "a0" for i in range(12)}, **{f"b{i}": "b0" for i in range(FEWEST)}}


def test_a_chain_is_no_cluster() -> None:
    """Neighbours are correlated .7, those at its ends are not."""
    random = np.random.default_rng(0)
    walk = {"c0": random.normal(size=2_000)}
    for i in range(1, 60):
        walk[f"c{i}"] = 0.7 * walk[f"c{i - 1}"] + np.sqrt(1.0 - 0.7**2) * random.normal(size=2_000)

    assert correlated_columns(walk) == {}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0])
def test_columns_without_a_spread(value: float) -> None:
    """Constants and columns without values are in no cluster, and disturb none."""
    held = columns({"a": 8}) | {"none": np.full(2_000, value)}

    assert set(correlated_columns(held)) == {f"a{i}" for i in range(8)}


def test_missing_values() -> None:
    """A tenth in each column hides no cluster."""
    random, held = np.random.default_rng(3), columns({"a": 8})

    assert set(correlated_columns({name: np.where(random.random(2_000) < 0.1, np.nan, x) for name, x in held.items()}))


def test_few_rows_tell_nothing() -> None:
    """Of a dozen rows many columns are correlated by chance."""
    assert correlated_columns(columns({"a": 30}, rows=FEWEST_ROWS - 1)) == {}


def test_the_reference_keeps_the_cluster(tmp_path: Path) -> None:
    """In the file, as the name of its first column; a merge keeps it where both have it."""
    held = columns({"a": 8}, rows=400) | {"z": np.arange(400) % 7.0}
    made = driftline.profile(held, model="m")
    found = {column.key.name: column.cluster for column in made.merge(made).columns}

    assert found == {**{f"a{i}": "a0" for i in range(8)}, "z": None}
    assert {key: column.cluster for (_, key), column in stored(made, tmp_path).items()} == found

"""A column of numbers that holds a few texts is one of numbers, and those texts are of the wrong type."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import driftline
from driftline.profiling.plan import Roles
from driftline.profiling.profiler import profile_table
from driftline.profiling.tables import open_table
from driftline.reference.profile import Profile

AGES = np.round(np.random.default_rng(0).normal(40, 10, 300), 3).tolist()
MIXED = [*AGES, "n/a-ish", None]
TEXTS = [*map(str, AGES), "n/a-ish", None]


def from_file(path: Path, *, roles: Roles | None = None) -> Profile:
    return profile_table(open_table([path]), roles or Roles())


def csv(folder: Path) -> Profile:
    path = folder / "x.csv"
    path.write_text("age,k\n" + "".join(f"{text or ''},1.5\n" for text in TEXTS))
    return from_file(path)


def gzipped(folder: Path) -> Profile:
    path = folder / "x.csv.gz"
    path.write_bytes(gzip.compress(("age,k\n" + "".join(f"{text or ''},1.5\n" for text in TEXTS)).encode()))
    return from_file(path)


def parquet(folder: Path) -> Profile:
    pyarrow.parquet.write_table(pa.table({"age": TEXTS}), folder / "x.parquet")
    return from_file(folder / "x.parquet")


def arrow(folder: Path) -> Profile:
    pyarrow.feather.write_feather(pa.table({"age": TEXTS}), folder / "x.feather")
    return from_file(folder / "x.feather")


CONTAINERS: dict[str, Callable[[Path], Profile]] = {
    "csv": csv,
    "csv.gz": gzipped,
    "parquet": parquet,
    "arrow": arrow,
    "pandas, objects": lambda _: driftline.profile(pd.DataFrame({"age": pd.Series(MIXED, dtype=object)})),
    "pandas, texts": lambda _: driftline.profile(pd.DataFrame({"age": pd.Series(TEXTS, dtype="str")})),
    "pandas, Arrow": lambda _: driftline.profile(pd.DataFrame({"age": pd.array(TEXTS, dtype="string[pyarrow]")})),
    "polars": lambda _: driftline.profile(pl.DataFrame({"age": TEXTS})),
    "polars, objects": lambda _: driftline.profile(pl.DataFrame({"age": pl.Series(MIXED, dtype=pl.Object)})),
    "array of objects": lambda _: driftline.profile(np.array([[value] for value in MIXED], dtype=object)),
    "columns": lambda _: driftline.profile({"age": MIXED}),
    "dictionaries": lambda _: driftline.profile([{"age": value} for value in MIXED]),
    "rows": lambda _: driftline.profile([[value] for value in MIXED]),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_text_among_numbers(container: str, tmp_path: Path) -> None:
    """Whatever holds them; and the profile says so."""
    profile = CONTAINERS[container](tmp_path)
    column = profile.columns[0]

    assert (column.type, column.rows, column.valid) == ("float", 302, 300)
    assert column.states == {"missing": 1, "wrong_type": 1}
    assert column.range == pytest.approx((min(AGES), max(AGES)))
    assert column.chunk_rows.sum() == 302
    (note,) = [note for note in profile.notes if "as numbers" in note]
    assert "1 of 302 rows hold texts like 'n/a-ish', counted as of the wrong type (--categorical makes it text)" in note


def test_it_is_saved_loaded_and_merged(tmp_path: Path) -> None:
    """With its rows of the wrong type."""
    profile = driftline.profile({"age": MIXED}, model="m")
    profile.save(tmp_path / "m.json")
    loaded = driftline.load_profile(tmp_path / "m.json")
    both = loaded.merge(profile).columns[0]

    assert loaded.columns[0].states == {"missing": 1, "wrong_type": 1}
    assert (both.rows, both.valid, dict(both.states)) == (604, 600, {"missing": 2, "wrong_type": 2})


@pytest.mark.parametrize(
    "values",
    [
        ["a", 5, "b", "c", 7, "a"] * 50,
        [*["01234", "10115", "99999"] * 100, "unknown"],
        ["401", "250.1", "V27", "428", "414"] * 60,
        ["10", "20", "30"] * 100,
    ],
    ids=["mostly texts", "leading zeros", "codes", "texts of digits alone"],
)
def test_codes_stay_texts(values: list[Any]) -> None:
    """What often has letters, or leading zeros, and what its container says is text."""
    assert driftline.profile({"code": pd.Series(values, dtype=object)}).columns[0].type == "string"


def test_declared_texts_and_classes_stay_texts(tmp_path: Path) -> None:
    """Of inputs by --categorical; labels are classes anyway."""
    path = tmp_path / "x.csv"
    path.write_text("age,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(300)) + "unknown,maybe\n")
    profile = from_file(path, roles=Roles(label="y", categorical=("age",)))

    assert [column.type for column in profile.columns] == ["string", "string"]


def test_infinite_and_missing_words_keep_their_meaning() -> None:
    """As in serving."""
    column = driftline.profile({"age": [*AGES, "inf", "nan", "unknown"]}).columns[0]

    assert column.states == {"missing": 1, "non_finite": 1, "wrong_type": 1}

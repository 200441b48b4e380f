"""A check compiled from a profile: what it refuses in which containers, and that healthy rows pass."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import driftline
from driftline.checking.failures import InputRejected
from telemetry import Telemetry

ROWS = 5000
RNG = np.random.default_rng(3)


def frame(rows: int) -> pd.DataFrame:
    """A few columns of all types; `visits` may be missing."""
    return pd.DataFrame(
        {
            "age": RNG.normal(45, 15, rows).clip(18, 95).round(),
            "income": RNG.lognormal(10, 0.5, rows),
            "city": RNG.choice(["Bonn", "Lyon", "Rome"], rows),
            "member": RNG.random(rows) < 0.4,
            "visits": np.where(RNG.random(rows) < 0.2, np.nan, RNG.poisson(3, rows)),
        }
    )


class Model(BaseEstimator):
    """Takes anything."""

    def __init__(self) -> None:
        self.calls = 0

    def fit(self, X: Any, y: Any = None) -> "Model":
        return self

    def predict(self, X: Any) -> Any:
        self.calls += 1
        return np.zeros(len(X))


TRAINING = frame(ROWS)
CONTAINERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda rows: rows,
    "pandas of objects": lambda rows: rows.astype(object),
    "polars": lambda rows: pl.from_pandas(rows.astype({"member": bool})),
    "objects": lambda rows: rows.to_numpy(object),
    "records": lambda rows: rows.to_dict("records"),
    "dict of lists": lambda rows: rows.to_dict("list"),
    "lists": lambda rows: rows.to_numpy(object).tolist(),
}

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "unit": ({"age": 4500.0}, "age", "range"),
    "negative": ({"income": -1.0}, "income", "range"),
    "infinite": ({"income": float("inf")}, "income", "range"),
    "missing number": ({"age": float("nan")}, "age", "missing"),
    "missing text": ({"city": None}, "city", "missing"),
    "unknown category": ({"city": "Atlantis"}, "city", "category"),
    "number for text": ({"city": "12"}, "city", "category"),
}


@pytest.fixture
def model(telemetry: Telemetry) -> Any:
    del telemetry
    model = Model()
    driftline.check(model, reference=driftline.profile(TRAINING), mode="reject")
    return model


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_healthy_rows_reach_the_model(model: Any, container: Callable[[pd.DataFrame], Any]) -> None:
    """One at a time and in batches, with missing values where training had some."""
    for rows in (1, 3, 500):
        model.predict(container(frame(rows)))

    assert model.calls == 3


@pytest.mark.parametrize(("changes", "column", "rule"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_bad_rows_do_not(
    model: Any, container: Callable[[pd.DataFrame], Any], changes: dict[str, Any], column: str, rule: str
) -> None:
    """The error names row, column and rule, in every container."""
    rows = frame(4)
    for name, value in changes.items():
        rows[name] = rows[name].astype(object) if isinstance(value, str) or value is None else rows[name]
        rows.loc[2, name] = value

    with pytest.raises(InputRejected) as caught:
        model.predict(container(rows))

    assert (caught.value.columns, caught.value.rules, caught.value.rows) == ((column,), (rule,), (2,))
    assert model.calls == 0


def test_a_text_in_a_column_of_numbers_is_refused(model: Any) -> None:
    """One that stands for a number is none, as in the sketches."""
    rows = frame(3).astype(object)
    rows.loc[0, "age"] = "41"
    model.predict(rows)
    rows.loc[0, "age"] = "forty-one"

    with pytest.raises(InputRejected, match=r"age must be a number \(got 'forty-one'\)"):
        model.predict(rows)


def test_a_missing_column_is_refused(model: Any) -> None:
    """All rows break the rule; one column more than in training breaks none."""
    model.predict(frame(2).assign(extra=1))

    with pytest.raises(InputRejected, match="city must be among the columns") as caught:
        model.predict(frame(2).drop(columns="city"))
    assert caught.value.rows == (0, 1)


def test_swapped_columns_are_refused(model: Any) -> None:
    """By their values: income where age was."""
    rows = frame(5).rename(columns={"age": "income", "income": "age"})

    with pytest.raises(InputRejected) as caught:
        model.predict(rows)
    assert "age" in caught.value.columns


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64"])
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_tables_of_numbers_are_checked_at_once(telemetry: Telemetry, dtype: str, rows: int, order: Any) -> None:
    """Every row of a table counts, wherever it stands, whatever its layout."""
    del telemetry
    model = Model()
    draw = RNG.integers(0, 100, (ROWS, 5)).astype(float)
    driftline.check(model, reference=driftline.profile(draw), mode="reject")
    table = np.asarray(draw[:rows], dtype, order=order)
    model.predict(table)
    for row, column in {(0, 0), (rows - 1, 4), (rows // 2, 2)}:
        bad = table.copy(order=order)
        bad[row, column] = 20_000
        with pytest.raises(InputRejected) as caught:
            model.predict(bad)
        assert (caught.value.rows, caught.value.columns) == ((row,), (f"x{column}",))
    assert model.calls == 1


def test_names_of_numbers_take_the_references(telemetry: Telemetry) -> None:
    """A model that is served arrays is checked by the position of its columns, as its sketches are."""
    del telemetry
    model = Model()
    numbers = TRAINING[["age", "income"]]
    driftline.check(model, reference=driftline.profile(numbers), mode="reject")
    model.predict(numbers.to_numpy()[:5])

    with pytest.raises(InputRejected, match="income must be from"):
        model.predict(numbers.to_numpy()[:5] * [1.0, 1e6])


DATA = Path(__file__).parents[4] / "shared" / "data"


def loans(part: str) -> pd.DataFrame:
    """Car loans of a public data set, without identifiers and outputs."""
    with gzip.open(DATA / f"car_loan_{part}.csv.gz") as file:
        rows = pd.read_csv(file)
    return rows.drop(columns=[name for name in ("id", "timestamp", "y_pred", "y_pred_proba", "repaid") if name in rows])


@pytest.mark.skipif(not DATA.exists(), reason="the data is not on every machine")
def test_real_healthy_rows_pass(telemetry: Telemetry) -> None:
    """Half of 50,000 real rows against the other half: at most one in 100,000 is refused, which is none."""
    del telemetry
    rows = loans("reference")
    model = Model()
    driftline.check(model, reference=driftline.profile(rows[::2].reset_index(drop=True)), mode="reject")
    model.predict(rows[1::2])

    assert model.calls == 1


ORDERED = pd.DataFrame({"a": RNG.normal(0, 1, ROWS), "b": RNG.normal(0, 1, ROWS), "c": RNG.normal(0, 1, ROWS)})
PERMUTED = ORDERED[["b", "a", "c"]].head(3)


@pytest.mark.parametrize("rows", [PERMUTED, pl.from_pandas(PERMUTED)], ids=["pandas", "polars"])
@pytest.mark.parametrize("trained", [ORDERED.to_numpy(), ORDERED], ids=["arrays", "frame"])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_columns_in_another_order_are_refused(telemetry: Telemetry, trained: Any, rows: Any) -> None:
    """Where a model takes columns by place, all of them may be healthy, and all of them wrong."""
    del telemetry
    model = LinearRegression().fit(trained, ORDERED["a"])
    driftline.check(model, reference=driftline.profile(ORDERED), mode="reject")
    with pytest.raises(InputRejected) as raised:
        model.predict(rows)
    assert [(each.column, each.rule, each.row_count) for each in raised.value.failures] == [("b", "columns", 3)]
    model.predict(ORDERED.head(3))
    assert "must be column 2 of the input, as in training" in str(raised.value)


def test_columns_that_are_selected_by_name_may_come_in_any_order(telemetry: Telemetry) -> None:
    """A ColumnTransformer does; so do models that read mappings."""
    del telemetry
    model = make_pipeline(make_column_transformer((StandardScaler(), ["a", "b", "c"])), LinearRegression())
    model.fit(ORDERED, ORDERED["a"])
    driftline.check(model, reference=driftline.profile(ORDERED), mode="reject")
    assert len(model.predict(PERMUTED)) == 3
    assert len(model.predict(PERMUTED.assign(more=1.0))) == 3

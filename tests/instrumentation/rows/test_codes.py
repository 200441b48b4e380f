"""Values as codes of a reference's bins."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

import driftline
from driftline.rows.codes import MAX_BINS, MISSING_CODE, NON_FINITE_CODE, WRONG_TYPE_CODE, CodedColumn
from driftline.rows.table import CODE, OUTPUT, RowColumn
from driftline.sketch import hashed
from driftline_processor.reference import read_reference
from telemetry import Telemetry

NUMBERS = CodedColumn(np.array([1.0, 2.0, 5.0]))
CITIES = CodedColumn(None, ("bern", "rome"))
RNG = np.random.default_rng(2)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, 0), (1.0, 0), (1.5, 1), (2, 1), (5, 2), (6, 3), (True, 0), ("1.5", 1), (Decimal(3), 2),
        (None, MISSING_CODE), (float("nan"), MISSING_CODE), (float("-inf"), NON_FINITE_CODE), ("abc", WRONG_TYPE_CODE),
    ],
)  # fmt: skip
def test_numbers(value: Any, code: int) -> None:
    """Bin i is (edge, next edge], as in sketches; what is no number says why."""
    values = np.empty(1, object)
    values[0] = value
    assert NUMBERS.codes(values).tolist() == [code]


def test_arrays_of_numbers() -> None:
    """In any type."""
    for dtype in (np.float64, np.float32, np.int64, np.uint8):
        assert NUMBERS.codes(np.array([0, 1, 2, 3, 9], dtype)).tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("value", "code"), [("bern", 0), ("rome", 1), ("oslo", 2), (None, MISSING_CODE), (b"rome", 1), ("", 2)]
)
def test_categories(value: Any, code: int) -> None:
    """Those that the reference names, one for all others."""
    values = np.empty(1, object)
    values[0] = value
    assert CITIES.codes(values).tolist() == [code]


@pytest.mark.parametrize("trained", [("1", "2"), ("1.0", "2.0"), ("01", "02")])
@pytest.mark.parametrize(
    "served", [[1, 2], [1.0, 2.0], np.array([1, 2], np.int8), np.array([1, 2], np.float32), [Decimal(1), Decimal(2)]]
)
def test_codes_of_numbers(trained: tuple[str, ...], served: Any) -> None:
    """A column of codes is text in a CSV, integers in a frame and floats in a matrix: they are the same categories."""
    assert CodedColumn(None, trained).codes(np.array(served)).tolist() == [0, 1]


def test_codes_with_missing_ones_among_them() -> None:
    """A missing value makes floats of integers."""
    assert CodedColumn(None, ("4", "5")).codes(np.array([4, np.nan, 5, 6])).tolist() == [0, MISSING_CODE, 1, 2]


def test_hashed_categories() -> None:
    """Names are hashed where DRIFTLINE_HASH says so; the reference's are not."""
    assert CITIES.codes(np.array([hashed("rome"), hashed("oslo")])).tolist() == [1, 2]


def test_a_byte_must_do() -> None:
    """A column of more bins has no codes."""
    assert CodedColumn(np.arange(MAX_BINS - 1.0)).fits
    assert not CodedColumn(np.arange(float(MAX_BINS))).fits
    assert not CodedColumn(None, tuple(map(str, range(MAX_BINS)))).fits


class Model(BaseEstimator):
    def predict(self, X: Any) -> Any:
        return np.ones(len(X))


@pytest.mark.parametrize("capture", ["all", "outputs"])
def test_rows_are_sent_as_codes(capture: str, tmp_path: Path, instrumented: Any) -> None:
    """With DRIFTLINE_ROW_INPUTS=codes: of the columns that may be shown and that the reference has, with its id."""
    frame = pd.DataFrame({"age": RNG.normal(40, 10, 500), "city": RNG.choice(["bern", "rome"], 500), "name": "x"})
    driftline.profile(frame, model="Model").save(tmp_path / "reference.json")
    telemetry: Telemetry = instrumented(
        capture=capture, row_inputs="codes", exclude="name", rows="all", reference=str(tmp_path / "reference.json")
    )
    Model().predict(frame.assign(new=1.0))
    telemetry.flush()

    (sent,) = telemetry.row_batches()
    table = sent.batch.table
    reference = read_reference(driftline.load_profile(tmp_path / "reference.json").to_request())
    columns = {key.name: column for key, column in reference.columns.items() if key.target == "input"}
    assert set(table.columns) == {RowColumn(CODE, "age"), RowColumn(CODE, "city"), RowColumn(OUTPUT, "prediction")}
    assert sent.batch.reference == reference.id
    codes = table.columns[RowColumn(CODE, "age")]
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, np.searchsorted(columns["age"].edges, frame["age"], "left"))
    cities = table.columns[RowColumn(CODE, "city")]
    assert [columns["city"].categories[code] for code in cities] == frame["city"].tolist()


def test_nothing_captured_is_nothing_coded(tmp_path: Path, instrumented: Any) -> None:
    """Nor without a reference: then no input is sent at all."""
    telemetry: Telemetry = instrumented(row_inputs="codes")
    Model().predict(pd.DataFrame({"age": [1.0]}))
    telemetry.flush()
    assert set(telemetry.row_batches()[0].batch.table.columns) == {RowColumn(OUTPUT, "prediction")}

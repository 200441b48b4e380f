"""Example rows on spans: what is shown, and how much of it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from opentelemetry.attributes import BoundedAttributes

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture
from driftline.recording.span_values import SpanValues, same_type
from driftline.records import ModelFacts, NamedColumn, Prediction
from driftline.semconv import FEATURE_COUNT, VECTOR_NAMES, VECTOR_VALUES
from driftline.settings import Settings
from driftline.sketch import hashed


def outputs(operation: str, columns: Any, head: int) -> list[NamedColumn]:
    return [NamedColumn("prediction", columns[0])]


MODEL = ModelFacts("m", None, "M", "test", None, None, None, outputs)


def shown(rows: Any, output: Any = None, **settings: Any) -> dict[str, Any]:
    pool = BufferPool(10**9)
    taken = None if output is None else capture(output, pool)
    given = Prediction(MODEL, "predict", len(rows), capture(rows, pool), taken, 0.1, None, None)
    return SpanValues(Settings(**settings)).of(given)


def size(attributes: dict[str, Any]) -> int:
    """Bytes of values."""
    total = 0
    for name, value in attributes.items():
        if name != FEATURE_COUNT:
            for each in value if isinstance(value, list) else [value]:
                total += len(each.encode()) if isinstance(each, str) else 8
    return total


def test_one_row_is_scalars() -> None:
    """One attribute a feature, with its value; the output is an int as the model gave it."""
    assert shown(np.array([[1.5, 2.0]]), np.array([1])) == {
        FEATURE_COUNT: 2,
        "ml.input.x0": 1.5,
        "ml.input.x1": 2.0,
        "ml.output.prediction": 1,
    }


def test_a_batch_is_arrays_of_its_first_rows() -> None:
    """At most `span_rows` rows."""
    found = shown(np.arange(40.0).reshape(20, 2), np.arange(20), span_rows=3)

    assert found["ml.input.x1"] == 1.0
    assert found["ml.batch.input.x1"] == [1.0, 3.0, 5.0]
    assert found["ml.output.prediction"] == 0
    assert found["ml.batch.output.prediction"] == [0, 1, 2]


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63) - 1])
def test_an_integer_beyond_those_of_otlp_is_a_float(number: int, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK would log a traceback for it, at every request."""
    rows = [np.array([[number, 1]], np.uint64)] if number > 0 else []
    for given in (*rows, pd.DataFrame({"x0": [number], "x1": [1]}, dtype=object)):
        found = shown(given)
        assert found["ml.input.x0"] == float(number)
        assert BoundedAttributes(attributes=found)["ml.input.x0"] == float(number)
    assert not caplog.records


def test_a_value_without_a_number_or_text_is_left_out() -> None:
    """It takes no other along."""
    assert shown(pd.DataFrame({"a": [10**400], "b": ["b\ud800"], "c": [b"c"]}, dtype=object)) == {
        FEATURE_COUNT: 3,
        "ml.input.b": "b?",
        "ml.input.c": "c",
    }


@pytest.mark.parametrize("width", [1, 30, 100, 101, 1000])
@pytest.mark.parametrize("rows", [1, 8, 5000])
def test_the_bounds_of_a_span_hold(width: int, rows: int) -> None:
    """Never more than 2,048 bytes of values, nor more attributes than a span keeps, whatever the shape."""
    found = shown(np.random.default_rng(0).normal(size=(rows, width)), np.zeros(rows))

    assert 0 < size(found) <= 2048
    assert len(found) <= 110


def test_long_texts_are_cut_and_leave_out_what_does_not_fit() -> None:
    """Texts count by their bytes, and one text takes 256 of them at most."""
    frame = pd.DataFrame({f"t{number}": ["ä" * 1000] for number in range(20)})
    found = shown(frame)

    assert found["ml.input.t0"] == "ä" * 128
    assert size(found) <= 2048
    assert sum(name.startswith("ml.input.") for name in found) == 8


def test_kinds_of_values() -> None:
    """Numbers, texts, times and missing values of a frame become what attributes may hold."""
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], "Int64"),
            "t": ["a", None],
            "d": pd.to_datetime(["2026-01-02", None]),
            "b": [True, False],
            "c": pd.Categorical(["x", "y"]),
        }
    )
    found = shown(frame)

    assert found["ml.batch.input.n"] == [1, None]
    assert found["ml.batch.input.t"] == ["a", None]
    assert found["ml.batch.input.d"] == ["2026-01-02T00:00:00", None]
    assert found["ml.batch.input.b"] == [True, False]
    assert found["ml.batch.input.c"] == ["x", "y"]


def test_a_missing_scalar_has_no_attribute() -> None:
    """OpenTelemetry has no null scalar."""
    found = shown(pd.DataFrame({"a": ["x"], "b": [None]}))

    assert "ml.input.b" not in found


@pytest.mark.parametrize("rows", [1, 2, 5000])
@pytest.mark.parametrize("form", ["array", "frame", "nullable", "object"])
def test_each_name_has_one_type(form: str, rows: int) -> None:
    """A scalar for the first row, arrays for a batch, and neither holds a NaN: a column of events would lose it."""
    values = np.column_stack([np.full(rows, np.nan), np.arange(rows, dtype=float), np.full(rows, np.inf)])
    frame = pd.DataFrame(values, columns=["x0", "x1", "x2"])
    given = {
        "array": values,
        "frame": frame,
        "nullable": frame.astype("Float64"),
        "object": frame.astype(object),
    }[form]
    found = shown(given, np.zeros(rows))

    first = {name: value for name, value in found.items() if name.startswith(("ml.input.", "ml.output."))}
    batch = {name: value for name, value in found.items() if name.startswith("ml.batch.")}
    assert first == {"ml.input.x1": 0.0, "ml.input.x2": np.inf, "ml.output.prediction": 0.0}
    assert {name for name, value in found.items() if isinstance(value, list)} == batch.keys()
    if rows == 1:
        assert not batch
    else:
        assert {len(value) for value in batch.values()} == {min(rows, 8)}
        assert set(batch["ml.batch.input.x0"]) == {None}
        assert batch["ml.batch.input.x1"] == list(range(min(rows, 8)))


def test_a_batch_of_too_many_columns_shows_its_first_row_only() -> None:
    """A span keeps 128 attributes: never some of a row's columns instead of all."""
    found = shown(np.ones((5, 60)), np.ones(5))

    assert sum(name.startswith("ml.input.") for name in found) == 60
    assert not [name for name in found if name.startswith("ml.batch.")]


def test_features_are_chosen() -> None:
    """Excluded ones are not there; hashed ones are digests."""
    frame = pd.DataFrame({"name": ["Ann"], "mail": ["a@b"], "age": [3]})
    found = shown(frame, exclude=("name",), hash=("mail",))

    assert {name for name in found if name.startswith("ml.input.")} == {"ml.input.mail", "ml.input.age"}
    assert found["ml.input.mail"] == hashed("a@b")


def test_many_features_share_one_array() -> None:
    """Beyond `span_features`, names and values of the first row."""
    found = shown(np.arange(12.0).reshape(2, 6), span_features=5)

    assert found[VECTOR_NAMES] == ["x0", "x1", "x2", "x3", "x4", "x5"]
    assert found[VECTOR_VALUES] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert not [name for name in found if name.startswith("ml.input.")]


def test_arrays_are_of_one_type() -> None:
    """OpenTelemetry's arrays do not mix types."""
    assert same_type([1, 2.5, None]) == [1.0, 2.5, None]
    assert same_type([1, "a", None]) == ["1", "a", None]
    assert same_type([1, 2]) == [1, 2]


def test_mixed_vectors_are_texts() -> None:
    """Numbers and texts in one array are texts."""
    frame = pd.DataFrame({"a": [1.5], "b": ["x"], "c": [True]})

    assert shown(frame, span_features=2)[VECTOR_VALUES] == ["1.5", "x", "true"]

"""Names of categories and classes that are numbers or truth values."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from driftline.sketch.spellings import number_named, other_spellings, outcome_names, spellings

TRUE = (True, 1, 1.0, "True", "true", "1", "1.0", np.True_, np.int8(1), np.float32(1), Decimal(1))
FALSE = (False, 0, 0.0, "False", "false", "0", "0.0", np.False_, np.int8(0), np.float32(0), Decimal(0))
MISSING = (None, float("nan"), np.datetime64("NaT"))


@pytest.mark.parametrize(("values", "name"), [(TRUE, "1"), (FALSE, "0"), (MISSING, "")])
def test_spellings_of_a_class_are_one_class(values: tuple[Any, ...], name: str) -> None:
    """Whatever type it comes as, in labels as in predictions."""
    column = np.empty(len(values), object)
    column[:] = values
    assert set(outcome_names(column).tolist()) == {name}


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint8, np.float32, np.float64, "U5", object])
def test_classes_of_every_dtype(dtype: Any) -> None:
    """Arrays of numbers, truth values and texts."""
    assert outcome_names(np.array([1, 0], bool).astype(dtype)).tolist() == ["1", "0"]


@pytest.mark.parametrize("text", ["01", "1e0", " 1", "nan", "inf", "2026-01-01", "yes", "TRUE", ""])
def test_other_texts_name_no_number(text: str) -> None:
    """A leading zero belongs to a code, a date is no number, and yes is a class by itself."""
    assert number_named(text) is None
    assert outcome_names(np.array([text], object)).tolist() == [text]


def test_each_spelling_names_its_number() -> None:
    """`spellings` and `number_named` are inverse."""
    for number in (0.0, 1.0, -3.0, 2.5, 1e20, 0.1):
        assert {number_named(name) for name in spellings(number)} == {number}


def test_cells_are_found_by_any_spelling() -> None:
    """Categories that are no numbers have no other name."""
    cells = other_spellings({"4": 0, "True": 1, "bern": 2, "007": 3})
    assert cells == {"4": 0, "4.0": 0, "True": 1, "true": 1, "1": 1, "1.0": 1}

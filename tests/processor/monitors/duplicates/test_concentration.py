"""How much likelier two rows are the same, by what each column holds."""

from typing import Any

import numpy as np
import pytest

import driftline
from driftline.semconv import TARGET_INPUT
from driftline.sketch import Intervals
from driftline_processor.monitors.duplicates.concentration import concentration
from driftline_processor.records import ColumnKey, ColumnSummary, Reference
from driftline_processor.reference.read import read_reference


@pytest.fixture(scope="module")
def reference() -> Reference:
    random = np.random.default_rng(0)
    data: dict[str, Any] = {"plan": random.choice(list("abcdefghij"), 20_000), "seats": random.integers(0, 5, 20_000)}
    return read_reference(driftline.profile(data, model="m").to_request())


def held(plans: dict[str, float], seats: list[float]) -> dict[ColumnKey, ColumnSummary]:
    values, rows = np.array(seats), float(len(seats))
    return {
        ColumnKey(TARGET_INPUT, "plan"): ColumnSummary(categories=plans, rows=sum(plans.values())),
        ColumnKey(TARGET_INPUT, "seats"): ColumnSummary(Intervals(values, values, np.ones(len(values))), rows=rows),
    }


def test_columns_as_in_training_are_as_likely_alike(reference: Reference) -> None:
    """Whether categories or numbers; a window without a column tells nothing of it."""
    usual = held(dict.fromkeys("abcdefghij", 100.0), [0.0, 1.0, 2.0, 3.0, 4.0] * 200)

    assert concentration(usual, reference) == pytest.approx(1.0, abs=0.02)
    assert concentration({}, reference) == 1.0


def test_columns_of_fewer_values_are_likelier_alike(reference: Reference) -> None:
    """Five categories for ten: twice; two numbers for five: two and a half times; both: the product."""
    plans = dict.fromkeys("abcde", 200.0)
    even = [0.0, 1.0, 2.0, 3.0, 4.0] * 200

    assert concentration(held(plans, even), reference) == pytest.approx(2.0, abs=0.05)
    assert concentration(held(plans, [0.0, 1.0] * 500), reference) == pytest.approx(5.0, abs=0.1)


def test_columns_that_spread_out_excuse_nothing(reference: Reference) -> None:
    """Never less than training."""
    many = {str(number): 10.0 for number in range(100)}

    assert concentration(held(many, [0.0, 1.0, 2.0, 3.0, 4.0] * 200), reference) == 1.0

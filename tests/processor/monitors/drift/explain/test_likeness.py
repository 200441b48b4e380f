"""What moved columns look like, from their sketches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_processor.monitors.drift.explain.likeness import likeness
from driftline_processor.records import ColumnKey, ColumnSummary
from driftline_processor.verdicts.reasons import LooksLike
from made_columns import category_column, counted, numeric_column, numeric_summary

Numbers = NDArray[np.float64]

ROWS = 4000


def _key(name: str) -> ColumnKey:
    return ColumnKey("input", name)


def _made(rng: np.random.Generator, rows: int) -> dict[str, Numbers]:
    return {
        "ldl": rng.normal(130.0, 30.0, rows),
        "temperature": rng.normal(18.0, 6.0, rows),
        "distance": rng.lognormal(2.0, 0.7, rows),
        "amount": np.round(rng.lognormal(4.0, 1.0, rows), 2),
        "score": rng.normal(0.0, 1.0, rows),
    }


TRAINING = _made(np.random.default_rng(1), 20_000)
COLUMNS = [numeric_column(values, key=_key(name)) for name, values in TRAINING.items()]
NAMES = list(TRAINING)


def _held(values: dict[str, Numbers]) -> list[ColumnSummary]:
    return [numeric_summary(values[name]) for name in NAMES]


def _like(name: str, values: dict[str, Numbers], alarmed: tuple[str, ...] = ()) -> LooksLike | None:
    numbers = [NAMES.index(each) for each in (alarmed or (name,))]
    return likeness(NAMES.index(name), _held(values), COLUMNS, numbers)


FAULTS: list[tuple[str, Callable[[Numbers], Numbers], dict[str, Any]]] = [
    ("ldl", lambda x: x / 38.67, {"change": "factor", "factor": 0.02586, "units": "mg/dL → mmol/L"}),
    ("temperature", lambda x: x * 1.8 + 32.0, {"change": "factor", "factor": 1.8, "offset": 32.0, "units": "°C → °F"}),
    ("temperature", lambda x: x + 273.15, {"change": "offset", "offset": 273.15, "units": "°C → K"}),
    ("distance", lambda x: x / 1.609344, {"change": "factor", "units": "km → mile"}),
    ("amount", lambda x: x * 100.0, {"change": "factor", "factor": 100.0, "units": "units → cents"}),
    ("ldl", lambda x: np.where(np.arange(len(x)) % 4 == 0, -1.0, x), {"change": "default", "value": -1.0}),
    ("score", lambda x: np.where(np.arange(len(x)) % 10 == 0, 0.0, x), {"change": "default", "value": 0.0}),
]


@pytest.mark.parametrize(("name", "change", "expected"), FAULTS)
def test_a_change_that_is_explained_is_named(
    name: str, change: Callable[[Numbers], Numbers], expected: dict[str, Any]
) -> None:
    """Units and defaults are named from the sketches of a window of other rows."""
    values = _made(np.random.default_rng(2), ROWS)
    found = _like(name, values | {name: change(values[name])})
    assert found is not None
    for field, value in expected.items():
        assert getattr(found, field) == (value if isinstance(value, str) else pytest.approx(value, rel=0.01))


def test_swapped_columns_look_like_each_other() -> None:
    """Both are in alarm, and each is as the other was in training."""
    values = _made(np.random.default_rng(3), ROWS)
    swapped = values | {"ldl": values["amount"], "amount": values["ldl"]}
    found = [_like(name, swapped, ("ldl", "amount")) for name in ("ldl", "amount")]
    assert [each and (each.change, each.other) for each in found] == [("swapped", "amount"), ("swapped", "ldl")]


def test_renamed_categories_are_named_by_what_they_differ_in() -> None:
    """Upper case, blanks: as many rows of each as before."""
    rng = np.random.default_rng(4)
    names = np.array(["basic", "plus", "Köln west"])
    training = rng.choice(names, 5000, p=[0.5, 0.3, 0.2])
    column = category_column(training)
    for change, what in ((str.upper, "case"), (lambda text: f"{text} ", "whitespace")):
        now = counted([change(each) for each in rng.choice(names, 2000, p=[0.5, 0.3, 0.2])])
        found = likeness(0, [now], [column], [0])
        assert found is not None
        assert (found.change, found.other) == ("encoding", what)
    other = counted([each.upper() for each in rng.choice(names, 2000, p=[0.1, 0.1, 0.8])])
    assert likeness(0, [other], [column], [0]) is None


def _drifted(rng: np.random.Generator, x: Numbers) -> Numbers:  # noqa: PLR0911  (a return a kind)
    """A random drift: a shift, a scale, a mixture, a trend, a selection or another shape."""
    spread, kind = float(x.std()), rng.integers(0, 7)
    if kind == 0:
        return x + rng.uniform(0.3, 3.0) * spread * rng.choice([-1.0, 1.0])
    if kind == 1:
        return (x - x.mean()) * rng.uniform(1.3, 4.0) + x.mean()
    if kind == 2:
        return x * rng.uniform(1.2, 4.0)
    if kind == 3:
        return np.where(
            rng.random(len(x)) < rng.uniform(0.2, 0.8), x, rng.normal(x.mean() + 3 * spread, spread, len(x))
        )
    if kind == 4:
        return rng.choice(x[x > np.quantile(x, rng.uniform(0.2, 0.8))], len(x))
    if kind == 5:
        return np.abs(x) ** rng.uniform(0.7, 1.4)
    return x + np.linspace(0.0, rng.uniform(1.0, 3.0), len(x)) * spread


def false_explanations(drifts: int, seed: int) -> tuple[int, int]:
    """Of random drifts: explanations, and drifts."""
    rng = np.random.default_rng(seed)
    told = 0
    for _ in range(drifts):
        name = NAMES[rng.integers(0, len(NAMES))]
        values = _made(rng, ROWS)
        told += _like(name, values | {name: _drifted(rng, values[name])}) is not None
    return told, drifts


def test_random_drifts_are_not_explained() -> None:
    """At most 2 % of drifts that are none of the kinds get an explanation."""
    told, drifts = false_explanations(100, seed=5)
    assert told <= 0.02 * drifts


def test_a_healthy_window_looks_like_nothing() -> None:
    """Not even like itself."""
    values = _made(np.random.default_rng(6), ROWS)
    assert [_like(name, values) for name in NAMES] == [None] * len(NAMES)

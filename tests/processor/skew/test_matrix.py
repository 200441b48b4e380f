"""Kinds of skew × types of columns × numbers of ids × the share of rows that one of several pods has served."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftline.reference.column_types import FLOAT, INTEGER, STRING, TIMESTAMP
from driftline_processor.skew.comparison import FeatureSkew, compare, mark_one_hot
from driftline_processor.skew.feature import Feature
from driftline_processor.skew.staleness import History

DAY = 86400.0
START = 1.76e9

Columns = dict[str, Any]


def _columns(rows: int) -> tuple[Columns, np.ndarray]:
    """A table as a training pipeline makes it, and the times of its rows: seven a day."""
    rng = np.random.default_rng(7)
    days = np.arange(rows) // 7
    block = rng.integers(0, 4, rows)
    cities = np.array(["Berlin", "Köln", "München", "Bad Homburg"], object)
    columns: Columns = {
        "ldl": rng.normal(130.0, 30.0, rows),
        "hdl": rng.normal(55.0, 12.0, rows),
        "amount": np.round(rng.lognormal(4.0, 1.0, rows), 2),
        "age": rng.integers(18, 90, rows).astype(np.float64),
        "visits": rng.poisson(2.0, rows).astype(np.float64),
        "hour": rng.integers(0, 24, rows).astype(np.float64),
        "rate": rng.normal(0.0, 1.0, rows // 7 + 1)[days],
        "city": cities[rng.integers(0, 4, rows)],
        "updated": START + rng.integers(0, 30 * 86400, rows).astype(np.float64),
        "income": np.where(rng.random(rows) < 0.4, np.nan, rng.normal(4e4, 1e4, rows)),
        "code": rng.integers(0, 5, rows).astype(np.float64),
        **{f"plan_{i}": (block == i).astype(np.float64) for i in range(4)},
    }
    return columns, START + days * DAY + np.sort(rng.random(rows)) * 3600.0


def _factor(name: str, factor: float, offset: float = 0.0) -> Callable[[Columns], Columns]:
    return lambda c: {name: c[name] * factor + offset}


def _texts(name: str, change: Callable[[str], str]) -> Callable[[Columns], Columns]:
    return lambda c: {name: np.array([change(each) for each in c[name]], object)}


def _yesterday(columns: Columns) -> Columns:
    return {"rate": np.concatenate([np.full(7, np.nan), columns["rate"][:-7]])}


FAULTS: dict[str, tuple[str, str, Callable[[Columns], Columns], dict[str, Any]]] = {
    "x1.8": ("ldl", "factor", _factor("ldl", 1.8), {"factor": 1.8}),
    "mg/dL to mmol/L": ("ldl", "factor", _factor("ldl", 1 / 38.67), {"units": "mg/dL → mmol/L"}),
    "units, rounded": (
        "ldl",
        "factor",
        lambda c: {"ldl": np.round(c["ldl"] / 38.67, 2)},
        {"units": "mg/dL → mmol/L"},
    ),
    "cents": ("amount", "factor", _factor("amount", 100.0), {"factor": 100.0, "units": "units → cents"}),
    "integers": ("age", "factor", _factor("age", 12.0), {"units": "years → months"}),
    "Fahrenheit": ("hdl", "factor", _factor("hdl", 1.8, 32.0), {"units": "°C → °F"}),
    "offset": ("amount", "offset", _factor("amount", 1.0, 7.5), {"offset": 7.5}),
    "offset of integers": ("age", "offset", _factor("age", 1.0, -1.0), {"offset": -1.0}),
    "swapped": ("ldl", "swapped", lambda c: {"ldl": c["hdl"], "hdl": c["ldl"]}, {"with": "hdl"}),
    "swapped integers": ("age", "swapped", lambda c: {"age": c["hour"], "hour": c["age"]}, {"with": "hour"}),
    "one-hot order": (
        "plan_1",
        "swapped",
        lambda c: {f"plan_{i}": c[f"plan_{(i + 1) % 4}"] for i in range(4)},
        {"with": "plan_2", "one_hot": True},
    ),
    "one day stale": ("rate", "stale", _yesterday, {"seconds": DAY}),
    "default of missing": (
        "income",
        "default",
        lambda c: {"income": np.where(np.isnan(c["income"]), -1.0, c["income"])},
        {"default": -1, "for": "missing"},
    ),
    "mean of missing": (
        "income",
        "default",
        lambda c: {"income": np.where(np.isnan(c["income"]), np.nanmean(c["income"]) + 1e-4, c["income"])},
        {"about": "mean", "for": "missing"},
    ),
    "default of all": ("ldl", "default", lambda c: {"ldl": np.full_like(c["ldl"], -1.0)}, {"default": -1}),
    "default of texts": ("city", "default", _texts("city", lambda _: "unknown"), {"default": "unknown"}),
    "float32": (
        "ldl",
        "rounded",
        lambda c: {"ldl": c["ldl"].astype(np.float32).astype(np.float64)},
        {"precision": "float32"},
    ),
    "float16": (
        "hdl",
        "rounded",
        lambda c: {"hdl": c["hdl"].astype(np.float16).astype(np.float64)},
        {"precision": "float16"},
    ),
    "two decimals": ("ldl", "rounded", lambda c: {"ldl": np.round(c["ldl"], 2)}, {"decimals": 2, "how": "nearest"}),
    "whole numbers": ("amount", "rounded", lambda c: {"amount": np.trunc(c["amount"])}, {"decimals": 0, "how": "down"}),
    "clipped": ("ldl", "clipped", lambda c: {"ldl": np.clip(c["ldl"], 110.0, 150.0)}, {"low": 110, "high": 150}),
    "clipped counts": ("visits", "clipped", lambda c: {"visits": np.minimum(c["visits"], 2.0)}, {"high": 2}),
    "time zone": ("updated", "timezone", _factor("updated", 1.0, 7200.0), {"hours": 2.0}),
    "time zone of hours": ("hour", "timezone", lambda c: {"hour": (c["hour"] + 2) % 24}, {"hours": 2.0}),
    "case": ("city", "encoding", _texts("city", str.upper), {"what": "case"}),
    "whitespace": ("city", "encoding", _texts("city", lambda t: f" {t} "), {"what": "whitespace"}),
    "categories": (
        "city",
        "encoding",
        _texts("city", {"Berlin": "B", "Köln": "K", "München": "M", "Bad Homburg": "HG"}.__getitem__),
        {"what": "categories"},
    ),
    "codes": (
        "code",
        "encoding",
        lambda c: {"code": np.array([3.0, 0.0, 4.0, 1.0, 2.0])[c["code"].astype(int)]},
        {"what": "categories"},
    ),
}

TYPES = {"city": STRING, "updated": TIMESTAMP, "age": INTEGER, "visits": INTEGER, "hour": INTEGER, "code": INTEGER}


def _features(columns: Columns) -> dict[str, Feature]:
    return {name: Feature(TYPES.get(name, FLOAT), values) for name, values in columns.items()}


def _compared(served: Columns, recomputed: Columns, times: np.ndarray) -> dict[str, FeatureSkew]:
    rows = len(times)
    history = History(np.arange(rows), times, None)
    found = compare(_features(served), _features(recomputed), history, np.ones(rows), {})
    return mark_one_hot(found, _features(served))


def _served(columns: Columns, fault: Callable[[Columns], Columns], pod: np.ndarray) -> Columns:
    changed = fault(columns)
    return columns | {name: np.where(pod, values, columns[name]) for name, values in changed.items()}


@pytest.mark.parametrize("share", [1.0, 0.25])
@pytest.mark.parametrize("rows", [200, 3000])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_is_named_and_nothing_else(fault: str, rows: int, share: float) -> None:
    """Every kind is named, with what it consists in, whichever share of 200 ids has it; no other column is."""
    columns, times = _columns(rows)
    name, kind, change, detail = FAULTS[fault]
    pod = np.random.default_rng(3).random(rows) < share
    found = _compared(_served(columns, change, pod), columns, times)

    skew = found[name]
    assert skew.kind == kind, skew
    assert {key: skew.detail.get(key) for key in detail} == detail
    assert skew.low <= skew.unequal <= skew.high
    assert f"`{name}`" in skew.sentence
    touched = set(change(columns))
    assert [other for other, each in found.items() if each.kind is not None and other not in touched] == []


def test_a_redeploy_of_one_pipeline_raises_nothing() -> None:
    """Sums in another order, and NaN on both sides, are no skew."""
    columns, times = _columns(400)
    noisy = {
        name: values if values.dtype == object or name == "updated" else values * (1.0 + 1e-13)
        for name, values in columns.items()
    }
    assert {skew.kind for skew in _compared(noisy, columns, times).values()} == {None}
    assert {skew.unequal for skew in _compared(noisy, columns, times).values()} == {0.0}


@pytest.mark.parametrize("seed", range(10))
def test_values_that_nothing_explains_are_other(seed: int) -> None:
    """Noise, shuffled rows and lost values get no explanation."""
    columns, times = _columns(200)
    rng = np.random.default_rng(seed)
    names = ["ldl", "amount", "visits", "age", "code", "city", "plan_0"]
    served = dict(columns)
    for name in names:
        served[name] = rng.permutation(columns[name])
    served["hdl"] = columns["hdl"] + rng.normal(0.0, 3.0, 200)
    served["income"] = np.where(rng.random(200) < 0.3, np.nan, columns["income"])
    found = _compared(served, columns, times)
    assert {name: found[name].kind for name in (*names, "hdl", "income")} == dict.fromkeys(
        (*names, "hdl", "income"), "other"
    )


def test_the_share_has_the_weights_of_sampled_rows() -> None:
    """A row that stands for nine counts nine times, and the interval is that of the effective rows."""
    y = np.arange(1.0, 11.0)
    x = np.where(y <= 5, y * 2.0, y)
    weights = np.where(y <= 5, 9.0, 1.0)
    found = compare(
        {"a": Feature(FLOAT, x)}, {"a": Feature(FLOAT, y)}, History(np.arange(10), None, None), weights, {}
    )["a"]
    assert found.unequal == pytest.approx(0.9)
    assert found.high - found.low > 0.25

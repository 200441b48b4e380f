"""Pairs of units that are taken for each other, by the factor between them."""

from collections.abc import Iterator
from typing import Final, NamedTuple


class UnitPair(NamedTuple):
    """value in `second` = value in `first` × factor + offset. names: parts of column names that speak for it."""

    first: str
    second: str
    factor: float
    offset: float = 0.0
    names: tuple[str, ...] = ()


_LENGTH: Final = ("length", "height", "width", "dist", "altitude", "depth", "size")
_WEIGHT: Final = ("weight", "mass", "kg", "lb")
_TIME: Final = ("time", "dur", "second", "elapsed", "latency", "age", "_ms", "_s")
_MONEY: Final = ("amount", "price", "fee", "cost", "income", "balance", "revenue", "total", "salary", "limit", "cent")

UNIT_PAIRS: Final = (
    UnitPair("°C", "°F", 1.8, 32.0, ("temp",)),
    UnitPair("°C", "K", 1.0, 273.15, ("temp",)),
    UnitPair("K", "°F", 1.8, -459.67, ("temp",)),
    UnitPair("mmol/L", "mg/dL", 18.016, names=("gluc", "sugar")),
    UnitPair("mmol/L", "mg/dL", 38.67, names=("chol", "ldl", "hdl")),
    UnitPair("mmol/L", "mg/dL", 88.57, names=("trig", "tg")),
    UnitPair("mg/dL", "µmol/L", 88.42, names=("crea",)),
    UnitPair("mg/dL", "µmol/L", 17.1, names=("bili",)),
    UnitPair("mg/dL", "µmol/L", 59.48, names=("uric",)),
    UnitPair("mg/dL", "mmol/L", 0.357, names=("bun", "urea")),
    UnitPair("mg/dL", "mmol/L", 0.2495, names=("calc",)),
    UnitPair("g/L", "g/dL", 0.1, names=("hemo", "haemo", "hgb", "album", "protein")),
    UnitPair("mmHg", "kPa", 0.133322, names=("press", "bp")),
    UnitPair("psi", "kPa", 6.894757, names=("press",)),
    UnitPair("bar", "psi", 14.503774, names=("press",)),
    UnitPair("m", "ft", 3.28084, names=_LENGTH),
    UnitPair("in", "cm", 2.54, names=_LENGTH),
    UnitPair("in", "m", 0.0254, names=_LENGTH),
    UnitPair("ft", "in", 12.0, names=_LENGTH),
    UnitPair("ft", "cm", 30.48, names=_LENGTH),
    UnitPair("yd", "m", 0.9144, names=_LENGTH),
    UnitPair("mile", "km", 1.609344, names=(*_LENGTH, "km", "mile", "speed", "odo")),
    UnitPair("nautical mile", "km", 1.852, names=("dist", "speed")),
    UnitPair("m/s", "km/h", 3.6, names=("speed", "velo", "wind")),
    UnitPair("m/s", "mph", 2.236936, names=("speed", "velo", "wind")),
    UnitPair("knot", "km/h", 1.852, names=("speed", "wind")),
    UnitPair("m²", "ft²", 10.76391, names=("area", "sq")),
    UnitPair("acre", "ha", 0.4046856, names=("area",)),
    UnitPair("kg", "lb", 2.204623, names=_WEIGHT),
    UnitPair("oz", "g", 28.34952, names=_WEIGHT),
    UnitPair("lb", "oz", 16.0, names=_WEIGHT),
    UnitPair("US gallon", "L", 3.785412, names=("vol", "fuel", "gal")),
    UnitPair("kcal", "kJ", 4.184, names=("energy", "cal")),
    UnitPair("kWh", "MJ", 3.6, names=("energy", "power")),
    UnitPair("hp", "kW", 0.7457, names=("power", "hp")),
    UnitPair("degrees", "radians", 0.017453292519943295, names=("lat", "lon", "ang", "deg", "rad", "head", "bear")),
    UnitPair("min", "s", 60.0, names=_TIME),
    UnitPair("h", "s", 3600.0, names=_TIME),
    UnitPair("days", "s", 86400.0, names=_TIME),
    UnitPair("days", "h", 24.0, names=_TIME),
    UnitPair("weeks", "days", 7.0, names=(*_TIME, "week", "day")),
    UnitPair("years", "days", 365.25, names=(*_TIME, "year")),
    UnitPair("years", "days", 365.0, names=(*_TIME, "year")),
    UnitPair("years", "months", 12.0, names=(*_TIME, "year", "month", "term")),
    UnitPair("s", "ms", 1e3, names=_TIME),
    UnitPair("s", "µs", 1e6, names=_TIME),
    UnitPair("s", "ns", 1e9, names=_TIME),
    UnitPair("units", "cents", 100.0, names=_MONEY),
    UnitPair("share", "percent", 100.0, names=("rate", "ratio", "share", "pct", "percent", "prob", "frac", "util")),
    UnitPair("share", "basis points", 1e4, names=("rate", "spread", "bps")),
    UnitPair("m", "cm", 100.0, names=_LENGTH),
    UnitPair("cm", "mm", 10.0, names=_LENGTH),
    UnitPair("m", "mm", 1e3, names=_LENGTH),
    UnitPair("km", "m", 1e3, names=_LENGTH),
    UnitPair("kg", "g", 1e3, names=_WEIGHT),
    UnitPair("g", "mg", 1e3, names=_WEIGHT),
    UnitPair("L", "mL", 1e3, names=("vol",)),
    UnitPair("kB", "B", 1e3, names=("byte", "size", "mem", "disk")),
    UnitPair("KiB", "B", 1024.0, names=("byte", "size", "mem", "disk")),
    UnitPair("MiB", "B", 1048576.0, names=("byte", "size", "mem", "disk")),
    UnitPair("GiB", "B", 1073741824.0, names=("byte", "size", "mem", "disk")),
    UnitPair("bytes", "bits", 8.0, names=("byte", "bit", "band", "through")),
    UnitPair("thousands", "units", 1e3, names=_MONEY),
    UnitPair("millions", "units", 1e6, names=_MONEY),
    UnitPair("sign", "opposite sign", -1.0),
)

_NEAR: Final = 2e-3
"""Factors of one pair of units differ by so much, as textbooks round them."""


def units_of(name: str, factor: float, offset: float = 0.0, near: float = _NEAR) -> str | None:
    """The pair of units that a change fits, the one that the column's name speaks for first; None without any.

    Args:
        name: Of the column.
        factor: now = before × factor + offset.
        offset: The same.
        near: Relative error of the factor.

    >>> units_of("ldl", 0.02586)
    'mg/dL → mmol/L'

    """
    found = [
        (not any(part in name.lower() for part in unit.names), f"{first} → {second}")
        for unit, first, second in _fits(factor, offset, near)
    ]
    return min(found, key=lambda each: each[0])[1] if found else None


def _fits(factor: float, offset: float, near: float) -> Iterator[tuple[UnitPair, str, str]]:
    for unit in UNIT_PAIRS:
        for first, second, k, b in (
            (unit.first, unit.second, unit.factor, unit.offset),
            (unit.second, unit.first, 1.0 / unit.factor, -unit.offset / unit.factor),
        ):
            if abs(factor / k - 1.0) <= near and abs(offset - b) <= max(10.0 * near * abs(b), near):
                yield unit, first, second
                if unit.factor == -1.0:
                    break

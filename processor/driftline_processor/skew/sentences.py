"""What is said of an unequal feature."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from driftline_processor.skew import explanation as kinds
from driftline_processor.verdicts.numbers import percent

_PERIODS: Final = ((604800.0, "week"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def skew_sentence(name: str, share: tuple[float, float, float], kind: str | None, detail: Mapping[str, Any]) -> str:
    """One sentence. detail: of the kind; of an equal feature, the types where they differ."""
    types = f" ({detail['served']} served, {detail['recomputed']} recomputed)" if "served" in detail else ""
    if kind is None:
        return f"`{name}`: equal{types}"
    if kind == kinds.TYPE:
        equal = "" if share[0] else ", the same values"
        return f"`{name}`: another type{types}{equal}"
    unequal, low, high = map(percent, share)
    part = f", in {percent(detail['explained'])} of them" if "explained" in detail else ""
    return f"`{name}`: {unequal} of rows unequal ({low} to {high}): {_SAID[kind](name, detail)}{part}"


def _factor(name: str, detail: Mapping[str, Any]) -> str:
    offset = f" {'+' if detail['offset'] > 0 else '-'} {abs(detail['offset']):g}" if "offset" in detail else ""
    return f"looks like `{name}` × {detail['factor']:.7g}{offset}{_units(detail)}"


def _offset(name: str, detail: Mapping[str, Any]) -> str:
    return f"looks like `{name}` {'+' if detail['offset'] > 0 else '-'} {abs(detail['offset']):g}{_units(detail)}"


def _units(detail: Mapping[str, Any]) -> str:
    return f": {detail['units']}?" if "units" in detail else ""


def _swapped(name: str, detail: Mapping[str, Any]) -> str:
    order = ", one-hot columns in another order" if detail.get("one_hot") else ""
    return f"`{name}` holds `{detail['with']}`{order}"


def _stale(_name: str, detail: Mapping[str, Any]) -> str:
    if "seconds" in detail:
        return f"stale by {_period(detail['seconds'])}"
    return f"stale by {_plural(detail['rows'], 'row')}"


def _period(seconds: float) -> str:
    unit, name = next(
        ((unit, name) for unit, name in _PERIODS if seconds >= unit and seconds % unit == 0.0), (1.0, "second")
    )
    return _plural(seconds / unit, name)


def _plural(number: float, name: str) -> str:
    return f"{number:g} {name}{'' if number == 1 else 's'}"


def _default(_name: str, detail: Mapping[str, Any]) -> str:
    other = "recomputed" if detail["side"] == "served" else "served"
    where = f"rows are missing {other}" if detail["for"] == "missing" else f"{other} rows have other values"
    default = detail["default"]
    value = f"{default:.7g}" if isinstance(default, float) else repr(default)
    about = ", about the mean," if detail.get("about") == "mean" else ""
    return f"the default {value}{about} {detail['side']} where {where}"


def _rounded(_name: str, detail: Mapping[str, Any]) -> str:
    if "precision" in detail:
        how = f"in {detail['precision']}"
    elif "digits" in detail:
        how = f"rounded to {detail['digits']} digits"
    else:
        how = f"rounded to {_plural(detail['decimals'], 'decimal')}"
        how += "" if detail["how"] == "nearest" else f", {detail['how']}"
    return f"{how} on the {detail['side']} side"


def _clipped(_name: str, detail: Mapping[str, Any]) -> str:
    ends = " and ".join(
        f"{'at most' if end == 'high' else 'at least'} {detail[end]}" for end in ("low", "high") if end in detail
    )
    return f"clipped to {ends} on the {detail['side']} side"


def _encoding(_name: str, detail: Mapping[str, Any]) -> str:
    if "mapping" not in detail:
        return f"texts differ in {detail['what']}"
    pairs = ", ".join(f"{before} → {after}" for before, after in list(detail["mapping"].items())[:4])
    return f"another encoding of the categories: {pairs}"


def _zone(_name: str, detail: Mapping[str, Any]) -> str:
    hours = detail["hours"] if isinstance(detail["hours"], list) else [detail["hours"]]
    return f"another time zone: {' or '.join(f'{each:+g}' for each in hours)} h"


def _other(_name: str, detail: Mapping[str, Any]) -> str:
    if "missing_served" in detail:
        return f"missing in {percent(detail['missing_served'])} of the served rows"
    if "missing_recomputed" in detail:
        return f"missing in {percent(detail['missing_recomputed'])} of the recomputed rows"
    return "no known cause explains it"


_SAID: Final[Mapping[str, Callable[[str, Mapping[str, Any]], str]]] = {
    kinds.FACTOR: _factor,
    kinds.OFFSET: _offset,
    kinds.SWAPPED: _swapped,
    kinds.STALE: _stale,
    kinds.DEFAULT: _default,
    kinds.ROUNDED: _rounded,
    kinds.CLIPPED: _clipped,
    kinds.ENCODING: _encoding,
    kinds.TIMEZONE: _zone,
    kinds.OTHER: _other,
}

"""What a column that is in alarm looks like: training in another unit, another column, a default, other spellings.

An explanation is told only where it leaves next to nothing of the change: distances are the certain ones, so that what
the sketches cannot tell is not held against it.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.column_types import BOOLEAN, TIMESTAMP
from driftline.semconv import MISSING
from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.records import ColumnSummary, ReferenceColumn
from driftline_processor.skew.encoding import FORMS
from driftline_processor.skew.units import UNIT_PAIRS
from driftline_processor.verdicts.reasons import LooksLike

_LEAST: Final = 0.15
"""Smaller changes have too many explanations."""

_LEFT: Final = 0.2
"""Share of a change that may be left."""

_RESOLUTION: Final = 0.01
_NOISE: Final = 1.5
"""Over the root of the rows: the Kolmogorov-Smirnov distance of a sample at a level of 2 %."""

_UNMISTAKABLE: Final = 5.0
"""A factor from here on is a unit; a smaller one only if the column's name speaks for the unit."""

_ATOM: Final = 0.02
_NARROW: Final = 0.1
"""Share of its size that a bucket of a tail is wide."""

_ONE_SIGN: Final = 0.95
_CLEAR: Final = 0.5

_SHARES: Final = tuple((np.arange(19) + 1.0) / 20.0)


class Line(NamedTuple):
    """now = before × factor + offset. rank: units that the column's name speaks for come first, a bare factor last."""

    factor: float
    offset: float = 0.0
    units: str | None = None
    rank: int = 2


_ITSELF: Final = Line(1.0)


def likeness(
    column: int, held: Sequence[ColumnSummary], columns: Sequence[ReferenceColumn], alarmed: Sequence[int]
) -> LooksLike | None:
    """What the column of that number looks like; None where no explanation leaves nearly nothing of the change.

    Args:
        column: Its number.
        held: Of all columns, what the window held.
        columns: Of the training data.
        alarmed: Numbers of all columns in alarm.

    """
    now, before = held[column], columns[column]
    if before.pair is not None:
        return None
    if before.kind != NUMERIC:
        return _respelled(now, before)
    if not now.intervals.total or not before.summary.intervals.total:
        return None
    moved = distance(now.intervals, before.summary.intervals)
    limit = min(_LEFT * moved, _RESOLUTION + _NOISE / _rows(now) ** 0.5)
    return (
        _default(now, before)
        or (_swapped(column, held, columns, alarmed, limit) if moved >= _LEAST else None)
        or (_rescaled(now, before, limit) if moved >= _LEAST else None)
    )


def distance(now: Intervals, before: Intervals, line: Line = _ITSELF) -> float:
    """Kolmogorov and Smirnov's of rows and training on that line: what the intervals leave certain of it."""
    lower, upper = (line.factor * each + line.offset for each in (before.lower, before.upper))
    if line.factor < 0.0:
        lower, upper = upper, lower
    width = 1e-9 * np.maximum(np.abs(lower), np.abs(upper))
    expected = Intervals(lower - width, upper + width, before.weight)
    ends = np.unique(np.concatenate([now.lower, now.upper, expected.lower, expected.upper]))
    (low_now, high_now), (low, high) = now.cdf_bounds(ends), expected.cdf_bounds(ends)
    return float(max(0.0, (low_now - high).max(), (low - high_now).max()))


def _rows(summary: ColumnSummary) -> float:
    return max(summary.rows**2 / summary.squares if summary.squares else summary.rows, 1.0)


def _rescaled(now: ColumnSummary, before: ReferenceColumn, limit: float) -> LooksLike | None:
    """Another unit, the nearest one."""
    if before.type in (BOOLEAN, TIMESTAMP):
        return None
    lines = _lines(before.key.name, np.array(now.intervals.quantiles(_SHARES)), _quantiles(before))
    left = ((distance(now.intervals, before.summary.intervals, line), line) for line in lines)
    fits = [(line.rank, each, line) for each, line in left if each <= limit]
    if not fits:
        return None
    line = min(fits, key=lambda each: each[:2])[2]
    return LooksLike(
        before.key.name,
        "offset" if line.factor == 1.0 else "factor",
        factor=None if line.factor == 1.0 else float(f"{line.factor:.4g}"),
        offset=float(f"{line.offset:.6g}") if line.offset else None,
        units=line.units,
    )


def _quantiles(before: ReferenceColumn) -> FloatArray:
    return np.array(before.summary.intervals.quantiles(_SHARES))


def _lines(name: str, now: FloatArray, before: FloatArray) -> Iterator[Line]:
    """Pairs of units that medians allow, and a factor that is too large for anything else."""
    middle = len(now) // 2
    spread = float(before[-1] - before[0])
    for unit in UNIT_PAIRS:
        for first, second, k, b in (
            (unit.first, unit.second, unit.factor, unit.offset),
            (unit.second, unit.first, 1.0 / unit.factor, -unit.offset / unit.factor),
        ):
            named = any(part in name.lower() for part in unit.names)
            sure = named or unit.offset or max(abs(k), 1.0 / abs(k)) >= _UNMISTAKABLE
            near = abs(now[middle] - (k * before[middle] + b)) <= 0.2 * abs(k) * spread
            if sure and near and (unit.offset or _has_one_sign(before)):
                yield Line(k, b, f"{first} → {second}", 0 if named else 1)
    if _has_one_sign(before) and now[middle] * before[middle] > 0.0:
        factor = float(np.median(now / before))
        if max(factor, 1.0 / factor) >= _UNMISTAKABLE:
            power = 10.0 ** round(log10(factor))
            yield Line(power if abs(factor / power - 1.0) < 0.05 else factor)


def _has_one_sign(quantiles: FloatArray) -> bool:
    return bool(max((quantiles > 0.0).mean(), (quantiles < 0.0).mean()) >= _ONE_SIGN)


def _swapped(
    column: int, held: Sequence[ColumnSummary], columns: Sequence[ReferenceColumn], alarmed: Sequence[int], limit: float
) -> LooksLike | None:
    """The only column that its values look like in training, and which looks like it in turn, or is far from it."""
    now, own = held[column].intervals, columns[column]
    found: list[str] = []
    for other, each in enumerate(columns):
        if other == column or each.kind != NUMERIC or each.key.target != own.key.target or each.pair is not None:
            continue
        if not each.summary.intervals.total or distance(now, each.summary.intervals) > limit:
            continue
        apart = distance(each.summary.intervals, own.summary.intervals)
        back = held[other].intervals
        mutual = other in alarmed and back.total and distance(back, own.summary.intervals) <= _LEFT * apart
        if mutual or (apart >= _CLEAR and other not in alarmed):
            found.append(each.key.name)
    return LooksLike(own.key.name, "swapped", other=found[0]) if len(found) == 1 else None


def _default(now: ColumnSummary, before: ReferenceColumn) -> LooksLike | None:
    """A value that has become frequent, and without which the rest is as in training."""
    rows, known = now.intervals.merge(), before.summary.intervals
    widths = rows.upper - rows.lower
    narrow = widths <= _NARROW * np.maximum(np.abs(rows.upper), 1e-6)  # zero's is narrow too
    if not narrow.any():
        return None
    at = int(np.where(narrow, rows.weight, 0.0).argmax())
    low, high = float(rows.lower[at]), float(rows.upper[at])
    usual = float(known.possibly(np.array([high]))[0] - known.cdf_bounds([low])[0][0])
    share = float(rows.weight[at]) / rows.total
    gained = share - usual
    if gained < _ATOM:
        return None
    weight = rows.weight.copy()
    weight[at] -= gained * rows.total
    if weight.sum() < _ATOM * rows.total:
        left = 0.0
    else:
        # Missing or replaced at random, the others keep their distribution
        left = distance(Intervals(rows.lower, rows.upper, np.maximum(weight, 0.0)), known)
    if left > _RESOLUTION + _NOISE / max(_rows(now) * (1.0 - gained), 1.0) ** 0.5:
        return None
    was, is_now = (_missing(each) for each in (before.summary, now))
    filled = was - is_now >= 0.5 * gained * (1.0 - is_now)
    return LooksLike(before.key.name, "default", value=_shortest(low, high), share=gained, missing=filled)


def _missing(summary: ColumnSummary) -> float:
    return summary.states.get(MISSING, 0.0) / summary.rows if summary.rows else 0.0


def _shortest(low: float, high: float) -> float:
    """The number in (low, high] with the fewest digits."""
    for digits in range(1, 17):
        for end in (high, low, (low + high) / 2.0):
            value = float(f"{end:.{digits}g}")
            if low < value <= high:
                return value
    return high


def _respelled(now: ColumnSummary, before: ReferenceColumn) -> LooksLike | None:
    """Categories that are those of training in another form."""
    was, rows = _shares(before.summary.categories), sum(now.categories.values())
    is_now = _shares(now.categories)
    if not was or not is_now:
        return None
    moved = _apart(was, is_now)
    limit = min(_LEFT * moved, _RESOLUTION + _NOISE * (len(was) / max(rows, 1.0)) ** 0.5)
    for what, form in FORMS:
        formed = {name: form(name) for name in was}
        if len(set(formed.values())) == len(was) and moved >= _LEAST:
            mapped: dict[str, float] = {}
            for name, share in is_now.items():
                mapped[form(name)] = mapped.get(form(name), 0.0) + share
            if _apart({formed[name]: share for name, share in was.items()}, mapped) <= limit:
                return LooksLike(before.key.name, "encoding", other=what)
    return None


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: rows / total for name, rows in counts.items()} if total else {}


def _apart(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Total variation."""
    return 0.5 * sum(abs(a.get(name, 0.0) - b.get(name, 0.0)) for name in {*a, *b})

"""What a column that tells the time has told in training: which values go with which time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.sketch.arrays import FloatArray

EPOCH: Final = "epoch"
COUNTER: Final = "counter"
TIME_OF_DAY: Final = "time of day"
TIME_OF_WEEK: Final = "time of week"
DAY_OF_MONTH: Final = "day of month"
MONTH: Final = "month"
KINDS: Final = (EPOCH, COUNTER, TIME_OF_DAY, TIME_OF_WEEK, DAY_OF_MONTH, MONTH)

HOURS: Final[Mapping[str, int]] = {TIME_OF_DAY: 24, TIME_OF_WEEK: 168}
"""Of the periods of clocks that go round, from the beginning of 1970 on, UTC."""


MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""How names of months begin."""


def _nothing() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """A column that tells the time, which is left out of the columns of a profile.

    Attributes:
        name: of the input.
        kind: one of KINDS.
        lows: least value of an hour of the day or week, [24] or [168], NaN where unknown; of a counter in a stretch of
            time, [stretches]; of an epoch the least of `scale * value - time`, seconds, [1].
        highs: the greatest, likewise.
        times: begin of each stretch of a counter, and the end of the last one, Unix seconds, [stretches + 1].
        scale: seconds in the unit of an epoch.
        names: categories, in the order of which their numbers count as values; () of numbers.
        off: share of the training rows whose values do not go with their time by this.

    """

    name: str
    kind: str
    lows: FloatArray = field(default_factory=_nothing)
    highs: FloatArray = field(default_factory=_nothing)
    times: FloatArray = field(default_factory=_nothing)
    scale: float = 0.0
    names: tuple[str, ...] = ()
    off: float = 0.0

    def merge(self, other: "Clock") -> "Clock | None":
        """The clock of the rows of both; None where they do not go alike."""
        if (self.kind, self.scale, self.names) != (other.kind, other.scale, other.names):
            return None
        off = max(self.off, other.off)
        if self.kind == COUNTER:
            first, second = sorted((self, other), key=lambda clock: float(clock.times[0]))
            if first.times[-1] > second.times[0]:
                return None
            between = np.minimum(first.lows[-1:], second.lows[:1]), np.maximum(first.highs[-1:], second.highs[:1])
            lows, highs = (
                np.concatenate((a, middle, b))
                for a, middle, b in zip((first.lows, first.highs), between, (second.lows, second.highs), strict=True)
            )
            return replace(first, lows=lows, highs=highs, times=np.append(first.times, second.times), off=off)
        return replace(self, lows=np.fmin(self.lows, other.lows), highs=np.fmax(self.highs, other.highs), off=off)


def merge_clocks(ours: Sequence[Clock], theirs: Sequence[Clock]) -> tuple[Clock, ...]:
    """Those that both have, and that go alike."""
    others = {clock.name: clock for clock in theirs}
    merged = (clock.merge(others[clock.name]) for clock in ours if clock.name in others)
    return tuple(clock for clock in merged if clock is not None)


def clock_attributes(clocks: Sequence[Clock]) -> dict[str, Any]:
    """Attributes of the point of REFERENCE_CHUNKS, one line of JSON for each clock; none without clocks."""
    return {semconv.REFERENCE_CLOCKS: [_line(clock) for clock in clocks]} if clocks else {}


def _line(clock: Clock) -> str:
    fields: dict[str, Any] = {
        "name": clock.name,
        "kind": clock.kind,
        "lows": _plain(clock.lows),
        "highs": _plain(clock.highs),
        "times": _plain(clock.times),
        "scale": clock.scale,
        "names": list(clock.names),
        "off": clock.off,
    }
    return json.dumps(fields, ensure_ascii=False)


def _plain(numbers: FloatArray) -> list[float | None]:
    return [None if np.isnan(x) else x for x in numbers.tolist()]


def read_clocks(attributes: CheckedAttributes) -> tuple[Clock, ...]:
    """The inverse of `clock_attributes`. Raises InvalidReference."""
    if semconv.REFERENCE_CLOCKS not in attributes:
        return ()
    return tuple(_read(attributes, line) for line in attributes.texts(semconv.REFERENCE_CLOCKS))


def _read(attributes: CheckedAttributes, line: str) -> Clock:
    try:
        fields = json.loads(line)
        lows, highs, times = (_numbers(fields[name]) for name in ("lows", "highs", "times"))
        names = tuple(str(name) for name in fields["names"])
        found = Clock(
            str(fields["name"]), fields["kind"], lows, highs, times, float(fields["scale"]), names, float(fields["off"])
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        raise attributes.wrong(
            semconv.REFERENCE_CLOCKS, "must be JSON objects with the fields of a clock", line
        ) from None
    if not _is_whole(found):
        rule = f"must be clocks of the kinds {', '.join(KINDS)}, with as many lows as highs"
        raise attributes.wrong(semconv.REFERENCE_CLOCKS, rule, line)
    return found


def _numbers(values: Any) -> FloatArray:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


def _is_whole(clock: Clock) -> bool:
    expected = HOURS.get(clock.kind, {EPOCH: 1, COUNTER: max(len(clock.times) - 1, 1)}.get(clock.kind, 0))
    whole = len(clock.lows) == len(clock.highs) == expected and 0.0 <= clock.off <= 1.0
    ascending = bool((np.diff(clock.times) >= 0.0).all())
    return clock.kind in KINDS and whole and ascending and (clock.kind != EPOCH or clock.scale > 0.0)

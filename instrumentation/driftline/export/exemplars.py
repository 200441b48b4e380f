"""Exemplars of a column: a few calls since the last export, spread over its values, so that an alarm can name one.

Only calls whose trace is sampled, and only of columns whose values may be exported: an exemplar says of a call what its
span says.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import isfinite
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from opentelemetry.sdk.metrics import Exemplar

from driftline.semconv import MISSING, NON_FINITE
from driftline.sketch.values import as_number, category_name, class_name, is_missing

ANY: Final = 6
"""Numbers of an export, beside the lowest and the highest."""

NAMES: Final = 12
"""Categories of an export."""

_LOOKED_AT: Final = 512
"""Rows of a column of objects that are looked at, at a time."""


class Call(NamedTuple):
    """A sampled call. time: Unix nanoseconds."""

    trace: int
    span: int
    time: int

    def exemplar(self, value: float) -> Exemplar:
        return Exemplar({}, value, self.time, self.span, self.trace)


class Calls:
    """The calls behind the rows of some captures, in their order."""

    def __init__(self, rows: Sequence[int], spans: Sequence[Any], time: int) -> None:
        self._ends = list(accumulate(rows))
        self._calls = [_sampled(span, time) for span in spans]

    def __bool__(self) -> bool:
        return any(call is not None for call in self._calls)

    def of(self, row: int) -> Call | None:
        """The call that a row came with, if it is sampled."""
        place = bisect_right(self._ends, row)
        return self._calls[place] if place < len(self._calls) else None


def _sampled(span: Any, time: int) -> Call | None:
    context = None if span is None else span.get_span_context()
    return Call(context.trace_id, context.span_id, time) if context and context.trace_flags.sampled else None


class ColumnExemplars:
    """Those of one column. classes: values are class names. For one thread at a time."""

    def __init__(self, *, classes: bool = False) -> None:
        self._classes = classes
        self._numbers: list[tuple[float, Call]] = []
        self._categories: dict[str, Call] = {}
        self._states: dict[str, Call] = {}

    def add(self, values: NDArray[Any], first: int, calls: Calls) -> None:
        """Choose from rows, [n]; first: the number of their first row among those of the calls."""
        for row in {*random.sample(range(len(values)), min(ANY, len(values))), *_odd(values)}:
            call = calls.of(first + row)
            if call is not None:
                self._keep(values[row], call)

    def numbers(self, low: float, high: float) -> list[Exemplar]:
        """Of the numbers in low <= x <= high."""
        if len(self._numbers) > ANY + 2:
            self._numbers = _thinned(self._numbers)
        return [call.exemplar(number) for number, call in self._numbers if low <= number <= high]

    def category(self, name: str) -> list[Exemplar]:
        return _of(self._categories.get(name))

    def state(self, name: str) -> list[Exemplar]:
        return _of(self._states.get(name))

    def _keep(self, value: Any, call: Call) -> None:
        value = value.item() if isinstance(value, np.generic) and value.dtype.kind in "fiub" else value
        if is_missing(value):
            self._states[MISSING] = call
            return
        number = None if self._classes or isinstance(value, str) else as_number(value)
        if number is None:
            self._categories[(class_name if self._classes else category_name)(value)] = call
            if len(self._categories) > NAMES:
                del self._categories[random.sample(list(self._categories), 1)[0]]
        elif isfinite(number):
            self._numbers.append((number, call))
            if len(self._numbers) > 4 * ANY:
                self._numbers = _thinned(self._numbers)
        else:
            self._states[NON_FINITE] = call


def _of(call: Call | None) -> list[Exemplar]:
    return [] if call is None else [call.exemplar(1)]


def _thinned(numbers: list[tuple[float, Call]]) -> list[tuple[float, Call]]:
    ordered = sorted(numbers)
    return [ordered[0], ordered[-1], *random.sample(ordered[1:-1], ANY)]


def _odd(values: NDArray[Any]) -> Iterator[int]:
    """Rows with the lowest and highest number, one without a value, and one of each of a few categories."""
    if values.dtype.kind in "iub":
        yield from (int(values.argmin()), int(values.argmax()))
    elif values.dtype.kind == "f":
        ends = int(values.argmin()), int(values.argmax())  # a NaN, where there is one
        yield from ends if np.isfinite(values[list(ends)]).all() else _odd_floats(values)
    else:
        step = -(-len(values) // _LOOKED_AT)
        yield from (step * place for place in _odd_objects(values[::step].tolist()))


def _odd_floats(values: NDArray[Any]) -> Iterator[int]:
    """Of values of which some are no finite number."""
    places = np.flatnonzero(np.isfinite(values))
    if len(places):
        numbers = values[places]
        yield from (int(places[numbers.argmin()]), int(places[numbers.argmax()]))
    for unknown in (np.isnan(values), np.isinf(values)):
        yield from np.flatnonzero(unknown)[:1].tolist()


def _odd_objects(items: list[Any]) -> Iterator[int]:
    texts = {item: place for place, item in enumerate(items) if isinstance(item, str)}
    yield from random.sample(list(texts.values()), min(NAMES, len(texts)))
    yield from [place for place, item in enumerate(items) if not isinstance(item, str) and is_missing(item)][:1]
    numbers = [(item, place) for place, item in enumerate(items) if type(item) in (int, float) and not is_missing(item)]
    if numbers:
        yield from (min(numbers)[1], max(numbers)[1])

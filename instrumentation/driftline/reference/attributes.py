"""Attributes of a reference's points, checked as they are read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from driftline.reference.errors import InvalidReference
from driftline.reference.tolerances import RULE, is_tolerance
from driftline.sketch.arrays import FloatArray
from driftline.sketch.otlp import plain, shown


class CheckedAttributes:
    """The attributes of a point or resource; `place` names it in errors. Every reader raises InvalidReference."""

    def __init__(self, holder: Any, place: str) -> None:
        self.place = place
        self._values: Mapping[str, Any] = {pair.key: plain(pair.value) for pair in holder.attributes}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def at(self, place: str) -> "CheckedAttributes":
        """The same, under another name in errors."""
        self.place = place
        return self

    def text(self, name: str, default: str | None = None) -> str:
        """A string that is not empty; `default` if there is none."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.wrong(name, "must be a string", value)
        return value

    def any_text(self, name: str) -> str:
        """A string, empty or not."""
        return self.text(name, "") if name in self._values else self.text(name)

    def one_of(self, name: str, values: Sequence[str]) -> str:
        """One of these strings."""
        value = self.text(name)
        if value not in values:
            raise self.wrong(name, f"must be one of {', '.join(values)}", value)
        return value

    def texts(self, name: str) -> list[str]:
        """An array of strings."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "must be an array of strings", values)
        return values

    def ascending(self, name: str) -> FloatArray:
        """An array of finite numbers, ascending (equal neighbours are allowed)."""
        array = self.numbers(name)
        if (np.diff(array) < 0).any():
            raise self.wrong(name, "must be finite numbers, ascending", array.tolist())
        return array

    def numbers(self, name: str) -> FloatArray:
        """An array of finite numbers."""
        values = self._list(name)
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            raise self.wrong(name, "must be an array of numbers", values)
        array = np.array(values, np.float64)
        if not np.isfinite(array).all():
            raise self.wrong(name, "must be finite numbers", values)
        return array

    def count(self, name: str) -> int | None:
        """A whole number; None if there is none."""
        value = self._values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(name, "must be a whole number", value)
        return value

    def tolerance(self, name: str) -> float | None:
        """A share of rows between 0 and 1; None if there is none."""
        value = self._values.get(name)
        if value is None:
            return None
        if not is_tolerance(value):
            raise self.wrong(name, RULE, value)
        return float(value)

    def _list(self, name: str) -> list[Any]:
        values = self._values.get(name)
        if not isinstance(values, list):
            raise self.wrong(name, "must be an array", values)
        return values

    def wrong(self, name: str, rule: str, value: object) -> InvalidReference:
        return InvalidReference(f"{self.place}: {name} {rule} (got {shown(value)})")

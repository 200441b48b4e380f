"""What the attributes of a reference's points must be: each is read by one function, which says what is wrong."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import FloatArray

_SHOWN: Final = 60


class InvalidReference(ValueError):  # noqa: N818  (what it is, not what went wrong with it)
    """No reference can be made of this: the message names the thing, the rule and the value."""


class Attributes:
    """The attributes of a point or resource; `place` names it in errors."""

    def __init__(self, holder: Any, place: str) -> None:
        self.place = place
        self._values: Mapping[str, Any] = {pair.key: _plain(pair.value) for pair in holder.attributes}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def at(self, place: str) -> "Attributes":
        """The same, under another name in errors."""
        self.place = place
        return self

    def text(self, name: str, default: str | None = None) -> str:
        """A text that is not empty; `default` where there is none."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.wrong(name, "must be a text", value)
        return value

    def any_text(self, name: str) -> str:
        """A text, empty or not."""
        return self.text(name, "") if name in self._values else self.text(name)

    def texts(self, name: str) -> list[str]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "must be an array of texts", values)
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
        """A whole number, None where there is none."""
        value = self._values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(name, "must be a whole number", value)
        return value

    def _list(self, name: str) -> list[Any]:
        values = self._values.get(name)
        if not isinstance(values, list):
            raise self.wrong(name, "must be an array", values)
        return values

    def wrong(self, name: str, rule: str, value: object) -> InvalidReference:
        return InvalidReference(f"{self.place}: {name} {rule} (got {shown(value)})")


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


def shown(value: object) -> str:
    """A value in a message: never long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"

"""What is known of each model object: what users describe, and what an adapter finds out, once, held weakly."""

import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from driftline.prediction import Model


class Description(NamedTuple):
    """What only a user can know of a model. None: not said."""

    name: str | None = None
    version: str | None = None
    feature_names: tuple[str, ...] | None = None
    task: str | None = None


_NOTHING: Final = Description()


class _ByObject:
    """A value for each of some objects, compared by identity, dropped with the object. The objects need no hash."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def get(self, key: Any) -> Any:
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def set(self, key: Any, value: Any) -> None:
        """Raises TypeError where the object cannot be referenced weakly."""
        number = id(key)
        self._entries[number] = weakref.ref(key, lambda _: self._entries.pop(number, None)), value

    def clear(self) -> None:
        self._entries.clear()


_described: Final = _ByObject()
_changes: Final = itertools.count(1)
_generation = 0


def describe(
    model: Any,
    *,
    name: str | None = None,
    version: str | None = None,
    feature_names: Iterable[str] | None = None,
    task: str | None = None,
) -> None:
    """Say of a model what cannot be guessed. It holds while the object lives; a clone or a copy is another object.

    What is left out stays as it was said before. Can be called before or after `instrument()`.

    Args:
        model: the object whose methods are called.
        name: how the model is called in all telemetry; default DRIFTLINE_MODEL_NAME, else its class.
        version: default DRIFTLINE_MODEL_VERSION, else none.
        feature_names: names of the columns of arrays; those of a data frame come with it.
        task: "classification", "regression", "clustering", "outlier_detection", …; decides how outputs are read.

    Raises:
        TypeError: the object cannot be referenced weakly.

    """
    names = None if feature_names is None else tuple(str(each) for each in feature_names)
    said: dict[str, Any] = {
        "name": name,
        "version": None if version is None else str(version),
        "feature_names": names,
        "task": task,
    }
    merged = description(model)._replace(**{field: value for field, value in said.items() if value is not None})
    try:
        _described.set(model, merged)
    except TypeError as error:
        raise TypeError(f"a {type(model).__qualname__} cannot be described: {error}") from None
    forget()


def description(model: Any) -> Description:
    """What has been said of a model."""
    return _described.get(model) or _NOTHING


def forget() -> None:
    """Models have changed (a fit, a description): all will be looked at again."""
    global _generation  # noqa: PLW0603  # one number that every call compares; cheaper than telling every cache
    _generation = next(_changes)


class Models:
    """What an adapter found out, kept until something changes. look: model object to facts."""

    def __init__(self, look: Callable[[Any], Model]) -> None:
        self._look = look
        self._known = _ByObject()
        self._generation = -1

    def of(self, model: Any) -> Model:
        if self._generation != _generation:
            self._known.clear()
            self._generation = _generation
        known: Model | None = self._known.get(model)
        if known is None:
            known = self._look(model)
            try:
                self._known.set(model, known)
            except TypeError:  # cannot be referenced weakly: looked at anew each time
                return known
        return known

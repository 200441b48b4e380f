"""What is known of each model object: what users describe, and what an adapter finds out, once, held weakly."""

import contextlib
import functools
import inspect
import itertools
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from driftline.records import ModelFacts


class Description(NamedTuple):
    """What only a user can know of a model. None: not said."""

    name: str | None = None
    version: str | None = None
    feature_names: tuple[str, ...] | None = None
    task: str | None = None
    method: str | None = None
    kind: str | None = None
    unknown_token: int | None = None
    centroid: Any = None


_NOTHING: Final = Description()


class WeakIdMap:
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

    def drop(self, key: Any) -> None:
        if self.get(key) is not None:
            del self._entries[id(key)]

    def objects(self) -> list[Any]:
        """Those that are still there."""
        return [key for reference, _ in list(self._entries.values()) if (key := reference()) is not None]

    def clear(self) -> None:
        self._entries.clear()


_described: Final = WeakIdMap()
_FUNCTIONS: Final = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)

listeners: Final[list[Callable[[Any], None]]] = []
"""What frameworks do with a model that has been described: see its calls, where they could not know that it is one."""

_changes: Final = itertools.count(1)
_generation = 0


class Described:
    """A function as an object that can be described, and of whose class frameworks record the calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def describe(
    model: Any,
    *,
    name: str | None = None,
    version: str | None = None,
    feature_names: Iterable[str] | None = None,
    task: str | None = None,
    method: str | None = None,
    kind: str | None = None,
    unknown_token: int | None = None,
    centroid: Any = None,
) -> Any:
    """Say of a model what cannot be guessed. It holds while the object lives; a clone or a copy is another object.

    What is left out stays as it was said before. Can be called before or after `instrument()`.

    Where PyTorch is used, it also says *that* this is a model: each outermost call of the module, of its `method`, or
    of the function that is returned is recorded.

    Args:
        model: the object whose methods are called.
        name: how the model is called in all telemetry; default DRIFTLINE_MODEL_NAME, else its class.
        version: default DRIFTLINE_MODEL_VERSION, else none.
        feature_names: names of the columns of arrays; those of a data frame come with it.
        task: "classification", "regression", "multilabel_classification", "embedding", "clustering",
            "outlier_detection", …; decides how outputs are read.
        method: the method that predicts, of a module or any other object; default: the call itself.
        kind: what the inputs are, where shapes do not tell: "tabular", "image", "audio", "embedding", "tokens".
        unknown_token: id of the token that stands for unknown words; their share is a column then.
        centroid: [width], mean of the embeddings that the model was trained on; the distance to it is a column then.

    Returns:
        What is to be called: the model itself or, for a function, one that does the same and is recorded.

    Raises:
        TypeError: the object cannot be referenced weakly, or what is called is a coroutine function.
        AttributeError: its class has no such method.
        ValueError: there is no such kind, or the centroid is no vector of numbers.

    """
    if isinstance(model, _FUNCTIONS):
        _check_predicts(model)
        model = Described(model)
    if method is not None:
        _check_predicts(getattr(type(model), method))
    names = None if feature_names is None else tuple(str(each) for each in feature_names)
    said: dict[str, Any] = {
        "name": name,
        "version": None if version is None else str(version),
        "feature_names": names,
        "task": task,
        "method": method,
        "kind": None if kind is None else _checked_kind(kind),
        "unknown_token": unknown_token,
        "centroid": None if centroid is None else _vector(centroid),
    }
    merged = description_of(model)._replace(**{field: value for field, value in said.items() if value is not None})
    try:
        _described.set(model, merged)
    except TypeError as error:
        raise TypeError(f"a {type(model).__qualname__} cannot be described: {error}") from None
    invalidate_facts()
    for listener in listeners:
        listener(model)
    return model


def described_models() -> list[Any]:
    """The models that something has been said of."""
    return _described.objects()


def _check_predicts(function: Callable[..., Any]) -> None:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        name = getattr(function, "__qualname__", function)
        raise TypeError(f"{name} is async: it returns before there is a prediction. Describe the model that it calls")


def _checked_kind(kind: str) -> str:
    from driftline.features.input_kinds import KINDS

    if kind not in KINDS:
        raise ValueError(f"kind: must be one of {', '.join(KINDS)} (got {kind!r})")
    return kind


def _vector(centroid: Any) -> Any:
    import numpy as np

    # By way of a list: also of a tensor that numpy takes no view of.
    values = np.array(centroid.tolist() if hasattr(centroid, "tolist") else centroid, np.float64)
    if values.ndim != 1:
        raise ValueError(f"centroid: must be a vector, [width] (got {values.ndim} dimensions)")
    return values


def description_of(model: Any) -> Description:
    """What has been said of a model."""
    return _described.get(model) or _NOTHING


def invalidate_facts() -> None:
    """Models have changed (a fit, a description): all will be looked at again."""
    global _generation  # noqa: PLW0603  # one number that every call compares; cheaper than telling every cache
    _generation = next(_changes)


def is_described(model: Any) -> bool:
    """Whether anything has been said of a model, be it only that it is one."""
    return _described.get(model) is not None


class ModelFactsCache(WeakIdMap):
    """What an adapter found out, kept until something changes. look: model object to facts."""

    def __init__(self, look: Callable[[Any], ModelFacts]) -> None:
        super().__init__()
        self._look = look
        self._generation = -1

    def of(self, model: Any) -> ModelFacts:
        if self._generation != _generation:
            self.clear()
            self._generation = _generation
        entry = self._entries.get(id(model))  # `get`, without a call of it
        if entry is not None and entry[0]() is model:
            known: ModelFacts = entry[1]
            return known
        known = self._look(model)
        with contextlib.suppress(TypeError):  # cannot be referenced weakly: looked at anew each time
            self.set(model, known)
        return known

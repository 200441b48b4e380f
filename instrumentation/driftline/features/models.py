"""What is known of each model object: user descriptions, and the facts adapters determine; both held weakly."""

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
    """What a user has described of a model; None where nothing."""

    name: str | None = None
    version: str | None = None
    feature_names: tuple[str, ...] | None = None
    task: str | None = None
    method: str | None = None
    kind: str | None = None
    unknown_token: int | None = None
    centroid: Any = None
    id: str | None = None


_NOTHING: Final = Description()


class WeakIdMap:
    """A weak mapping keyed by object identity, so that keys need not be hashable."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def get(self, key: Any) -> Any:
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def set(self, key: Any, value: Any) -> None:
        """Raises TypeError if the object cannot be weakly referenced."""
        number = id(key)
        self._entries[number] = weakref.ref(key, lambda _: self._entries.pop(number, None)), value

    def drop(self, key: Any) -> None:
        if self.get(key) is not None:
            del self._entries[id(key)]

    def objects(self) -> list[Any]:
        """The objects that are still alive."""
        return [key for reference, _ in list(self._entries.values()) if (key := reference()) is not None]

    def clear(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


_described: Final = WeakIdMap()
_FUNCTIONS: Final = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)

listeners: Final[list[Callable[[Any], None]]] = []
"""Called with each described model, so that frameworks can instrument what they would not recognise as a model."""

_changes: Final = itertools.count(1)
_generation = 0


class Described:
    """A callable object around a described function; frameworks record its calls."""

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
    id: str | None = None,  # noqa: A002  # the caller's word
) -> Any:
    """Describe a model: its name, version, features, task, and whatever else cannot be inferred.

    The description applies to this object for as long as it lives, not to copies or clones. Repeated calls add to it:
    arguments left out keep their earlier values. Call it before or after `instrument()`.

    With PyTorch, it also declares that the object *is* a model: the outermost calls of the module, of its `method`, or
    of the returned function are recorded.

    Args:
        model: the object whose methods are called, or a function that predicts.
        name: model name in all telemetry; default DRIFTLINE_MODEL_NAME, else its class.
        version: model version; default DRIFTLINE_MODEL_VERSION, else none.
        feature_names: column names for array inputs; data frames bring their own.
        task: determines how outputs are read: "classification", "regression", "multilabel_classification",
            "embedding", "clustering", "outlier_detection", …
        method: name of the method that predicts; default: calling the object.
        kind: type of the inputs, if their shape does not tell: "tabular", "image", "audio", "embedding" or "tokens".
        unknown_token: id of the token for unknown words; adds a column with their share.
        centroid: [width], mean of the training embeddings; adds a column with the distance to it.
        id: name of the input column that identifies rows, to join outcomes with them. It is no feature: not sketched,
            and not on spans, unless DRIFTLINE_INCLUDE names it.

    Returns:
        The object to call from now on: the model itself or, for a function, an equivalent that is recorded.

    Raises:
        TypeError: the object cannot be weakly referenced, or is asynchronous.
        AttributeError: the class has no such method.
        ValueError: unknown kind, or the centroid is not a vector.

    Example:
        >>> import driftline
        >>> @driftline.describe
        ... def churn(age):
        ...     return age > 40
        >>> churn(41)
        True

    """
    if isinstance(model, _FUNCTIONS):
        _check_predicts(model)
        model = Described(model)
    if method is not None:
        _check_predicts(getattr(type(model), method))
    names = None if feature_names is None else tuple(str(each) for each in feature_names)
    given: dict[str, Any] = {
        "name": name,
        "version": None if version is None else str(version),
        "feature_names": names,
        "task": task,
        "method": method,
        "kind": None if kind is None else _checked_kind(kind),
        "unknown_token": unknown_token,
        "centroid": None if centroid is None else _vector(centroid),
        "id": id,
    }
    merged = description_of(model)._replace(**{field: value for field, value in given.items() if value is not None})
    try:
        _described.set(model, merged)
    except TypeError as error:
        raise TypeError(f"cannot describe an object of type {type(model).__qualname__}: {error}") from None
    invalidate_facts()
    for listener in listeners:
        listener(model)
    return model


def described_models() -> list[Any]:
    """All described models."""
    return _described.objects()


def _check_predicts(function: Callable[..., Any]) -> None:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        name = getattr(function, "__qualname__", function)
        raise TypeError(f"{name} is asynchronous: it returns before it has predicted; describe the model it calls")


def _checked_kind(kind: str) -> str:
    from driftline.features.input_kinds import KINDS

    if kind not in KINDS:
        raise ValueError(f"kind: must be one of {', '.join(KINDS)} (got {kind!r})")
    return kind


def _vector(centroid: Any) -> Any:
    import numpy as np

    # Through a list: numpy cannot view every tensor.
    values = np.array(centroid.tolist() if hasattr(centroid, "tolist") else centroid, np.float64)
    if values.ndim != 1:
        raise ValueError(f"centroid: must be a vector, [width] (got {values.ndim} dimensions)")
    return values


def description_of(model: Any) -> Description:
    """What a user has described of a model."""
    return _described.get(model) or _NOTHING


def invalidate_facts() -> None:
    """Determine all facts anew, because a model has changed (a fit, a description)."""
    global _generation  # noqa: PLW0603  # every call compares one number; cheaper than notifying every cache
    _generation = next(_changes)


def is_described(model: Any) -> bool:
    """Whether `describe` was called with this model."""
    return _described.get(model) is not None


class ModelFactsCache(WeakIdMap):
    """Caches the facts of each model until something changes. look: determines the facts of a model object."""

    def __init__(self, look: Callable[[Any], ModelFacts]) -> None:
        super().__init__()
        self._look = look
        self._generation = -1

    def of(self, model: Any) -> ModelFacts:
        if self._generation != _generation:
            self.clear()
            self._generation = _generation
        entry = self._entries.get(id(model))  # `get`, inlined
        if entry is not None and entry[0]() is model:
            known: ModelFacts = entry[1]
            return known
        known = self._look(model)._replace(id=description_of(model).id)
        with contextlib.suppress(TypeError):  # not weakly referenceable: determined anew each time
            self.set(model, known)
        return known

"""Extracts the data from the arguments of a call, under the function's parameter names."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch

_STATE: Final = frozenset({"past_key_values", "cache_params", "mems"})
"""Arguments that hold tensors but are not model inputs."""

_DEEPEST: Final = 3  # a batch in a tuple in an argument


class Arguments:
    """The arguments of one function. look_up: returns the function, once names are needed."""

    __slots__ = ("_look_up", "_names")

    def __init__(self, look_up: Callable[[], Callable[..., Any]]) -> None:
        self._look_up = look_up
        self._names: tuple[str, ...] | None = None

    def data(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A single value as it is, several as a dict by name; None without any."""
        del operation
        if len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor):
            return args[0]
        found = {
            name: value
            for argument, given in self._named(args, kwargs).items()
            if argument not in _STATE
            for name, value in parts(argument, given)
        }
        return next(iter(found.values()), None) if len(found) <= 1 else found

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if self._names is None:
            self._names = positional(self._look_up())
        names = (*self._names, *(str(position) for position in range(len(self._names), len(args))))
        return {**dict(zip(names, args, strict=False)), **kwargs}


def positional(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional parameters; none if the signature is unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD))


def parts(name: str, value: Any, depth: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """The data in an argument: itself or the members of a batch, but no flags, numbers or caches."""
    if hasattr(value, "shape"):
        yield name, value
    elif depth and (members := _members(name, value)):
        for key, member in members.items():
            yield from parts(key, member, depth - 1)
    elif isinstance(value, list) and value:  # rows or strings as Python objects
        yield name, value


def _members(name: str, value: Any) -> dict[str, Any]:
    """The members of a mapping, named tuple or dataclass by name, of a sequence by position."""
    if isinstance(value, Mapping):
        return {str(key): member for key, member in value.items()}
    if hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)) and any(hasattr(each, "shape") for each in value):
        return {f"{name}.{position}": member for position, member in enumerate(value)}
    return {}

"""Class names of modules behind their wrappers, and safe access to third-party attributes."""

import inspect
from typing import Any, Final

from driftline.features.models import Described

_DEEPEST: Final = 4  # DataParallel of a compiled module of …
_SPREADERS: Final = ("DataParallel", "DistributedDataParallel")


def attribute(thing: Any, name: str) -> Any:
    """An attribute of a third-party object; None if it is missing or its property raises."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001  # treated as missing
        return None


def unwrapped(module: Any) -> Any:
    """The user's own module or function, inside `torch.compile` and data-parallel wrappers."""
    if isinstance(module, Described):
        module = module.function
    for _ in range(_DEEPEST):
        inner = attribute(module, "_orig_mod")
        if inner is None and type(module).__name__ in _SPREADERS:
            inner = attribute(module, "module")
        if inner is None:
            break
        module = inner
    return module


def type_name(module: Any) -> str:
    """Class name, as before scripting; for a function, its own name."""
    original = attribute(module, "original_name")
    if isinstance(original, str) and original:
        return original
    return str(module.__name__) if inspect.isroutine(module) else type(module).__name__

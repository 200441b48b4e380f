"""Names of modules, and attributes of somebody else's objects."""

import inspect
from typing import Any, Final

from driftline.features.models import Described

_DEEPEST: Final = 4  # DataParallel of a compiled module of …
_SPREADERS: Final = ("DataParallel", "DistributedDataParallel")


def attribute(thing: Any, name: str) -> Any:
    """An attribute of somebody else's object: properties may raise what they like."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001  # then it is not known
        return None


def unwrapped(module: Any) -> Any:
    """The module, or function, that the user wrote: below `torch.compile` and what spreads it over devices."""
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
    """Its class, as it was called before it was scripted; of a function its own name."""
    original = attribute(module, "original_name")
    if isinstance(original, str) and original:
        return original
    return str(module.__name__) if inspect.isroutine(module) else type(module).__name__

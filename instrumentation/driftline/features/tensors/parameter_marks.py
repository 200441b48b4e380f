"""What copies of a module share, and two modules of one class do not."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

_PARAMETERS: Final = 8
_VALUES: Final = 8


def parameter_marks(module: Any) -> tuple[Any, ...]:
    """Shapes of the first parameters and, where they are in the CPU's memory, their first values.

    A device is not asked for its values: it would have to be waited for, and must not be while a graph is captured.
    """
    try:
        return tuple(islice(_marks(module), _PARAMETERS))
    except Exception:  # noqa: BLE001  # not initialised yet, sharded, or no module at all
        return ()


def _marks(module: Any) -> Iterator[Any]:
    for name, parameter in module.named_parameters():
        readable = parameter.device.type == "cpu"
        values = parameter.detach().reshape(-1)[:_VALUES].tolist() if readable else ()
        yield name, tuple(parameter.shape), tuple(values)

"""Tells predictions from calls that belong to training, tracing or explaining."""

import logging
import weakref
from typing import Any, Final

import torch
from torch import nn

_logger = logging.getLogger("driftline")

HINT_AFTER: Final = 100
"""Calls skipped for the same reason before a single warning."""

_WRAPPERS: Final = (nn.DataParallel, nn.parallel.DistributedDataParallel)

# Checked on every call, so bound directly to C functions.
_backward = torch._C._current_graph_task_id  # noqa: SLF001  # no public equivalent
_is_tracing = torch._C._is_tracing  # noqa: SLF001
_modes = torch._C._len_torch_dispatch_stack  # noqa: SLF001
_transform = torch._C._functorch.peek_interpreter_stack  # noqa: SLF001
_is_grad_enabled = torch.is_grad_enabled
_Tensor = torch.Tensor


class InferenceFilter:
    """Skips calls made in training: while an optimizer is alive, or in training mode with gradients on."""

    def __init__(self) -> None:
        self._optimizers: set[weakref.ref[Any]] = set()
        self._passed = {"training": 0, "optimizer": 0}

    def add_optimizer(self, optimizer: Any) -> None:
        self._optimizers.add(weakref.ref(optimizer, self._optimizers.discard))

    def is_prediction(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a call of a module without a description is a prediction."""
        if self._optimizers:
            self._pass("optimizer", module)
            return False
        if _is_grad_enabled() and is_training(module):
            self._pass("training", module)
            return False
        return is_run(module, args, kwargs)

    def _pass(self, reason: str, module: Any) -> None:
        self._passed[reason] += 1
        if self._passed[reason] == HINT_AFTER:
            _logger.warning(_HINTS[reason], HINT_AFTER, type(module).__name__)


def is_training(module: Any) -> bool:
    """Whether a module is in training mode; wrappers are created in it, so the wrapped module decides."""
    inner = module.module if isinstance(module, _WRAPPERS) else module
    return bool(getattr(inner, "training", False))  # a frozen ScriptModule has no flag


def is_run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether this is a real forward pass, not part of a backward pass, tracer, transform or explainer."""
    del module
    return (
        _backward() == -1
        and not _is_tracing()
        and not _modes()  # fake tensors, make_fx
        and _transform() is None  # vmap, grad, jacrev
        and not (_is_grad_enabled() and _has_leaf(args, kwargs))
    )


def _has_leaf(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether gradients of an input are requested, as attribution tools do."""
    return any(isinstance(each, _Tensor) and each.requires_grad and each.is_leaf for each in (*args, *kwargs.values()))


_HINTS: Final = {
    "training": "%d calls of %s were not recorded: it is in training mode with gradients enabled. Call model.eval() "
    "before serving, or driftline.describe(model) to record it anyway.",
    "optimizer": "%d calls of %s were not recorded: an optimizer is alive, so they count as validation. "
    "Delete the optimizer before serving, or call driftline.describe(model).",
}

"""Intercepts calls of a module with a pair of hooks, if torch has no slot for it (see `call_slots`).

Second best: a hook cannot tell a module's own exceptions from those of other hooks, and unlike a slot it shows up in
TorchScript and pickles, which is handled below.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch import nn
from torch.compiler import is_compiling

from driftline.features.models import WeakIdMap
from driftline.frameworks.pytorch.call_slots import DYNAMO, FORWARD, compiler
from driftline.frameworks.pytorch.calls import ModuleCallObserver
from driftline.runtime.call_scope import CALL_SCOPE
from driftline.runtime.import_hooks import Patches, cancel_when_imported, when_imported

# Calls in progress in this context, innermost first: what `Before` did, for `After` to undo.
_open: Final[ContextVar[Any]] = ContextVar("driftline_open_calls", default=None)


class _Hook:
    """A hook that pickles as a no-op function of the standard library."""

    def __init__(self, calls: ModuleCallObserver) -> None:
        self.calls = calls

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nullcontext(), "__exit__")  # takes any arguments, returns None


class Before(_Hook):
    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if is_compiling():  # True while Dynamo traces this: keeps the code below out of the graph
            return
        before = (token := CALL_SCOPE.get()) is not None and token[0]
        if before is True or compiler() is not None:
            _open.set((None, None, None, None, _open.get()))
            return
        token = [True]
        CALL_SCOPE.set(token)
        handled = sys.exc_info()[1]
        outer = _open.get()
        _open.set((token, before, None, handled, outer))  # `After` is called as well if the call is refused here
        started = self.calls.begin(FORWARD, module, args, kwargs)
        _open.set((token, before, started, handled, outer))


class After(_Hook):
    """Always called; `output` is None if the module raised."""

    def __call__(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:  # noqa: ARG002  # torch's
        if is_compiling() or (call := _open.get()) is None:
            return
        token, before, started, handled, outer = call
        _open.set(outer)
        if token is None:
            return
        token[0] = before
        error = sys.exc_info()[1]
        self.calls.end(started, output, error if output is None and error is not handled else None, token)


class CallHooks:
    """The hooked modules; same interface as `CallSlots`."""

    def __init__(self, make: Callable[..., ModuleCallObserver], patches: Patches) -> None:
        del patches
        self._make = make
        self._hooked = WeakIdMap()  # (explicit, handles)

    def begin(self) -> None:
        when_imported(DYNAMO, _skip)

    def end(self) -> None:
        cancel_when_imported(DYNAMO, _skip)
        for module in self._hooked.objects():
            self.take(module)
        self._hooked.clear()

    def put(self, module: nn.Module, *, explicit: bool = False) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            raise TypeError("a ScriptModule does not support hooks")
        if (known := self._hooked.get(module)) is not None:
            if known[0] or not explicit:
                return
            self.take(module)
        calls = self._make(module, explicit=explicit)
        handles = (
            module.register_forward_pre_hook(Before(calls), prepend=True, with_kwargs=True),
            module.register_forward_hook(After(calls), with_kwargs=True, always_call=True),
        )
        self._hooked.set(module, (explicit, handles))

    def take(self, module: nn.Module) -> bool:
        explicit, handles = self._hooked.get(module) or (False, ())
        for handle in handles:
            handle.remove()
        self._hooked.drop(module)
        return bool(explicit)

    def take_implicit(self, module: nn.Module) -> None:
        known = self._hooked.get(module)
        if known is not None and not known[0]:
            self.take(module)

    def drop(self, replica: nn.Module) -> None:
        """Nothing to do: torch does not copy hooks to replicas."""

    @contextmanager
    def hidden(self, args: tuple[Any, ...]) -> Iterator[None]:
        """Remove the hooks while TorchScript reads a module: it would compile them."""
        tree = list(args[0].modules()) if args and isinstance(args[0], nn.Module) else []
        taken = [(module, self.take(module)) for module in tree if self._hooked.get(module) is not None]
        try:
            yield
        finally:
            for module, explicit in taken:
                self.put(module, explicit=explicit)


def _skip(dynamo: Any) -> None:
    """Keep Dynamo from compiling hooks, as for slots."""
    for hook in (Before, After):
        dynamo.skip_code(hook.__call__.__code__)

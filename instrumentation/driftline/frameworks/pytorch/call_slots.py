"""Intercepts calls of a module with a callable in the slot that `nn.Module.__call__` checks anyway.

It is the slot of `nn.Module.compile`, an attribute of the instance: class, submodules, hooks, `forward` and
`state_dict` stay unchanged, pickles leave it out, and torch.compile does not capture it.
"""

import functools
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from torch import nn
from torch._C._dynamo import eval_frame
from torch.jit import _recursive

from driftline.features.models import WeakIdMap
from driftline.frameworks.pytorch.calls import ModuleCallObserver
from driftline.runtime.call_scope import CALL_SCOPE
from driftline.runtime.import_hooks import Patches, cancel_when_imported, when_imported

KEY: Final = "_compiled_call_impl"
FORWARD: Final = "forward"

DYNAMO: Final = "torch._dynamo.eval_frame"

_COPIES: Final = ("__getstate__", "__copy__", "__reduce__", "__reduce_ex__")
"""Methods with which a class may customise copying."""

_inside = CALL_SCOPE.get
_enter = CALL_SCOPE.set
# While Dynamo runs a compiled function of the user's, its model calls are not recorded: they are invisible where Dynamo
# traced them, and Dynamo would compile the recording. The function is private and may disappear.
compiler: Final[Callable[[], Any]] = getattr(eval_frame, "get_eval_frame_callback", lambda: None)


class CallSlot:
    """Calls the module and records it. inner: what `nn.Module.compile` put here. explicit: described by the user."""

    __slots__ = ("_module", "begin", "end", "explicit", "inner")

    def __init__(
        self, module: nn.Module, inner: Callable[..., Any] | None, calls: ModuleCallObserver, *, explicit: bool
    ) -> None:
        self._module = weakref.ref(module)  # weak: no reference cycle with the module, which holds its slot
        self.inner = inner
        self.begin = calls.begin
        self.end = calls.end
        self.explicit = explicit

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call only C functions before the outermost call is found: Dynamo may be watching frames."""
        module = self._module()
        call = self.inner or module._call_impl  # type: ignore[union-attr]  # noqa: SLF001  # it is being called
        outer = (token := _inside()) is not None and token[0]
        if outer is True or compiler() is not None:
            return call(*args, **kwargs)
        token = [True]  # also if the call is not recorded: nothing inside it is
        _enter(token)
        started = self.begin(FORWARD, module, args, kwargs)
        try:
            output = call(*args, **kwargs)
        except BaseException as error:
            token[0] = outer
            self.end(started, None, error, token)
            raise
        token[0] = outer
        self.end(started, output, None, token)
        return output

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles as None, for classes that pickle their whole `__dict__`."""
        return type(None), ()

    def __deepcopy__(self, memo: Any) -> None:
        return None


class CallSlots:
    """The filled slots. make: creates the observer of a module, given whether it was described by the user."""

    def __init__(self, make: Callable[..., ModuleCallObserver], patches: Patches) -> None:
        self._make = make
        self._patches = patches
        self._filled = WeakIdMap()

    def begin(self) -> None:
        _recursive.ignored_attributes.append(KEY)  # TorchScript rejects what it cannot type
        when_imported(DYNAMO, _skip)

    def end(self) -> None:
        """Restore all slots."""
        cancel_when_imported(DYNAMO, _skip)
        _recursive.ignored_attributes.remove(KEY)
        for module in self._filled.objects():
            self.take(module)
        self._filled.clear()

    def put(self, module: nn.Module, *, explicit: bool = False) -> None:
        current = vars(module).get(KEY)
        if isinstance(current, CallSlot):
            if current.explicit or not explicit:
                return
            current = current.inner
        self._protect_copies(type(module))
        vars(module)[KEY] = CallSlot(module, current, self._make(module, explicit=explicit), explicit=explicit)
        self._filled.set(module, None)

    def take(self, module: nn.Module) -> bool:
        """Empty a slot. Returns whether it was explicit."""
        current = vars(module).get(KEY)
        if not isinstance(current, CallSlot):
            return False
        if current.inner is None:
            del vars(module)[KEY]  # the class attribute is None
        else:
            vars(module)[KEY] = current.inner
        return current.explicit

    def take_implicit(self, module: nn.Module) -> None:
        """Empty a slot unless it is explicit."""
        current = vars(module).get(KEY)
        if isinstance(current, CallSlot) and not current.explicit:
            self.take(module)

    def drop(self, replica: nn.Module) -> None:
        """Drop the slot that a replica copied from its original."""
        vars(replica).pop(KEY, None)

    def hidden(self, args: tuple[Any, ...]) -> AbstractContextManager[None]:
        """Context in which TorchScript reads a module; it ignores slots."""
        del args
        return nullcontext()

    def _protect_copies(self, cls: type) -> None:
        """Keep the slot out of copies, which would call the original; nn.Module does so, subclasses may not."""
        for name in _COPIES:
            owner = next((base for base in cls.__mro__ if name in vars(base)), object)
            if owner not in (object, nn.Module):
                self._patches.replace(owner, name, _forgetting)


def _skip(dynamo: Any) -> None:
    """Keep Dynamo from compiling slots: all models would share one code object and its recompilation limit."""
    dynamo.skip_code(CallSlot.__call__.__code__)


def _forgetting(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a copying method to leave the slot out."""

    @functools.wraps(original)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return _without_slot(original(self, *args, **kwargs), self)

    return call


def _without_slot(copied: Any, module: Any) -> Any:
    """The result of a method of _COPIES (a state, a module, or a `__reduce__` tuple with the state at 2), cleaned."""
    if isinstance(copied, dict) and isinstance(copied.get(KEY), CallSlot):
        return {name: value for name, value in copied.items() if name != KEY}
    if isinstance(copied, nn.Module) and copied is not module and isinstance(vars(copied).get(KEY), CallSlot):
        del vars(copied)[KEY]
    if isinstance(copied, tuple) and len(copied) > 2:
        return (*copied[:2], _without_slot(copied[2], module), *copied[3:])
    return copied

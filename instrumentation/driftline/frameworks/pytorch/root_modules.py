"""Finds the root modules that are models, by what prepares a model for serving.

`model.eval()` and loading weights start at the root, and compiling, exporting or replicating a model creates a new root
around it, so submodules need not be instrumented.
"""

import atexit
import gc
import logging
import threading
import types
import weakref
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final

import torch
from torch import nn
from torch.compiler import is_compiling
from torch.optim import Optimizer

from driftline.features.models import ModelFactsCache, described_models, description_of, is_described, listeners
from driftline.features.tensors.module_names import unwrapped
from driftline.frameworks.call_wrappers import NullObserver, Switch, record_calls
from driftline.frameworks.method_wrappers import MethodWrappers
from driftline.frameworks.pytorch.arguments import Arguments
from driftline.frameworks.pytorch.call_slots import FORWARD, KEY, CallSlots
from driftline.frameworks.pytorch.calls import ModuleCallObserver
from driftline.frameworks.pytorch.hooks import CallHooks
from driftline.frameworks.pytorch.inference_only import InferenceFilter, is_run, is_training
from driftline.recording.recorder import Recorder
from driftline.runtime.call_scope import paused
from driftline.runtime.import_hooks import Patches
from driftline.runtime.self_faults import FAULTS

_logger = logging.getLogger("driftline")

MODULE: Final = "torch.nn.modules.module"

READY: Final = (
    (MODULE, "Module.load_state_dict"),
    ("torch._dynamo.eval_frame", "OptimizedModule.__init__"),
    ("torch.nn.parallel.data_parallel", "DataParallel.__init__"),
    ("torch.nn.parallel.distributed", "DistributedDataParallel.__init__"),
)
"""Methods that mark their module as a root."""

MAKERS: Final = (
    ("torch", "load"),
    ("torch.jit", "load"),
    ("torch.jit", "trace"),
    ("torch.jit", "trace_module"),
    ("torch.jit", "freeze"),
    ("torch.jit", "optimize_for_inference"),
    ("torch.export", "export"),
    ("torch.export.exported_program", "ExportedProgram.module"),
)
"""Functions that may call a model to transform it: a module they return is a root."""

CALLS: Final = {
    ("transformers.generation.utils", "GenerationMixin.generate"): "generate",
    ("torch.export.pt2_archive._package", "AOTICompiledModel.__call__"): FORWARD,
    ("driftline.features.models", "Described.__call__"): FORWARD,
}
"""Methods that are themselves the call of a model, with their operation."""

EXPLAINERS: Final = "captum.attr._utils.attribution"
EXPLAINS: Final = ("attribute", "compute_convergence_delta")
"""Methods of captum's explainers, which call models with synthetic inputs."""

_LAYERS: Final = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)  # noqa: SLF001  # no public base
"""Layers that are switched to eval mode by themselves during training: never a model."""

_SERVED: Final = ("load", "module")
_ARTEFACTS: Final = (torch.jit.ScriptModule, torch.fx.GraphModule)
"""Modules of these types returned by _SERVED are for serving, even if stuck in training mode."""

_Method = Callable[..., Any]


class RootModules:
    """The PyTorch models of a process, from the import of torch on."""

    def __init__(self, recorder: Recorder, models: ModelFactsCache) -> None:
        self._recorder = recorder
        self._models = models
        self._filter = InferenceFilter()
        self._patches = Patches()
        make = CallSlots if hasattr(nn.Module, KEY) else CallHooks  # the name of the slot is private
        self._interceptor: CallSlots | CallHooks = make(self._calls_of, self._patches)
        self._explainers = MethodWrappers((), (), EXPLAINS, NullObserver())
        self._switches: list[Switch] = []
        self._prepared: weakref.WeakSet[ModuleCallObserver] = weakref.WeakSet()
        self._on = True
        self._depth = threading.local()

    def begin(self) -> None:
        """Watch for new models, and find the existing ones."""
        add = self._patches.add
        add(MODULE, "Module.train", self._train)
        add(MODULE, "Module.compile", self._compile)
        add(MODULE, "Module.__setstate__", self._setstate)
        add(MODULE, "Module._replicate_for_data_parallel", self._replicate)
        add("torch.optim.optimizer", "Optimizer.__init__", self._optimizer)
        add("torch.jit", "script", self._script)
        for module, name in READY:
            add(module, name, self._ready)
        for module, name in MAKERS:
            add(module, name, self._maker)
        for (module, name), operation in CALLS.items():
            add(module, name, partial(self._recorded, operation))
        self._interceptor.begin()
        self._explainers.add(EXPLAINERS, "Attribution")
        atexit.register(self._hint)
        self._find()
        listeners.append(self._describe)
        for model in described_models():
            self._describe(model)

    def end(self) -> None:
        """Restore the originals. Where Dynamo has wrapped a patched method again, the patch stays below it, inert."""
        self._on = False
        atexit.unregister(self._hint)
        self._hint()
        listeners.remove(self._describe)
        for switch in self._switches:
            switch.on = False
        self._explainers.remove()
        self._patches.remove()
        self._interceptor.end()

    def _hint(self) -> None:
        """At exit, explain why there may be no records."""
        if self._prepared and not any(each.seen for each in self._prepared):
            _logger.info(
                "PyTorch models were prepared but no call was recorded. Calls of model.forward() or of compiled "
                "functions around a model, and CUDA graph replays, cannot be intercepted: see driftline.describe()."
            )

    def _find(self) -> None:
        """Find existing models and optimizers, once, in a fraction of a second."""
        found = [each for each in gc.get_objects() if issubclass(type(each), (nn.Module, Optimizer))]
        children = {id(child) for each in found if isinstance(each, nn.Module) for child in each.children()}
        for each in found:
            if isinstance(each, Optimizer):
                self._filter.add_optimizer(each)
            elif id(each) not in children and not is_training(each):
                self._announce(each)

    def _announce(self, module: nn.Module, *, explicit: bool = False) -> None:
        """Treat a module as a root; an error here would break the user's code."""
        try:
            if self._on and not isinstance(module, _LAYERS):
                self._interceptor.put(
                    module, explicit=explicit or is_described(module) or is_described(unwrapped(module))
                )
        except Exception as error:  # noqa: BLE001  # the module works without Driftline
            FAULTS.note("root", error)

    def _calls_of(self, module: nn.Module, *, explicit: bool) -> ModuleCallObserver:
        reference = weakref.ref(module)
        arguments = Arguments(lambda: unwrapped(reference()).forward)
        calls = ModuleCallObserver(
            self._recorder, self._models, arguments, is_run if explicit else self._filter.is_prediction
        )
        self._prepared.add(calls)
        return calls

    def _describe(self, model: Any) -> None:
        method = description_of(model).method
        if method is not None:
            owner = next(base for base in type(model).__mro__ if method in vars(base))
            self._patches.replace(owner, method, partial(self._chosen, method))
        elif isinstance(model, nn.Module):
            self._announce(model, explicit=True)

    def _chosen(self, method: str, original: _Method) -> _Method:
        """Wrap a method to record it for objects described with it."""
        recorded = self._recorded(method, original)

        @wraps(original)
        def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or description_of(self).method != method:
                return original(self, *args, **kwargs)
            return recorded(self, *args, **kwargs)

        return call

    def _recorded(self, operation: str, original: _Method) -> _Method:
        arguments = Arguments(lambda: types.MethodType(original, self))  # without self
        switch = Switch(ModuleCallObserver(self._recorder, self._models, arguments, self._is_prediction))
        self._switches.append(switch)
        return record_calls(operation, original, switch)

    def _is_prediction(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        implicit = isinstance(model, nn.Module) and not is_described(model)
        return self._filter.is_prediction(model, args, kwargs) if implicit else is_run(model, args, kwargs)

    def _train(self, original: _Method) -> _Method:
        """Wrap `train`: `eval()` is `train(False)`, and the outermost call is the root's."""

        @wraps(original)
        def train(module: nn.Module, mode: bool = True) -> Any:
            if is_compiling():
                return original(module, mode)
            depth = getattr(self._depth, "value", 0)
            self._depth.value = depth + 1
            try:
                output = original(module, mode)
            finally:
                self._depth.value = depth
            if not mode and depth:
                self._interceptor.take_implicit(module)
            elif not mode:
                self._announce(module)
            return output

        return train

    def _setstate(self, original: _Method) -> _Method:
        """Wrap `__setstate__`, for copies and unpickled modules: children come before their parent."""

        @wraps(original)
        def setstate(module: nn.Module, state: Any) -> Any:
            output = original(module, state)
            if not is_training(module):
                for child in module.children():
                    self._interceptor.take_implicit(child)
                self._announce(module)
            return output

        return setstate

    def _compile(self, original: _Method) -> _Method:
        @wraps(original)
        def compile_(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            explicit = self._interceptor.take(module)
            try:
                return original(module, *args, **kwargs)
            finally:
                self._announce(module, explicit=explicit)

        return compile_

    def _replicate(self, original: _Method) -> _Method:
        """Wrap replication: a replica copies its original's `__dict__`, but only the original is the model."""

        @wraps(original)
        def replicate(module: nn.Module) -> Any:
            replica = original(module)
            self._interceptor.drop(replica)
            return replica

        return replicate

    def _optimizer(self, original: _Method) -> _Method:
        @wraps(original)
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            self._filter.add_optimizer(optimizer)

        return init

    def _ready(self, original: _Method) -> _Method:
        @wraps(original)
        def ready(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            output = original(module, *args, **kwargs)
            self._announce(module)
            return output

        return ready

    def _maker(self, original: _Method) -> _Method:
        served = original.__name__ in _SERVED

        @wraps(original)
        def make(*args: Any, **kwargs: Any) -> Any:
            with paused(), self._interceptor.hidden(args):  # tracers call the model
                made = original(*args, **kwargs)
            if isinstance(made, nn.Module):
                self._announce(made, explicit=served and isinstance(made, _ARTEFACTS))
            return made

        return make

    def _script(self, original: _Method) -> _Method:
        """As any maker, but it resolves names in its caller's frame, which is now one further up."""
        make = self._maker(original)

        @wraps(original)
        def script(*args: Any, _frames_up: int = 0, **kwargs: Any) -> Any:
            return make(*args, _frames_up=_frames_up + 2, **kwargs)

        return script

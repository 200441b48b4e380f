"""The PyTorch instrumentor: modules, what is compiled, exported or scripted from them, and described models."""

from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from typing import Any

from driftline.features.models import ModelFactsCache
from driftline.frameworks.instrumentor import FrameworkInstrumentor
from driftline.recording.recorder import Recorder
from driftline.records import ModelFacts
from driftline.runtime.import_hooks import cancel_when_imported, when_imported
from driftline.settings import Settings


class TorchInstrumentor(FrameworkInstrumentor):
    """Records the outermost calls of models. Does not import torch."""

    def instrumentation_dependencies(self) -> Collection[str]:
        # Detecting Dynamo at work is not possible in 2.4, and crashes the process in 2.6 by freeing its callback.
        return ("torch >= 2.8",)

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        begin = partial(_begin, recorder, undo)
        undo.callback(cancel_when_imported, "torch", begin)
        when_imported("torch", begin)


def _begin(recorder: Recorder, undo: ExitStack, torch: Any) -> None:
    del torch
    from driftline.frameworks.pytorch.root_modules import RootModules  # imports torch, which is loaded by now

    roots = RootModules(recorder, ModelFactsCache(partial(_facts_of, recorder.settings)))
    undo.callback(roots.end)
    roots.begin()


def _facts_of(settings: Settings, module: Any) -> ModelFacts:
    from driftline.features.tensors.module_facts import facts_of  # loads numpy: not before the first call

    return facts_of(settings, module)

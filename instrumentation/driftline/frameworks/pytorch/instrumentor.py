"""PyTorch: modules, what is compiled, exported or scripted from them, and what users describe."""

from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from typing import Any

from driftline.features.models import ModelFactsCache
from driftline.frameworks.instrumentor import FrameworkInstrumentor
from driftline.recording.recorder import Recorder
from driftline.runtime.import_hooks import cancel_when_imported, when_imported


class TorchInstrumentor(FrameworkInstrumentor):
    """Records the outermost calls of models. Does not load torch."""

    def instrumentation_dependencies(self) -> Collection[str]:
        # Whether Dynamo is at work could not be asked in 2.4; in 2.6 asking frees its callback, and the process dies.
        return ("torch >= 2.8",)

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        begin = partial(_begin, recorder, undo)
        undo.callback(cancel_when_imported, "torch", begin)
        when_imported("torch", begin)


def _begin(recorder: Recorder, undo: ExitStack, torch: Any) -> None:
    del torch
    from driftline.features.tensors import look
    from driftline.frameworks.pytorch.root_modules import RootModules  # loads torch, which is there by now

    roots = RootModules(recorder, ModelFactsCache(partial(look, recorder.settings)))
    undo.callback(roots.end)
    roots.begin()

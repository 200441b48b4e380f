"""PyTorch: modules, what is compiled, exported or scripted from them, and what users describe."""

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from driftline.emitter import Emitter
from driftline.imports import forget, when_imported
from driftline.instrumentor import FrameworkInstrumentor
from driftline.models import Models

if TYPE_CHECKING:
    from driftline.modules.roots import Roots


class TorchInstrumentor(FrameworkInstrumentor):
    """Records the outermost calls of models. Does not load torch."""

    _roots: "Roots | None" = None

    def instrumentation_dependencies(self) -> Collection[str]:
        # Whether Dynamo is at work could not be asked in 2.4; in 2.6 asking frees its callback, and the process dies.
        return ("torch >= 2.8",)

    def _attach(self, emitter: Emitter) -> None:
        self._action = partial(self._begin, emitter)
        when_imported("torch", self._action)

    def _begin(self, emitter: Emitter, torch: Any) -> None:
        del torch
        from driftline.modules.roots import Roots  # loads torch, which is there by now
        from driftline.tensors import look

        self._roots = Roots(emitter, Models(partial(look, emitter.settings)))
        self._roots.begin()

    def _detach(self) -> None:
        forget("torch", self._action)
        if self._roots is not None:
            self._roots.end()
            self._roots = None

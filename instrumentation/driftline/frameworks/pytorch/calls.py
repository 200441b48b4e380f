"""What happens around an outermost call of a model: the question whether it counts, and the emitter."""

from collections.abc import Callable
from typing import Any

from driftline.features.models import Models
from driftline.frameworks.pytorch.arguments import Arguments
from driftline.recording.recorder import Adapter, Emitter
from driftline.runtime.self_faults import FAULTS

Counts = Callable[[Any, tuple[Any, ...], dict[str, Any]], bool]


class Calls:
    """A recorder (see `methods`) of the calls of one function. counts: asked first, with the model and arguments.

    seen: whether there has been any call, be it one that does not count.
    """

    __slots__ = ("__weakref__", "_adapter", "_begin", "counts", "end", "seen")

    def __init__(self, emitter: Emitter, models: Models, arguments: Arguments, counts: Counts) -> None:
        self._adapter = Adapter(models, arguments.data)
        self._begin = emitter.begin
        self.counts = counts
        self.end = emitter.end
        self.seen = False

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.seen = True
        try:
            if not self.counts(model, args, kwargs):
                return None
        except Exception as error:  # noqa: BLE001  # a fault of ours is not the caller's
            FAULTS.note("begin", error)
            return None
        return self._begin(self._adapter, operation, model, args, kwargs)

    def end_fit(self) -> None:
        """Nothing that is wrapped here fits a model."""

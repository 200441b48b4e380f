"""Observes the outermost calls of a model, and passes those that are predictions to the recorder."""

from collections.abc import Callable
from typing import Any

from driftline.features.models import ModelFactsCache
from driftline.frameworks.pytorch.arguments import Arguments
from driftline.recording.recorder import Adapter, Recorder
from driftline.runtime.self_faults import FAULTS

IsPrediction = Callable[[Any, tuple[Any, ...], dict[str, Any]], bool]


class ModuleCallObserver:
    """Observes the calls of one function.

    is_prediction: whether a call, given its model and arguments, is to be recorded. seen: whether there was any call,
    recorded or not.
    """

    __slots__ = ("__weakref__", "_adapter", "_begin", "end", "is_prediction", "seen")

    def __init__(
        self, recorder: Recorder, models: ModelFactsCache, arguments: Arguments, is_prediction: IsPrediction
    ) -> None:
        self._adapter = Adapter(models, arguments.data)
        self._begin = recorder.begin
        self.is_prediction = is_prediction
        self.end = recorder.end
        self.seen = False

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.seen = True
        try:
            if not self.is_prediction(model, args, kwargs):
                return None
        except Exception as error:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("begin", error)
            return None
        return self._begin(self._adapter, operation, model, args, kwargs)

    def end_fit(self) -> None:
        """Nothing wrapped here fits a model."""

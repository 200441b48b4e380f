"""Frameworks whose calls are methods of classes: all but what is special about one of them."""

from abc import abstractmethod
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar

from driftline.features.models import invalidate_facts
from driftline.frameworks.instrumentor import FrameworkInstrumentor
from driftline.frameworks.method_wrappers import MethodWrappers
from driftline.recording.recorder import Adapter, Recorder


class ClassInstrumentor(FrameworkInstrumentor):
    """Wraps the methods that subclasses name, of the classes below their roots."""

    roots: ClassVar[tuple[tuple[str, str], ...]]
    """Where the families of classes begin: the module to wait for, and the class."""

    calls: ClassVar[tuple[str, ...]]
    """Methods that are recorded."""

    fits: ClassVar[tuple[str, ...]] = ()
    """Methods that change a model; within them nothing is recorded."""

    quiet: ClassVar[tuple[str, ...]] = ()
    """Further methods within which nothing is recorded."""

    @abstractmethod
    def _adapter(self, settings: Any) -> Adapter:
        """How a model and its calls are read."""

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        self._methods = MethodWrappers(
            self.calls, self.fits, self.quiet, _RecorderObserver(recorder, self._adapter(recorder.settings))
        )
        undo.callback(self._methods.remove)
        for module, name in self.roots:
            self._methods.add(module, name)
        recorder.before_export.append(self._methods.walk)
        undo.callback(recorder.before_export.remove, self._methods.walk)


class _RecorderObserver:
    """Tells the recorder of calls, and all that was found out to be forgotten when a model is fitted."""

    def __init__(self, recorder: Recorder, adapter: Adapter) -> None:
        self.begin = partial(recorder.begin, adapter)
        self.end = recorder.end

    def end_fit(self) -> None:
        invalidate_facts()

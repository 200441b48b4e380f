"""Instrumentor of a framework whose calls are methods of classes: subclasses are tables of roots and methods."""

from abc import abstractmethod
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar

from driftline.features.models import invalidate_facts
from driftline.frameworks.instrumentor import FrameworkInstrumentor
from driftline.frameworks.method_wrappers import DescriptorWrapper, MethodWrappers, WrapFunction
from driftline.recording.recorder import Adapter, Recorder


class ClassInstrumentor(FrameworkInstrumentor):
    """Wraps methods, named by its subclasses, of all classes below their roots."""

    roots: ClassVar[tuple[tuple[str, str], ...]]
    """Base classes of the models: the module to wait for, and the class."""

    calls: ClassVar[tuple[str, ...]]
    """Methods to record."""

    fits: ClassVar[tuple[str, ...]] = ()
    """Methods that change a model; nothing inside them is recorded."""

    silent: ClassVar[tuple[str, ...]] = ()
    """Other methods inside which nothing is recorded."""

    @abstractmethod
    def _adapter(self, settings: Any) -> Adapter:
        """How to read a model and its calls."""

    def _wrap_descriptor(self, wrap: WrapFunction, raw: Any) -> Any:
        """Wrap a method that is not a plain function."""
        return DescriptorWrapper(wrap, raw)

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        observer = _RecorderObserver(recorder, self._adapter(recorder.settings))
        self._methods = MethodWrappers(self.calls, self.fits, self.silent, observer, self._wrap_descriptor)
        undo.callback(self._methods.remove)
        for module, name in self.roots:
            self._methods.add(module, name)
        recorder.before_export.append(self._methods.walk)
        undo.callback(recorder.before_export.remove, self._methods.walk)


class _RecorderObserver:
    """Passes calls to the recorder, and invalidates all model facts after a fit."""

    def __init__(self, recorder: Recorder, adapter: Adapter) -> None:
        self.begin = partial(recorder.begin, adapter)
        self.end = recorder.end

    def end_fit(self) -> None:
        invalidate_facts()

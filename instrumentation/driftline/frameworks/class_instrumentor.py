"""Frameworks whose calls are methods of classes: all but what is special about one of them."""

from abc import abstractmethod
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar

from driftline.features.models import forget
from driftline.frameworks.instrumentor import FrameworkInstrumentor
from driftline.frameworks.method_wrappers import Methods
from driftline.recording.recorder import Adapter, Emitter


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

    def _attach(self, emitter: Emitter, undo: ExitStack) -> None:
        self._methods = Methods(self.calls, self.fits, self.quiet, _Calls(emitter, self._adapter(emitter.settings)))
        undo.callback(self._methods.remove)
        for module, name in self.roots:
            self._methods.add(module, name)
        emitter.before_export.append(self._methods.walk)
        undo.callback(emitter.before_export.remove, self._methods.walk)


class _Calls:
    """Tells the emitter of calls, and all that was found out to be forgotten when a model is fitted."""

    def __init__(self, emitter: Emitter, adapter: Adapter) -> None:
        self.begin = partial(emitter.begin, adapter)
        self.end = emitter.end

    def end_fit(self) -> None:
        forget()

"""Switches instrumentation on and off: what OpenTelemetry's loader calls, and what users call."""

import logging
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import entry_points
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from driftline.recording.recorder import Recorder
from driftline.recording.shared_recorder import SHARED_RECORDER
from driftline.runtime.self_faults import FAULTS

_logger = logging.getLogger("driftline")

_GROUP: Final = "opentelemetry_instrumentor"
_OURS: Final = "driftline.frameworks."


class FrameworkInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped base
    """One framework. Subclasses put their wrappers on; nothing that goes wrong here stops a program."""

    # No attribute `configuration`: the declarative configuration would drop a block with an unknown option, and the
    # loader would then switch everything on, what the block was to hide included.
    _undo: ExitStack | None = None
    """What takes all off that is on; None: nothing is on."""

    @abstractmethod
    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        """Begin to record into `recorder`.

        `undo` is told what takes a thing off before that is put on: it is called, the last one first, when this is
        switched off, and where this fails. Afterwards there are the same objects as before.
        """

    def _instrument(self, **kwargs: Any) -> None:
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return
        # The loader leaves this check to us; it imports nothing.
        conflict = self._check_dependency_conflicts()
        if conflict is not None:
            _logger.debug("%s: %s", type(self).__name__, conflict)
            return
        try:
            SHARED_RECORDER.check(kwargs)
        except (TypeError, ValueError) as error:
            # A mistyped option records nothing, rather than what it was to hide.
            _logger.error("%s records nothing: %s", type(self).__name__, error)  # noqa: TRY400  # no fault of ours
            return
        try:
            self._undo = self._put_on(kwargs)
        except Exception as error:  # noqa: BLE001  # an error would abort the loading of every instrumentor
            FAULTS.note("instrument", error)

    def _put_on(self, options: dict[str, Any]) -> ExitStack:
        """All or nothing; what takes it off."""
        undo = ExitStack()
        try:
            recorder = SHARED_RECORDER.acquire(options)
            undo.callback(SHARED_RECORDER.release)
            self._attach(recorder, undo)
        except BaseException:
            undo.close()
            raise
        return undo

    def _uninstrument(self, **kwargs: Any) -> None:
        del kwargs
        undo, self._undo = self._undo, None
        if undo is not None:
            undo.close()


def instrument(**options: Any) -> None:
    """Record the calls of models of every framework that is there. Calling it again changes nothing.

    Options are those of the process: under `opentelemetry-instrument` they are set already, by the environment.

    Args:
        options: `tracer_provider`, `meter_provider`: where spans and durations go, default the global ones.
            `metric_exporter`: where sketches go, default what the OTEL_ variables say. All else: fields of `Settings`.

    Raises:
        TypeError: an unknown option.
        ValueError: a wrong value, or another one than is in use; names the option, the rule and the value.

    """
    SHARED_RECORDER.check(options)
    for instrumentor in _instrumentors():
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(skip_dep_check=True, **options)


def uninstrument() -> None:
    """Record nothing any more: every patched object is what it was before. Sends what is still there."""
    for instrumentor in _instrumentors():
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def _instrumentors() -> Iterator[FrameworkInstrumentor]:
    """One a framework: its entry point is all that registers it."""
    for each in entry_points(group=_GROUP):
        if each.value.startswith(_OURS):
            yield each.load()()

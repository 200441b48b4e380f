"""Turns instrumentation on and off, for OpenTelemetry's auto-instrumentation and for users."""

import logging
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import entry_points
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from driftline.checking.failures import CannotCheck
from driftline.recording.recorder import Recorder
from driftline.recording.shared_recorder import SHARED_RECORDER
from driftline.runtime.self_faults import FAULTS

_logger = logging.getLogger("driftline")

_GROUP: Final = "opentelemetry_instrumentor"
_OURS: Final = "driftline.frameworks."


class FrameworkInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped base
    """Instrumentor of one framework; subclasses apply its patches. Failures here never stop a program."""

    # No attribute `configuration`: the declarative configuration would drop a block with an unknown option, and the
    # loader would then turn everything on, including what the block was meant to hide.
    _undo: ExitStack | None = None
    """Undoes everything that was applied; None if nothing is."""

    @abstractmethod
    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        """Start recording into `recorder`.

        Push the undo of each patch onto `undo` before applying it: they run in reverse order on uninstrument, and if
        this fails. Afterwards every object is the original again.
        """

    def _instrument(self, **kwargs: Any) -> None:
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return
        # The loader leaves this check to instrumentors; it imports nothing.
        conflict = self._check_dependency_conflicts()
        if conflict is not None:
            _logger.debug("%s: %s", type(self).__name__, conflict)
            return
        try:
            SHARED_RECORDER.check(kwargs)
        except CannotCheck as error:
            # A server that was to refuse bad rows must not serve them: this ends it, as no other exception would here.
            raise SystemExit(f"driftline: {error}") from None
        except (TypeError, ValueError) as error:
            # With an invalid option, record nothing rather than what it was meant to hide.
            _logger.error("%s not enabled: %s", type(self).__name__, error)  # noqa: TRY400  # a user error
            return
        try:
            self._undo = self._put_on(kwargs)
        except Exception as error:  # noqa: BLE001  # an error would abort the loading of every instrumentor
            FAULTS.note("instrument", error)

    def _put_on(self, options: dict[str, Any]) -> ExitStack:
        """Apply all patches or none; returns their undo."""
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
    """Record the model calls of every supported framework, now and once it is imported. Idempotent.

    Options apply to the whole process; under `opentelemetry-instrument` they are already set from the environment.

    Args:
        options: `tracer_provider` and `meter_provider` receive spans and durations (default: the global providers);
            `metric_exporter` receives sketches and `log_exporter` row batches (default: as configured by the OTEL_
            variables; no row batches beside a `metric_exporter`). All others are fields of
            `driftline.settings.Settings`, such as `model_name` or `capture`.

    Raises:
        TypeError: unknown option.
        ValueError: invalid value, or one that differs from the value in use; the message names the option, the rule
            and the value.

    Example:
        >>> import driftline
        >>> driftline.instrument(model_name="churn", capture="outputs")  # doctest: +SKIP

    """
    SHARED_RECORDER.check(options)
    for instrumentor in _instrumentors():
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(skip_dep_check=True, **options)


def uninstrument() -> None:
    """Stop recording: send what is pending and restore every patched object.

    Waits up to two seconds for a backend that does not respond. Does nothing if not instrumented.
    """
    for instrumentor in _instrumentors():
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def _instrumentors() -> Iterator[FrameworkInstrumentor]:
    """One per framework, found by its entry point."""
    for each in entry_points(group=_GROUP):
        if each.value.startswith(_OURS):
            yield each.load()()

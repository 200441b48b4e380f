"""The single recorder of a process, shared by all frameworks while any of them is instrumented."""

from functools import partial
from time import monotonic
from typing import Any, Final

from driftline.features.model_names import forget_names
from driftline.outcomes.event_exporter import EVENTS
from driftline.recording.recorder import Recorder
from driftline.runtime.call_scope import carry_scope
from driftline.runtime.hard_exits import finish_before_exit, finish_between_tasks
from driftline.runtime.import_hooks import Patches
from driftline.runtime.servers import flush_on_shutdown
from driftline.settings import Settings

_EXTERNAL: Final = ("tracer_provider", "meter_provider", "metric_exporter", "log_exporter")
_UNUSED: Final = ("logger_provider",)
"""Standard options of OpenTelemetry instrumentors that have no meaning here."""

_UNSHOWN: Final = "id_key"
"""The option whose value is never shown."""

_FLUSH_SECONDS: Final = 2.0
"""How long a stopping server may wait for its last rows to be sent."""


class SharedRecorder:
    """Counts the users of the recorder: the first creates it, the last closes it."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._users = 0
        self._patches = Patches()

    def check(self, options: dict[str, Any]) -> None:
        """Validate options.

        Raises:
            TypeError: unknown option.
            ValueError: invalid value, or one that differs from the value in use: a process has one recorder.

        """
        given = _settings(options)
        wanted = Settings.read(**given)
        if self._recorder is None:
            if wanted.check is not None:
                from driftline.checking.checks import require_profiles

                require_profiles(wanted)
            return
        for name in given:
            used, value = getattr(self._recorder.settings, name), getattr(wanted, name)
            if used != value:
                used, value = ("another", "one") if name == _UNSHOWN else (repr(used), repr(value))
                raise ValueError(f"{name}: already set to {used} for all frameworks in this process (got {value})")

    def acquire(self, options: dict[str, Any]) -> Recorder:
        """The recorder, created with these options if there is none."""
        if self._recorder is None:
            external = {name: options[name] for name in _EXTERNAL if name in options}
            forget_names()
            self._recorder = Recorder(Settings.read(**_settings(options)), **external)
            self._patches.add("joblib.parallel", "Parallel.__call__", carry_scope)
            self._patches.add("uvicorn.server", "Server.shutdown", partial(flush_on_shutdown, flush=_flush_server))
            self._patches.add("os", "_exit", partial(finish_before_exit, finish=self.finish))
            self._patches.add("multiprocessing.pool", "worker", partial(finish_between_tasks, finish=self.finish))
        self._users += 1
        return self._recorder

    def release(self) -> None:
        """Undo `acquire`."""
        self._users -= 1
        if self._users == 0 and self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            self._patches.remove()
            recorder.close()

    def flush(self, timeout: float) -> bool:
        return self._recorder is None or self._recorder.flush(timeout)

    def finish(self) -> None:
        """Before an exit that skips exit handlers."""
        if self._recorder is not None:
            self._recorder.finish()


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """The options to be read by `Settings`, unknown ones included."""
    return {name: value for name, value in options.items() if name not in (*_EXTERNAL, *_UNUSED)}


SHARED_RECORDER: Final = SharedRecorder()


def _flush_server() -> None:
    flush(_FLUSH_SECONDS)


def flush(timeout: float = 10.0) -> bool:
    """Send everything recorded so far: rows, outcomes, and the spans, metrics and logs of the SDK's providers.

    For scripts and tests; servers export periodically.

    Args:
        timeout: seconds to wait, whatever the backend does.

    Returns:
        True if everything was sent within `timeout`. Sketches that were not are part of the next export.

    Example:
        >>> import driftline
        >>> driftline.flush(timeout=1.0)  # nothing to send
        True

    """
    end = monotonic() + timeout
    sent = SHARED_RECORDER.flush(timeout)
    return EVENTS.flush(max(end - monotonic(), 0.0)) and sent

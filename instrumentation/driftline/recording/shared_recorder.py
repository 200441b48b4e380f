"""The one recorder of a process, shared by the instrumentors of all frameworks, while any of them is on."""

from functools import partial
from typing import Any, Final

from driftline.recording.recorder import Recorder
from driftline.runtime.call_scope import carry_scope
from driftline.runtime.import_hooks import Patches
from driftline.runtime.servers import flush_on_shutdown
from driftline.settings import Settings

_EXTERNAL: Final = ("tracer_provider", "meter_provider", "metric_exporter")
_UNUSED: Final = ("logger_provider",)
"""Options of every instrumentor of OpenTelemetry that mean nothing here."""

_FLUSH_SECONDS: Final = 5.0
"""What a server that stops may wait for its last rows."""


class SharedRecorder:
    """Counts who uses the recorder: the first one makes it, the last one closes it."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._users = 0
        self._patches = Patches()

    def check(self, options: dict[str, Any]) -> None:
        """Whether the options can be used.

        Raises:
            TypeError: an unknown one.
            ValueError: a wrong value, or another one than is in use: there is one recorder. Names the option, the rule
                and the value.

        """
        given = _settings(options)
        wanted = Settings.read(**given)
        if self._recorder is None:
            return
        for name in given:
            used, value = getattr(self._recorder.settings, name), getattr(wanted, name)
            if used != value:
                raise ValueError(f"{name}: is {used!r} in this process, for all frameworks (got {value!r})")

    def acquire(self, options: dict[str, Any]) -> Recorder:
        """The recorder, made as these options say if it is not there yet."""
        if self._recorder is None:
            external = {name: options[name] for name in _EXTERNAL if name in options}
            self._recorder = Recorder(Settings.read(**_settings(options)), **external)
            self._patches.add("joblib.parallel", "Parallel.__call__", carry_scope)
            self._patches.add("uvicorn.server", "Server.shutdown", partial(flush_on_shutdown, flush=_flush_server))
        self._users += 1
        return self._recorder

    def release(self) -> None:
        """The opposite of `acquire`."""
        self._users -= 1
        if self._users == 0 and self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            self._patches.remove()
            recorder.close()

    def flush(self, timeout: float) -> bool:
        return self._recorder is None or self._recorder.flush(timeout)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Those that are fields of `Settings`, or of nothing."""
    return {name: value for name, value in options.items() if name not in (*_EXTERNAL, *_UNUSED)}


SHARED_RECORDER: Final = SharedRecorder()


def _flush_server() -> None:
    SHARED_RECORDER.flush(_FLUSH_SECONDS)


def flush(timeout: float = 10.0) -> bool:
    """Count and send everything recorded so far, with the spans and metrics of the SDK's providers.

    For scripts and tests; servers send by themselves. Returns False if something did not arrive within `timeout`
    seconds (it is not lost: the next export contains it).
    """
    return SHARED_RECORDER.flush(timeout)

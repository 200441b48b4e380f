"""The one emitter of a process, shared by the instrumentors of all frameworks, while any of them is on."""

from functools import partial
from typing import Any, Final

from driftline.emitter import Emitter
from driftline.guard import carrying
from driftline.imports import Patches
from driftline.servers import flushing
from driftline.settings import Settings

_EXTERNAL: Final = ("tracer_provider", "meter_provider", "metric_exporter")
_FLUSH_SECONDS: Final = 5.0
"""What a server that stops may wait for its last rows."""


class Runtime:
    """Counts who uses the emitter: the first one makes it, the last one closes it."""

    def __init__(self) -> None:
        self._emitter: Emitter | None = None
        self._users = 0
        self._patches = Patches()

    def acquire(self, options: dict[str, Any]) -> Emitter:
        """The emitter, made as these options say if it is not there yet."""
        if self._emitter is None:
            external = {name: options[name] for name in _EXTERNAL if name in options}
            settings = {name: value for name, value in options.items() if name in Settings.names()}
            self._emitter = Emitter(Settings.read(**settings), **external)
            self._patches.add("joblib.parallel", "Parallel.__call__", carrying)
            self._patches.add("uvicorn.server", "Server.shutdown", partial(flushing, flush=_flush_server))
        self._users += 1
        return self._emitter

    def release(self) -> None:
        """The opposite of `acquire`."""
        self._users -= 1
        if self._users == 0 and self._emitter is not None:
            emitter, self._emitter = self._emitter, None
            self._patches.remove()
            emitter.close()

    def flush(self, timeout: float) -> bool:
        return self._emitter is None or self._emitter.flush(timeout)


RUNTIME: Final = Runtime()


def _flush_server() -> None:
    RUNTIME.flush(_FLUSH_SECONDS)


def flush(timeout: float = 10.0) -> bool:
    """Count and send everything recorded so far, with the spans and metrics of the SDK's providers.

    For scripts and tests; servers send by themselves. Returns False if something did not arrive within `timeout`
    seconds (it is not lost: the next export contains it).
    """
    return RUNTIME.flush(timeout)

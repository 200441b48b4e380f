"""The SDK's providers of spans, metrics and logs: flushed within a deadline, which they do not keep themselves."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import TIMEOUT_MAX
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

from driftline.runtime.self_faults import FAULTS
from driftline.runtime.threads import Lock


class SdkProviders:
    """The providers that were given, else the global ones."""

    def __init__(
        self, tracer_provider: trace.TracerProvider | None, meter_provider: metrics.MeterProvider | None
    ) -> None:
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self.after_fork()

    def after_fork(self) -> None:
        """Forget flushes in progress: their threads are the parent's."""
        self._flushing = Lock(), Lock(), Lock()

    def flushes(self, timeout: float, first: Callable[[], object] = lambda: None) -> Iterator[Callable[[], bool]]:
        """A call for each provider, that calls `first` and flushes it. It may take longer than `timeout` seconds."""
        providers = (
            self._tracer_provider or trace.get_tracer_provider(),
            self._meter_provider or metrics.get_meter_provider(),
            get_logger_provider(),
        )
        for provider, flushing in zip(providers, self._flushing, strict=True):
            if hasattr(provider, "force_flush"):
                yield partial(_flush, provider, first, flushing, timeout)


def _flush(provider: Any, first: Callable[[], object], flushing: Any, timeout: float) -> bool:
    """Flush a provider, unless an earlier flush has hung all the time: threads must not pile up."""
    if not flushing.acquire(timeout=min(max(timeout, 0), TIMEOUT_MAX)):
        return False
    try:
        first()
        return provider.force_flush(max(1, int(timeout * 1000))) is not False
    except Exception as error:  # noqa: BLE001  # processors and exporters are third-party code
        FAULTS.note("flush", error)
        return False
    finally:
        flushing.release()

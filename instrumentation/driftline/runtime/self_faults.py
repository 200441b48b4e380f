"""Driftline's own faults: caught where they occur, counted by kind, logged once per kind, never raised to callers."""

import logging
from collections import Counter
from typing import Final

from driftline.runtime.threads import Lock

_logger = logging.getLogger("driftline")


class SelfFaults:
    """Counts faults by processing stage and exception class."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, stage: str, error: BaseException) -> None:
        """Count a fault and log the first of its kind with its traceback. Never raises."""
        kind = stage, type(error).__qualname__
        with self._lock:
            self._counts[kind] += 1
            first = self._counts[kind] == 1
        if first:
            _logger.warning(
                "Internal Driftline fault (%s); the model is not affected. Further ones are only counted.",
                stage,
                exc_info=error,
            )

    def counts(self) -> dict[tuple[str, str], int]:
        """Faults so far, by (stage, exception class)."""
        with self._lock:
            return dict(self._counts)

    def reset(self) -> None:
        """Start over with a new lock: a forked child may have inherited a held one."""
        self._lock = Lock()
        self._counts = Counter()


FAULTS: Final = SelfFaults()

"""Faults of our own: caught where they arise, counted by kind, logged once a kind. They never reach a caller."""

import logging
from collections import Counter
from typing import Final

from driftline.runtime.threads import Lock

_logger = logging.getLogger("driftline")


class Faults:
    """Counts faults by the stage of our work and the class of the exception."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, stage: str, error: BaseException) -> None:
        """Count a fault; log the first of its kind with its traceback. Never raises."""
        kind = stage, type(error).__qualname__
        with self._lock:
            self._counts[kind] += 1
            first = self._counts[kind] == 1
        if first:
            _logger.warning(
                "A fault inside Driftline (%s); the model is not affected. Further ones of this kind are only counted.",
                stage,
                exc_info=error,
            )

    def counts(self) -> dict[tuple[str, str], int]:
        """Faults so far by (stage, class of the exception)."""
        with self._lock:
            return dict(self._counts)

    def reset(self) -> None:
        """Begin anew, with a lock of our own: a forked child may have inherited a held one."""
        self._lock = Lock()
        self._counts = Counter()


FAULTS: Final = Faults()

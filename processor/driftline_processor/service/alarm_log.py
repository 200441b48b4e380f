"""The operator's log: changes of incidents and alarms, rate-limited warnings about input, never a value of a row."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

from driftline_processor.engine.alarm_summary import model_in_words
from driftline_processor.records import AlarmChange, ModelKey, WindowResult

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS: Final = 60.0
_MAX_KINDS: Final = 1000
_NUMBER: Final = re.compile(r"\d+")


class AlarmLog:
    """Logs changes of incidents and alarms, and the reference of a model whenever it changes."""

    def __init__(self) -> None:
        self._references: dict[ModelKey, str] = {}

    def log(self, results: Iterable[WindowResult]) -> None:
        """Logs what is new in these results."""
        for result in results:
            self._log_reference(result)
            for incident in result.incidents:
                level = logging.WARNING if incident.change is AlarmChange.OPENED else logging.INFO
                logger.log(level, "Incident %s: %s", incident.change.value, incident.summary)
            for alarm in result.alarms:
                logger.info("Alarm %s: %s", alarm.change.value, alarm.summary)

    def _log_reference(self, result: WindowResult) -> None:
        if result.reference is None or result.provisional or self._references.get(result.model) == result.reference:
            return
        self._references[result.model] = result.reference
        logger.info("%s: compared with reference %s", model_in_words(result.model), result.reference)


class WarningLimiter:
    """Logs at most one warning of a kind per minute. Texts that differ only in their numbers are of one kind."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, float] = {}  # kind -> when it was last logged, oldest first

    def warn(self, texts: Sequence[str]) -> None:
        """Logs the texts whose kind has not been logged within the last minute."""
        for text in texts:
            kind, now = _NUMBER.sub("#", text), self._clock()
            if now - self._logged.get(kind, -_INTERVAL_SECONDS) < _INTERVAL_SECONDS:
                continue
            self._logged.pop(kind, None)
            self._logged[kind] = now
            if len(self._logged) > _MAX_KINDS:
                del self._logged[next(iter(self._logged))]
            logger.warning("%s", text)

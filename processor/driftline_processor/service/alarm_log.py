"""What is logged of the results and of the input: one line when something changes, and never a value of a row."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

from driftline_processor.engine.alarm_summary import model_in_words
from driftline_processor.records import AlarmChange, ModelKey, WindowResult

logger = logging.getLogger(__name__)

_QUIET_SECONDS: Final = 60.0
_MAX_KINDS: Final = 1000
_NUMBER: Final = re.compile(r"\d+")


_LEVELS: Final = {
    AlarmChange.OPENED: logging.WARNING,
    AlarmChange.UPDATED: logging.INFO,
    AlarmChange.CLOSED: logging.INFO,
}


class Announcer:
    """Tells what changes about alarms, and when a model gets another training profile."""

    def __init__(self) -> None:
        self._references: dict[ModelKey, str] = {}

    def announce(self, results: Iterable[WindowResult]) -> None:
        for result in results:
            self._reference(result)
            for event in result.alarms:
                logger.log(_LEVELS[event.change], "Alarm %s: %s", event.change.value, event.summary)

    def _reference(self, result: WindowResult) -> None:
        if result.reference is None or result.provisional or self._references.get(result.model) == result.reference:
            return
        self._references[result.model] = result.reference
        logger.info("%s: is compared with reference %s", model_in_words(result.model), result.reference)


class Quietly:
    """Warnings about the input: of one kind at most one a minute, however often it comes. Numbers make no new kind."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def warn(self, texts: Sequence[str]) -> None:
        for text in texts:
            kind, now = _NUMBER.sub("#", text), self._clock()
            if now - self._said.get(kind, -_QUIET_SECONDS) < _QUIET_SECONDS:
                continue
            if len(self._said) >= _MAX_KINDS:
                self._said.clear()
            self._said[kind] = now
            logger.warning("%s", text)

"""What is logged of the results and of the input: one line when something changes, and never a value of a row."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, State, WindowResult

logger = logging.getLogger(__name__)

_QUIET_SECONDS: Final = 60.0
_MAX_KINDS: Final = 1000
_NUMBER: Final = re.compile(r"\d+")


class Announcer:
    """Tells when an alarm goes on and off, and when a model gets another training profile."""

    def __init__(self) -> None:
        self._alarms: dict[ModelKey, dict[ColumnKey, ColumnResult]] = {}
        self._references: dict[ModelKey, str] = {}

    def announce(self, results: Iterable[WindowResult]) -> None:
        for result in results:
            self._reference(result)
            self._columns(result)

    def _reference(self, result: WindowResult) -> None:
        if result.reference is None or result.provisional or self._references.get(result.model) == result.reference:
            return
        self._references[result.model] = result.reference
        logger.info("%s: is compared with reference %s", _named(result.model), result.reference)

    def _columns(self, result: WindowResult) -> None:
        alarmed = {
            column.column: column
            for column in result.columns
            if column.verdict is not None and column.verdict.state is State.ALARM
        }
        before = self._alarms.get(result.model, {})
        self._alarms[result.model] = alarmed
        for key, column in alarmed.items():
            if key not in before and column.verdict is not None:
                v = column.verdict
                numbers = f"distance {v.distance:.3f}, lower bound {v.lower_bound:.3f}, tolerance {v.tolerance:.3f}"
                logger.warning("%s: alarm on %s: %s (%s)", _named(result.model), " ".join(key), v.event, numbers)
        for key in before.keys() - alarmed.keys():
            logger.info("%s: alarm off %s", _named(result.model), " ".join(key))


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


def _named(model: ModelKey) -> str:
    where = dict(model.resource).get("service.name")
    return f"model {model.name}{' ' + model.version if model.version else ''}{f' ({where})' if where else ''}"

"""A model at rest, without rows: its open alarms are repeated, so that silence does not look healthy, and end in time.

Repetitions are states, not verdicts: nothing is judged, and no alarm opens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from driftline.sketch.time_units import DAY
from driftline_processor.config.durations import about
from driftline_processor.engine.alarms import Alarm, close_all
from driftline_processor.engine.incidents import Incident, follow_incident
from driftline_processor.engine.provisional_reference import is_provisional
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult

REPEAT_FOR: Final = 7 * DAY
"""Rest after which alarms end: nobody serves the model any more."""

REPLACED_AFTER: Final = DAY
"""Rest after which they end where another version of the model has rows: it was replaced."""


@dataclass(frozen=True, slots=True)
class Rest:
    """When the alarms of a model were first repeated since its last rows, 0 where it has some, and when last."""

    begun: int = 0
    last: int = 0

    def until(self, at: int) -> "Rest":
        """Alarms are repeated at this time."""
        return Rest(self.begun or at, at)

    def over(self) -> "Rest":
        """Rows have come."""
        return replace(self, begun=0)


def repetition(model: ModelKey, window: Window, alarms: Mapping[ColumnKey, Alarm], at: int) -> WindowResult:
    """The open alarms as they stand, with what was last said of them. window: the last one judged; at: now."""
    columns = tuple(
        ColumnResult(key, 0.0, 0.0, 0.0, {}, {}, {}, alarm.reported, alarm.id) for key, alarm in sorted(alarms.items())
    )
    reference = next(iter(alarms.values())).reference
    return WindowResult(model, window, 0.0, reference, is_provisional(reference), columns, repeated_at=at)


def ending(
    repeated: WindowResult, alarms: Mapping[ColumnKey, Alarm], incident: Incident | None, rest: int
) -> WindowResult:
    """The end of all alarms after so long a rest; dated by event time alone, so that it is the same when said again."""
    start, end = repeated.window
    columns = tuple(replace(column, alarm=None) for column in repeated.columns)
    dated = replace(repeated, window=Window(start + rest, end + rest), columns=columns)
    closed = close_all(alarms, dated, f"has had no rows for {about(rest)}")
    _, ended = follow_incident(incident, closed)
    return replace(ended, window=repeated.window)


def longest_rest(model: ModelKey, serving: Iterable[ModelKey]) -> int:
    """After which the alarms of a model end. serving: the models that have rows."""
    replaced = any((key.name, key.resource) == (model.name, model.resource) for key in serving)
    return REPLACED_AFTER if replaced else REPEAT_FOR

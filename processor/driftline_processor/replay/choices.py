"""How to choose the tolerance and the budget: the alarms of other choices, and what could have been seen at all."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median
from typing import Final, NamedTuple

from driftline.semconv import TARGET_CONCEPT, TARGET_PERFORMANCE, TARGET_SEGMENT
from driftline_processor.engine.engine import JudgedWindow
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.trial import Trial
from driftline_processor.records import AlarmChange, ColumnKey

TOLERANCES: Final = (0.02, 0.05, 0.1, 0.2)

BUDGETS: Final = (0.1, 1.0, 10.0)
"""Times the budget that was chosen."""


_OWN_TOLERANCE: Final = {TARGET_SEGMENT, TARGET_CONCEPT, TARGET_PERFORMANCE}
"""What other tolerances and budgets leave as it is."""


class Choice(NamedTuple):
    """A tolerance and a budget, and the alarms of columns that they would have raised. chosen: they have."""

    tolerance: float
    false_alarms: float
    alarms: int
    chosen: bool


class Choices:
    """Judges every window of a replay at other settings as well."""

    def __init__(self, settings: EngineSettings) -> None:
        """settings: those that were chosen."""
        self._settings, self._opened = settings, 0
        self._trials = [Trial(each) for each in others(settings)]
        self._detectable: dict[ColumnKey, list[float]] = {}

    def add(self, window: JudgedWindow) -> None:
        """Judge a window that the engine has judged."""
        result = window.result
        opened = (event.column.target for event in result.alarms if event.change is AlarmChange.OPENED)
        self._opened += sum(target not in _OWN_TOLERANCE for target in opened)
        for column in result.columns:
            if column.detectable is not None:
                self._detectable.setdefault(column.column, []).append(column.detectable)
        if window.comparison.reference.columns:
            placed = window.comparison.place(window.columns)
            for trial in self._trials:
                trial.judge(window, placed)

    def table(self) -> Iterator[Choice]:
        """By tolerance at the chosen budget, then by budget at the chosen tolerance."""
        chosen = Choice(self._settings.tolerance, self._settings.false_alarms, self._opened, chosen=True)
        rows = [chosen, *(Choice(t.settings.tolerance, t.settings.false_alarms, t.opened, False) for t in self._trials)]
        at_budget = [row for row in rows if row.false_alarms == chosen.false_alarms]
        yield from sorted(at_budget, key=lambda row: row.tolerance)
        yield from sorted((row for row in rows if row not in at_budget), key=lambda row: row.false_alarms)

    def smallest_moves(self) -> Mapping[ColumnKey, float]:
        """Of each column's values, a share of rows: the median over windows of what every other one would show."""
        return {column: min(median(moves), 1.0) for column, moves in self._detectable.items()}


def others(settings: EngineSettings) -> list[EngineSettings]:
    """All settings of the table but those that were chosen."""
    at_budget = [replace(settings, tolerance=tolerance) for tolerance in TOLERANCES]
    at_tolerance = [replace(settings, false_alarms=settings.false_alarms * times) for times in BUDGETS]
    return [each for each in (*at_budget, *at_tolerance) if each != settings]

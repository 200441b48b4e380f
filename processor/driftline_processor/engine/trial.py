"""Trials: what alarms the windows of a model would have raised at another tolerance, or with another budget.

Each has open alarms and a memory of its own, and judges what the engine has judged: it ends with the alarms that an
engine with its settings ends with.
"""

from dataclasses import replace
from typing import Final

from driftline_processor.engine.alarms import follow
from driftline_processor.engine.engine import JudgedWindow
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.model_state import ModelState
from driftline_processor.monitors.clocks.monitor import is_clock
from driftline_processor.monitors.drift.comparison import Comparison, PlacedWindow
from driftline_processor.monitors.duplicates import monitor as duplicates
from driftline_processor.records import AlarmChange


class Trial:
    """One model at settings that differ from the engine's in the tolerance or in the budget.

    opened: alarms so far.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.settings: Final = settings
        self.opened = 0
        self._model: ModelState | None = None
        self._comparisons: dict[Comparison, Comparison] = {}

    def judge(self, window: JudgedWindow, placed: PlacedWindow) -> None:
        """Judge a window; placed: what it held."""
        settings, result = self.settings, window.result
        if self._model is None:
            self._model = ModelState.new(result.model, settings.size, settings.step, settings.lateness)
        model, comparison = self._model, self._comparison(window.comparison)
        stream = model.stream(result.window, window.hours)
        judged = comparison.changes(placed, settings.budget, window.duration, stream)
        columns = tuple(
            replace(each, verdict=judged.get(each.column, each.verdict), alarm=None)
            for each in result.columns
            if each.column in judged or is_clock(each.verdict)
        )
        alarm = stream.alarms.get(duplicates.DUPLICATES)
        held = duplicates.Held(window.hashed, window.columns)
        found = duplicates.find(held, comparison.reference, result.window, settings.of_duplicates, alarm)
        alone = replace(result, columns=duplicates.explained(columns, {}, found), alarms=(), incidents=())
        model.alarms, alone = follow(model.alarms, alone, settings.tolerance)
        model.note(alone.alarms)
        self.opened += sum(event.change is AlarmChange.OPENED for event in alone.alarms)

    def _comparison(self, engines: Comparison) -> Comparison:
        if engines not in self._comparisons:
            self._comparisons[engines] = engines.at(self.settings.tolerance)
        return self._comparisons[engines]

"""What the engine is told: windows, tolerances and the budget of false alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from driftline.reference.column_blocks import Blocks
from driftline_processor.config import Config
from driftline_processor.config.rules import MAX_PANES
from driftline_processor.limits import LIMITS
from driftline_processor.monitors.clocks import monitor as clocks
from driftline_processor.monitors.concept.monitor import Limits as OutcomeLimits
from driftline_processor.monitors.drift.detection.budget_allocation import MOST_ALPHA
from driftline_processor.monitors.drift.history.trailing_windows import LONGER
from driftline_processor.monitors.duplicates import monitor as duplicates
from driftline_processor.monitors.outputs import monitor as outputs
from driftline_processor.monitors.segments.monitor import MOST_TOLD
from driftline_processor.monitors.segments.series import MOST as MOST_SERIES

CLOCKS_SHARE: Final = 0.1
"""Of the false alarms of a model's columns: as many more for all of its clocks."""

OUTCOMES_SHARE: Final = 0.2
"""Of the false alarms of a model's columns: as many more for outcomes given predictions, and performance."""

DUPLICATES_SHARE: Final = 0.1
"""Of the false alarms of a model's columns: as many more for rows that repeat."""

OUTPUTS_SHARE: Final = 0.1
"""As many more for outputs that collapse."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How segments are told. min_rows: no smaller one is, for privacy. most: that stand out of a model at once.

    series: segments of a model with metrics of their own. declared: by name or pattern of models.
    """

    min_rows: float = 0.0
    most: int = MOST_TOLD
    series: int = MOST_SERIES
    declared: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of_model(self, name: str) -> tuple[str, ...]:
        """The segments that are declared of a model: by every pattern that matches."""
        matching = (texts for pattern, texts in self.declared.items() if fnmatchcase(name, pattern))
        return tuple(dict.fromkeys(text for texts in matching for text in texts))


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Times in nanoseconds. size is a multiple of step; false_alarms: the budget of each model in `per`.

    tolerances: of columns, by name or pattern; `tolerance` is that of all others. retention: how far rows may lag and
    still be counted; 0: until their window is judged. models, columns: that there may be of all services together.
    blocks: columns that are judged together, by name or pattern. segments: how they are told.
    """

    size: int
    step: int
    lateness: int
    tolerance: float
    false_alarms: float
    per: int
    tolerances: Mapping[str, float] = field(default_factory=dict)
    retention: int = 0
    models: int = LIMITS.models
    columns: int = LIMITS.columns
    blocks: Blocks = field(default_factory=dict)
    segments: SegmentSettings = field(default_factory=SegmentSettings)

    @classmethod
    def of(cls, config: Config) -> "EngineSettings":
        window, verdict = config.window, config.verdict
        budget = (verdict.tolerance, verdict.false_alarms, verdict.per)
        retention = min(window.retention, MAX_PANES * window.step)
        places = config.limits.models, config.limits.columns
        length = window.size, window.step, window.lateness
        told = config.segments
        segments = SegmentSettings(float(told.min_rows), told.most, told.series, told.declared)
        return cls(*length, *budget, verdict.tolerances, retention, *places, verdict.blocks, segments)

    @property
    def of_duplicates(self) -> duplicates.Limits:
        """What rows that repeat are judged by."""
        return duplicates.Limits(self.tolerance, min(DUPLICATES_SHARE * self.budget, MOST_ALPHA))

    def of_clocks(self, number: int) -> clocks.Limits:
        """What each of so many clocks is judged by."""
        return clocks.Limits(self.tolerance, min(CLOCKS_SHARE * self.budget / max(number, 1), MOST_ALPHA))

    def of_outcomes(self, *, weighted: bool) -> OutcomeLimits:
        """What outcomes are judged by. weighted: whether the chance that a row gets a label is known."""
        return OutcomeLimits(min(OUTCOMES_SHARE * self.budget, MOST_ALPHA), weighted)

    @property
    def of_outputs(self) -> outputs.Limits:
        """What outputs are judged by, against the stream's own recent past."""
        return outputs.Limits(min(OUTPUTS_SHARE * self.budget, MOST_ALPHA))

    @property
    def budget(self) -> float:
        """The share of the false alarm budget that one evaluation of a model may spend.

        Every step of the window is an evaluation, and so is every longer span. Whole days, judged if the reference has
        no timestamps, are another.
        """
        return self.false_alarms * (self.size / self.per) / (self.size / self.step + len(LONGER) + 1)

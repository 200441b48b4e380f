"""What a model's windows are compared with: its training profile, or its own first window for want of one."""

from driftline.reference.tolerances import unmatched
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.ingest_report import describe_model
from driftline_processor.engine.match_tracker import MatchTracker
from driftline_processor.engine.model_state import ModelState
from driftline_processor.engine.provisional_reference import provisional_reference
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import is_timed
from driftline_processor.records import ModelKey, Reference, Window
from driftline_processor.reference.column_blocks import with_blocks
from driftline_processor.reference.selection import without_pairs
from driftline_processor.reference.tolerances import named_columns


class Comparisons:
    """Prepared references: each once with pairs and without, with the time of day and without; and first windows."""

    def __init__(self, settings: EngineSettings, matches: MatchTracker) -> None:
        self._settings, self._matches = settings, matches
        self._against: dict[str, dict[tuple[bool, bool], Comparison]] = {}
        self._against_first: dict[ModelKey, Comparison] = {}
        self._reported_patterns: set[tuple[str, str]] = set()

    def drop(self, identity: str) -> None:
        """Forgets a reference."""
        self._against.pop(identity, None)

    def evict(self, model: ModelKey) -> None:
        """Forgets a model."""
        self._against_first.pop(model, None)

    def of(self, model: ModelState, window: Window) -> Comparison | None:
        """The comparison with the training profile, else with the provisional reference; None without either."""
        reference = self._matches.choose(model.key)
        if reference is not None:
            return self._comparison_with(reference, pairs=model.counts_pairs, timed=is_timed(window))
        if not model.provisional.full:
            self._against_first.pop(model.key, None)  # late rows led back to before there was one
        if model.key not in self._against_first:
            restored = model.provisional.full
            if not model.collect_provisional(window):
                return None
            self._use_provisional(model)
            if not restored:
                return None  # a window that has just become the reference is not compared with itself
        return self._against_first[model.key]

    def _use_provisional(self, model: ModelState) -> None:
        data = model.provisional
        reference = provisional_reference(model.key, data.panes, data.step)
        self._against_first[model.key] = self._prepared(reference)
        self._matches.say(
            f"{describe_model(model.key)}: no reference, falling back to its first full window ({data.rows:.0f} rows): "
            "from the next one on, sudden moves of most rows alarm; all else needs a training profile (driftline "
            "profile)"
        )

    def _comparison_with(self, reference: Reference, *, pairs: bool, timed: bool) -> Comparison:
        comparisons = self._against.setdefault(reference.id, {})
        if (pairs, timed) not in comparisons:
            judged = reference if pairs else without_pairs(reference)
            comparisons[pairs, timed] = self._prepared(judged, timed=timed)
        return comparisons[pairs, timed]

    def _prepared(self, reference: Reference, *, timed: bool = False) -> Comparison:
        settings = self._settings
        self._report_unmatched(reference)
        named = with_blocks(reference, settings.blocks)
        return Comparison.of(named, settings.tolerance, timed=timed, tolerances=settings.tolerances)

    def _report_unmatched(self, reference: Reference) -> None:
        """Once for each pattern, when a reference is in use and no other has such a column either."""
        every = (reference, *self._matches.references)
        names = [name for each in every for name in named_columns(each)]
        of_blocks = [pattern for patterns in self._settings.blocks.values() for pattern in patterns]
        for key, patterns in (("tolerances", self._settings.tolerances), ("blocks", of_blocks)):
            for pattern in unmatched(patterns, names):
                if (key, pattern) not in self._reported_patterns:
                    self._reported_patterns.add((key, pattern))
                    self._matches.say(f"verdict.{key}: {pattern!r} matches no column of a reference")

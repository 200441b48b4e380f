"""The heart: records in, judged windows out. It knows no clock, thread, socket or file.

What it answers depends on the records, when they were received, and the order of both: a restart that replays them goes
on where it was. Event time decides the window; `now` only tells when nothing more is to be awaited.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from driftline.sketch.arrays import IntArray
from driftline.sketch.time_units import DAY
from driftline_processor.config import Config
from driftline_processor.engine.alarms import follow
from driftline_processor.engine.ingest_report import Observed, Outcome, named
from driftline_processor.engine.model_state import Model
from driftline_processor.engine.provisional_reference import provisional_reference
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.engine.stream_deltas import Point
from driftline_processor.monitors.drift.comparison import Comparison, describe_window
from driftline_processor.monitors.drift.history.trailing_windows import LONGER, Trailing, is_timed
from driftline_processor.records import (
    AlarmChange,
    ExampleRows,
    ModelKey,
    Record,
    Reference,
    ReferencePart,
    Window,
    WindowResult,
)
from driftline_processor.reference.selection import choose_reference, other_versions, without_pairs

__all__ = ["Engine", "EngineSettings", "Observed"]

logger = logging.getLogger(__name__)

MAX_MODELS: Final = 10_000
"""Models, by name, version and where they are served. More are made of names that change with every process."""


RESTS_AFTER: Final = DAY
"""A model that is silent for so long lets go of its panes and streams: its processes are gone."""

FORGOTTEN_AFTER: Final = 7 * DAY
"""A model that is silent for so long makes room, when there are too many."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Times in nanoseconds. size is a multiple of step; false_alarms are allowed in `per`, for each model."""

    size: int
    step: int
    lateness: int
    tolerance: float
    false_alarms: float
    per: int

    @classmethod
    def of(cls, config: Config) -> "EngineSettings":
        window, verdict = config.window, config.verdict
        return cls(window.size, window.step, window.lateness, verdict.tolerance, verdict.false_alarms, verdict.per)

    @property
    def budget(self) -> float:
        """False alarms allowed in one evaluation of a model: each slide of the window, and each longer span, is one.

        Whole days, which are judged where the reference has no clock, are another.
        """
        return self.false_alarms * (self.size / self.per) / (self.size / self.step + len(LONGER) + 1)


class Engine:
    """All models. For one thread."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._models: dict[ModelKey, Model] = {}
        self._forgotten: set[ModelKey] = set()
        self._references: dict[str, Reference] = {}
        self._comparisons: dict[str, dict[tuple[bool, bool], Comparison]] = {}
        self._provisional: dict[ModelKey, Comparison] = {}
        self._notices: list[str] = []
        self._told: dict[ModelKey, list[str]] = {}
        self._turn = 0

    def observe(self, records: Sequence[Record], received: int) -> Observed:
        """Counts each record once, in the pane of its event time. `received`: when its request came."""
        outcome = Outcome(self._settings.lateness)
        self._make_room(received)
        for record in records:
            if isinstance(record, ReferencePart):
                continue  # what it is part of comes through put_reference
            items = len(record.keys) if isinstance(record, ExampleRows) else 1
            model = self._model(record.model)
            if model is None:
                outcome.reject(f"more than {MAX_MODELS} models (got {record.model.name!r})", items)
                continue
            if isinstance(record, ExampleRows):
                taken = model.take_spans(record, self._event_times(record, received, outcome), received)
            else:
                taken = [model.take(record, self._event_time(record, received, outcome), received)]
            for each in taken:
                outcome.add(record.model, each, model.panes.newest)
        return outcome.observed()

    def put_reference(self, reference: Reference) -> None:
        """From now on windows are compared with it, if their model is the one it names."""
        self.drop_reference(reference.id)
        self._references[reference.id] = reference

    def drop_reference(self, identity: str) -> None:
        """Windows are no longer compared with it."""
        self._references.pop(identity, None)
        self._comparisons.pop(identity, None)

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        """The windows that have become complete, by event time or because nothing came for lateness and a step.

        most: how many are judged at once; the others have their turn with the next call.
        """
        results = (self._judged(model, window) for model, window in islice(self._complete(now), most))
        return [result for result in results if result is not None]

    def notices(self) -> list[str]:
        """What an operator should know about references, told once."""
        told, self._notices = self._notices, []
        return told

    def snapshot(self) -> dict[ModelKey, bytes | None]:
        """The state of the models that have changed since the last call; None for one that is no longer kept."""
        changed = [model for model in self._models.values() if model.changed]
        states: dict[ModelKey, bytes | None] = dict.fromkeys(self._forgotten)
        states |= {model.key: dump(model) for model in changed}
        for model in changed:
            model.changed = False
        self._forgotten.clear()
        return states

    def restore(self, states: Iterable[bytes], now: int) -> None:
        """Goes on from snapshots. What came before is not idle yet: its senders may have to find back first.

        Raises:
            UnknownForm: a snapshot is of another version.

        """
        for body in states:
            model = load(body, self._settings.size, self._settings.step, self._settings.lateness)
            model.received = now
            self._models[model.key] = model

    def rows(self) -> Mapping[ModelKey, float]:
        """Rows counted of each model since the store began."""
        return {key: model.rows for key, model in self._models.items()}

    def _complete(self, now: int) -> Iterator[tuple[Model, Window]]:
        """The windows to judge, by model. The next call begins with the model after that of the last window given."""
        wait = self._settings.lateness + self._settings.step
        models = list(self._models.values())
        begin = self._turn % max(len(models), 1)
        for self._turn, model in enumerate(models[begin:] + models[:begin], begin + 1):
            silence = now - model.received
            for window in model.windows(idle=silence > wait):
                yield model, window
            if silence > RESTS_AFTER:
                model.rest()

    def _model(self, key: ModelKey) -> Model | None:
        model = self._models.get(key)
        if model is None and len(self._models) < MAX_MODELS:
            settings = self._settings
            model = self._models[key] = Model.new(key, settings.size, settings.step, settings.lateness)
            self._forgotten.discard(key)
        return model

    def _make_room(self, received: int) -> None:
        """Forgets the models that have long been silent, when there are too many."""
        if len(self._models) < MAX_MODELS:
            return
        for key in [key for key, model in self._models.items() if received - model.panes.newest > FORGOTTEN_AFTER]:
            del self._models[key]
            self._provisional.pop(key, None)
            self._told.pop(key, None)
            self._forgotten.add(key)

    def _event_time(self, record: Point, received: int, outcome: Outcome) -> int:
        """The record's own time; when it was received, for a clock that is ahead of ours."""
        if record.time <= received + self._settings.lateness:
            return record.time
        outcome.ahead(record.model, record.time - received)
        return received

    def _event_times(self, spans: ExampleRows, received: int, outcome: Outcome) -> IntArray:
        ahead = spans.times > received + self._settings.lateness
        if not ahead.any():
            return spans.times
        outcome.ahead(spans.model, int(spans.times.max()) - received, int(ahead.sum()))
        return np.where(ahead, received, spans.times)

    def _judged(self, model: Model, window: Window) -> WindowResult | None:
        """A fault of ours in one window must cost no other window, and no other model."""
        try:
            return self._detector(model, window)
        except Exception:
            logger.exception("%s: the window that ends at %d could not be judged", named(model.key), window.end)
            return None

    def _detector(self, model: Model, window: Window) -> WindowResult:
        rows, columns = model.held(window)
        comparison = self._comparison(model, window)
        result = WindowResult(
            model=model.key,
            window=window,
            rows=rows,
            reference=comparison.reference.id if comparison else None,
            provisional=comparison.reference.provisional if comparison else False,
            columns=comparison.window(
                columns, self._settings.budget, model.panes.lasting(window), Trailing(model.trail, window)
            )
            if comparison
            else describe_window(columns),
        )
        model.alarms, result = follow(model.alarms, result, self._settings.tolerance, model.panes.traces(window))
        for alarm in result.alarms:
            if alarm.change is not AlarmChange.UPDATED:
                model.trail.restart(alarm.column, window.end)
        return result

    def _comparison(self, model: Model, window: Window) -> Comparison | None:
        """The training profile of the model; else what its first full window held; nothing until there is one."""
        reference = choose_reference(self._references.values(), model.key)
        if reference is not None:
            return self._prepared(reference, pairs=model.counts_pairs, timed=is_timed(window))
        self._tell_of_other_versions(model.key)
        if model.key not in self._provisional:
            restored = model.gathering.full
            if not model.gather(window):
                return None
            self._stand_in(model)
            if not restored:
                return None  # the window that has just become the reference is not compared with itself
        return self._provisional[model.key]

    def _stand_in(self, model: Model) -> None:
        gathered = model.gathering
        reference = provisional_reference(model.key, gathered.panes, gathered.step)
        self._provisional[model.key] = Comparison.of(reference, self._settings.tolerance)
        rows = f"{gathered.rows:.0f} rows"
        self._notices.append(f"{named(model.key)}: no reference for it; its first full window ({rows}) stands in")

    def _tell_of_other_versions(self, key: ModelKey) -> None:
        others = other_versions(self._references.values(), key)
        if others and self._told.get(key) != others:
            self._told[key] = others
            versions = ", ".join(map(repr, others))
            self._notices.append(f"{named(key)}: no reference for it, only for version {versions}, which is not used")

    def _prepared(self, reference: Reference, *, pairs: bool, timed: bool) -> Comparison:
        prepared = self._comparisons.setdefault(reference.id, {})
        if (pairs, timed) not in prepared:
            judged = reference if pairs else without_pairs(reference)
            prepared[pairs, timed] = Comparison.of(judged, self._settings.tolerance, timed=timed)
        return prepared[pairs, timed]

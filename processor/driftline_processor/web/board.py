"""The board: what was last published of each model, as immutable views. Written by one thread, read by any."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from driftline.sketch.time_units import HOUR
from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    IncidentEvent,
    ModelKey,
    WindowResult,
)
from driftline_processor.web.history import History, Step
from driftline_processor.web.step_form import UnknownStepError, pack_step, unpack_step

MOST_INCIDENTS: Final = 50
"""Of a model, the newest ones."""

MOST_MODELS: Final = 10_000

ROLL_UP_EVERY: Final = HOUR


@dataclass(frozen=True, slots=True)
class ColumnAlarm:
    """An alarm: when it opened and closed, Unix nanoseconds, 0 while it is open, and its newest sentence and traces."""

    id: str
    column: ColumnKey
    opened: int
    closed: int
    summary: str
    traces: tuple[str, ...]
    incident: str

    def follow(self, event: AlarmEvent) -> "ColumnAlarm":
        if event.change is AlarmChange.CLOSED:
            return replace(self, closed=event.time)
        return replace(self, summary=event.summary, traces=event.traces or self.traces)


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident. columns: in the order in which they joined, each with when it did. events: what became of it."""

    id: str
    opened: int
    closed: int
    summary: str
    traces: tuple[str, ...]
    columns: tuple[tuple[ColumnKey, int], ...] = ()
    events: tuple[tuple[int, str, str], ...] = ()

    def follow(self, event: IncidentEvent) -> "IncidentRecord":
        known = {column for column, _ in self.columns}
        joined = tuple((column, event.time) for column in event.columns if column not in known)
        closed = event.change is AlarmChange.CLOSED
        return replace(
            self,
            closed=event.time if closed else 0,
            summary=self.summary if closed else event.summary,
            traces=event.traces or self.traces,
            columns=(*self.columns, *joined),
            events=(*self.events, (event.time, event.change.value, event.summary)),
        )


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model: its newest judged window, its alarms, its incidents, the newest first, and its history."""

    key: ModelKey
    result: WindowResult
    alarms: Mapping[str, ColumnAlarm] = field(default_factory=dict)
    incidents: tuple[IncidentRecord, ...] = ()
    history: History = field(default_factory=History)
    rolled_up: int = 0

    @property
    def incident(self) -> IncidentRecord | None:
        """The open one."""
        return next((each for each in self.incidents if not each.closed), None)

    def alarm_of(self, column: ColumnKey) -> ColumnAlarm | None:
        """The open alarm of a column, as far as its opening was published."""
        return next((each for each in self.alarms.values() if each.column == column and not each.closed), None)


class Board:
    """size: bytes that histories may take, of all models together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: Mapping[ModelKey, ModelView] = MappingProxyType({})
        self._stored: dict[ModelKey, History] = {}  # of models that have sent nothing since
        self._saved: dict[ModelKey, dict[int, Step]] = {}
        self._pending: dict[ModelKey, dict[int, Step]] = {}
        self._changed: set[ModelKey] = set()
        self.cut = False
        """Whether histories were cut, for want of space."""

    @property
    def models(self) -> Mapping[ModelKey, ModelView]:
        """All views, as of now: never changed, but replaced."""
        return self._models

    def publish(self, results: Sequence[WindowResult]) -> None:
        """Takes over what was judged."""
        models = dict(self._models)
        for result in results:
            view = models.get(result.model)
            if view is None:
                view = ModelView(result.model, result, history=self._stored.pop(result.model, History()))
            models[result.model] = followed(view, result)
        self._changed |= {result.model for result in results}
        self._models = MappingProxyType(self._bounded(models, {result.model for result in results}))

    def restore(self, steps: Iterable[bytes]) -> None:
        """Takes over the steps of an earlier process, as the store has them; damaged ones are left out."""
        found: dict[ModelKey, list[Step]] = {}
        for body in steps:
            with suppress(UnknownStepError):
                model, step = unpack_step(body)
                before = found.setdefault(model, [])
                same = bool(before) and before[-1].columns == step.columns
                before.append(replace(step, columns=before[-1].columns) if same else step)
        share = self._size // max(len(found), 1)
        self._stored = {model: History.of_steps(each).within(share) for model, each in found.items()}
        self._saved = {model: {step.end: step for step in each} for model, each in found.items()}

    def changes(self) -> dict[ModelKey, tuple[tuple[int, ...], dict[int, bytes]]]:
        """Of each model the ends of steps that are gone, and the bytes of new ones, since those that were `saved`."""
        found = {}
        self._pending = {}
        for model in self._changed | (self._saved.keys() - self._models.keys() - self._stored.keys()):
            saved, view = self._saved.get(model, {}), self._models.get(model)
            now = {step.end: step for step in view.history.steps} if view else {}
            gone = tuple(end for end in saved if end not in now)
            added = {end: pack_step(model, step) for end, step in now.items() if saved.get(end) is not step}
            self._pending[model] = now
            if gone or added:
                found[model] = gone, added
        return found

    def saved(self) -> None:
        """What `changes` told last is in the store."""
        for model, steps in self._pending.items():
            self._saved[model] = steps
            if not steps:
                del self._saved[model]
        self._changed -= self._pending.keys()
        self._pending = {}

    def _bounded(self, models: dict[ModelKey, ModelView], changed: set[ModelKey]) -> dict[ModelKey, ModelView]:
        """Every model may have the same share: the oldest steps go first, and of too many models the silent ones."""
        while len(models) > MOST_MODELS:
            del models[min(models, key=lambda each: models[each].result.window.end)]
        share = self._size // max(len(models), 1)
        for key in changed & models.keys():
            history = models[key].history.within(share)
            if history is not models[key].history:
                models[key], self.cut = replace(models[key], history=history), True
        return models


def followed(view: ModelView, result: WindowResult) -> ModelView:
    """The view of a model after one more result."""
    view = replace(view, alarms=_alarms(view, result), incidents=_incidents(view, result))
    if result.repeated_at is not None:
        return view  # nothing was judged
    history = view.history.add(result)
    if result.window.end - view.rolled_up >= ROLL_UP_EVERY:
        history = history.rolled_up(result.window.end)
        view = replace(view, rolled_up=result.window.end)
    newest = result if result.window.end >= view.result.window.end else view.result
    return replace(view, result=newest, history=history)


def _alarms(view: ModelView, result: WindowResult) -> dict[str, ColumnAlarm]:
    held = {key: alarm for key, alarm in view.alarms.items() if not alarm.closed}
    for event in result.alarms:
        new = ColumnAlarm(event.id, event.column, event.opened, 0, event.summary, event.traces, event.incident)
        held[event.id] = held.get(event.id, new).follow(event)
    return held


def _incidents(view: ModelView, result: WindowResult) -> tuple[IncidentRecord, ...]:
    held = {each.id: each for each in view.incidents}
    for event in result.incidents:
        new = IncidentRecord(event.id, event.opened, 0, event.summary, event.traces)
        held[event.id] = held.get(event.id, new).follow(event)
    newest = sorted(held.values(), key=lambda each: (bool(each.closed), -each.opened, each.id))
    return tuple(newest[:MOST_INCIDENTS])

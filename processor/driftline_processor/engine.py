"""The heart: records in, judged windows out. It knows no clock, thread, socket or file.

What it answers depends on the records, when they were received, and the order of both: a restart that replays them goes
on where it was. Event time decides the window; `now` only tells when nothing more is to be awaited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from driftline_processor.compare import Comparison, describe_window
from driftline_processor.matching import choose_reference, other_versions
from driftline_processor.model import MAX_COLUMNS, MAX_STREAMS, Fate, Item, Model, item_rows
from driftline_processor.panes import Panes
from driftline_processor.provisional import provisional_reference
from driftline_processor.records import (
    ModelKey,
    Record,
    Reference,
    ReferencePart,
    Rejection,
    Window,
    WindowResult,
)
from driftline_processor.snapshot import dump, load

MAX_MODELS: Final = 10_000
"""Models, by name, version and where they are served. More are made of names that change with every process."""

SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Times in nanoseconds. size is a multiple of step; false_alarms are allowed in `per`, for each model."""

    size: int
    step: int
    lateness: int
    tolerance: float
    false_alarms: float
    per: int

    @property
    def budget(self) -> float:
        """False alarms allowed in one evaluation of a model."""
        return self.false_alarms * self.step / self.per


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of the records of a batch: items (points and spans), and rows where a model is named."""

    counted: int = 0
    duplicates: int = 0
    late: Mapping[ModelKey, float] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notices: tuple[str, ...] = ()


class Engine:
    """All models. For one thread."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._models: dict[ModelKey, Model] = {}
        self._references: dict[str, Reference] = {}
        self._comparisons: dict[str, Comparison] = {}
        self._provisional: dict[ModelKey, Comparison] = {}
        self._notices: list[str] = []

    def observe(self, records: Sequence[Record], received: int) -> Observed:
        """Counts each record once, in the pane of its event time. `received`: when its request came."""
        outcome = _Outcome()
        for record in records:
            if isinstance(record, ReferencePart):
                continue  # what it is part of comes through put_reference
            model = self._model(record.model)
            if model is None:
                outcome.reject(f"more than {MAX_MODELS} models (got {record.model.name!r})")
                continue
            model.received = max(model.received, received)
            time = self._event_time(record, received, outcome)
            outcome.add(record, model.take(record, time), model)
        return outcome.observed()

    def put_reference(self, reference: Reference) -> None:
        """From now on windows are compared with it, if their model is the one it names."""
        self._references[reference.id] = reference
        self._comparisons.pop(reference.id, None)

    def drop_reference(self, identity: str) -> None:
        self._references.pop(identity, None)
        self._comparisons.pop(identity, None)

    def advance(self, now: int) -> list[WindowResult]:
        """The windows that have become complete, by event time or because nothing came for lateness and a step."""
        wait = self._settings.lateness + self._settings.step
        results: list[WindowResult] = []
        for model in self._models.values():
            for window in model.windows(idle=now - model.received > wait):
                results.append(self._judge(model, window))  # noqa: PERF401  (each window is judged before the next)
        return results

    def notices(self) -> list[str]:
        """What an operator should know about references, told once."""
        told, self._notices = self._notices, []
        return told

    def snapshot(self) -> dict[ModelKey, bytes]:
        """The state of the models that have changed since the last call."""
        changed = [model for model in self._models.values() if model.changed]
        states = {model.key: dump(model) for model in changed}
        for model in changed:
            model.changed = False
        return states

    def restore(self, states: Iterable[bytes], now: int) -> None:
        """Goes on from snapshots. What came before is not idle yet: its senders may have to find back first."""
        for body in states:
            model = load(body, self._settings.size, self._settings.step, self._settings.lateness)
            model.received = now
            self._models[model.key] = model

    def rows(self) -> Mapping[ModelKey, float]:
        """Rows counted of each model since the store began."""
        return {key: model.rows for key, model in self._models.items()}

    def _model(self, key: ModelKey) -> Model | None:
        if key not in self._models and len(self._models) < MAX_MODELS:
            settings = self._settings
            self._models[key] = Model(key, Panes(settings.size, settings.step, settings.lateness))
        return self._models.get(key)

    def _event_time(self, record: Item, received: int, outcome: "_Outcome") -> int:
        """The record's own time; when it was received, for a clock that is ahead of ours."""
        if record.time <= received + self._settings.lateness:
            return record.time
        ahead = (record.time - received) / SECOND
        outcome.notice(f"model {record.model.name!r}: a sender's clock is {ahead:.0f} s ahead; counted on arrival")
        return received

    def _judge(self, model: Model, window: Window) -> WindowResult:
        columns = model.window_columns(window)
        comparison = self._comparison(model, window)
        return WindowResult(
            model=model.key,
            window=window,
            rows=model.window_rows(window),
            reference=comparison.reference.id if comparison else None,
            provisional=comparison.reference.provisional if comparison else False,
            columns=comparison.window(columns, self._settings.budget, self._settings.size)
            if comparison
            else describe_window(columns),
        )

    def _comparison(self, model: Model, window: Window) -> Comparison | None:
        """The training profile of the model; else what its first full window held; nothing until there is one."""
        reference = choose_reference(self._references.values(), model.key)
        if reference is not None:
            return self._prepared(reference)
        if model.key not in self._provisional:
            restored = model.gathering.full
            if not model.gather(window):
                return None
            self._stand_in(model)
            if not restored:
                return None  # the window that has just become the reference is not compared with itself
        return self._provisional[model.key]

    def _stand_in(self, model: Model) -> None:
        reference = provisional_reference(model.key, model.gathering.panes, self._settings.step)
        self._provisional[model.key] = Comparison.of(reference, self._settings.tolerance)
        name, version = model.key.name, model.key.version
        served = f"model {name!r} version {version!r}" if version else f"model {name!r}"
        others = ", ".join(map(repr, other_versions(self._references.values(), model.key)))
        known = f"no reference for it, only for version {others}" if others else "no reference for it"
        self._notices.append(f"{served}: {known}; its first full window ({model.gathering.rows:.0f} rows) stands in")

    def _prepared(self, reference: Reference) -> Comparison:
        if reference.id not in self._comparisons:
            self._comparisons[reference.id] = Comparison.of(reference, self._settings.tolerance)
        return self._comparisons[reference.id]


class _Outcome:
    """Adds up what becomes of the records of one batch."""

    def __init__(self) -> None:
        self._fates: Counter[Fate] = Counter()
        self._late: dict[ModelKey, float] = {}
        self._rejected: Counter[str] = Counter()
        self._notices: dict[str, None] = {}

    def add(self, item: Item, fate: Fate, model: Model) -> None:
        self._fates[fate] += 1
        if fate is Fate.LATE:
            self._late[model.key] = self._late.get(model.key, 0.0) + item_rows(item)
            behind = (model.panes.newest - item.time) / SECOND
            self.reject(
                f"model {item.model.name!r}: later than the lateness allowed ({behind:.0f} s behind the newest); "
                "is a sender's clock slow?"
            )
        elif fate is Fate.BASELINE:
            self.notice(f"model {item.model.name!r}: a stream began more than an hour ago; only what follows counts")
        elif fate is Fate.TOO_MANY_COLUMNS:
            self.reject(f"model {item.model.name!r}: more than {MAX_COLUMNS} columns")
        elif fate is Fate.TOO_MANY_STREAMS:
            self.reject(f"model {item.model.name!r}: more than {MAX_STREAMS} streams at once")

    def reject(self, reason: str) -> None:
        self._rejected[reason] += 1

    def notice(self, text: str) -> None:
        self._notices[text] = None

    def observed(self) -> Observed:
        return Observed(
            counted=self._fates[Fate.COUNTED],
            duplicates=self._fates[Fate.DUPLICATE],
            late=self._late,
            rejections=tuple(Rejection(items, reason) for reason, items in self._rejected.items()),
            notices=tuple(self._notices),
        )

"""The joins of all tenants, on the store: predictions and what became of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from math import inf
from time import monotonic
from typing import Final

import numpy as np

from driftline.outcomes.event import LABEL
from driftline.sketch.time_units import HOUR
from driftline_processor.monitors.concept.monitor import Limits
from driftline_processor.outcomes.join import JoinLimits, ModelCounts, OutcomeJoin, SavedJoin
from driftline_processor.outcomes.live_performance import figures, measure
from driftline_processor.performance.measured import Measured
from driftline_processor.records import (
    Batch,
    ColumnKey,
    ColumnResult,
    MeasuredPerformance,
    ModelKey,
    ModelRows,
    Reference,
    SaidOutcomes,
    Window,
)
from driftline_processor.service.store import Store
from driftline_processor.verdicts.verdict import OpenAlarm

_FOREVER: Final = 1 << 62


class OutcomeJoins:
    """By tenant. Not thread-safe."""

    def __init__(self, tenants: Iterable[str], limits: JoinLimits, budget: Limits, store: Store) -> None:
        """budget: what concept drift and worse performance are judged by."""
        self._limits, self._budget, self._store = limits, budget, store
        self._running: Iterator[MeasuredPerformance | None] | None = None
        self._joins = {tenant: OutcomeJoin(limits, partial(store.waiting, tenant)) for tenant in tenants}

    def open(self) -> None:
        """Go on where the last save was."""
        for tenant, join in self._joins.items():
            state = self._store.waiting(tenant)
            if state is not None:
                join.restore(state)

    def add(self, tenant: str, batch: Batch, rows: Sequence[ModelRows], received: int) -> int:
        """Take the outcomes of a request, and the row batches in it that are new; returns the number of outcomes."""
        join = self._joins[tenant]
        for each in rows:
            join.add_rows(each.model, each.operation, each.batch)
        said = [record for record in batch.records if isinstance(record, SaidOutcomes)]
        for record in said:
            join.add_outcomes(record.outcomes, record.resource, received)
        return sum(len(record.outcomes) for record in said)

    def judge(
        self, model: ModelKey, window: Window, reference: Reference | None, alarms: Mapping[ColumnKey, OpenAlarm]
    ) -> tuple[ColumnResult, ...]:
        """What the outcomes that have been joined say of a model in a window: the engine's `OutcomeJudge`."""
        join = self._joins[model.tenant]
        history = join.histories.get(model)
        if history is None:
            return ()
        join.unsaved = join.unsaved or bool(history.pairs or history.rows)
        return history.judge(reference, window, alarms, self._budget, self._limits.wait)

    @property
    def due(self) -> bool:
        """Whether there is anything to join."""
        return any(join.due for join in self._joins.values())

    @property
    def busy(self) -> bool:
        """Whether a join has begun that has not come to its end."""
        return self._running is not None

    def advance(self, now: int, seconds: float) -> list[MeasuredPerformance]:
        """Join what had come when this began, and measure models with new labels, for about so many seconds.

        The next call goes on. now: Unix nanoseconds.
        """
        end, found = monotonic() + seconds, []
        self._running = running = self._running or self._steps(now)
        try:
            for each in running:
                found += [] if each is None else [each]
                if monotonic() >= end:
                    return found
        except BaseException:
            self._running = None
            raise
        self._running = None
        return found

    def finish(self, now: int) -> list[MeasuredPerformance]:
        """Join all that has come."""
        found = self.advance(now, inf) if self.busy else []
        return [*found, *self.advance(now, inf)]

    def _steps(self, now: int) -> Iterator[MeasuredPerformance | None]:
        for join in self._joins.values():
            yield from join.joining(now)
            yield from self._measured(join, now)

    def changes(self, absent: Iterable[str] = ()) -> dict[str, SavedJoin]:
        """What a save does, after `finish`; `committed` once it has."""
        left = set(absent)
        return {tenant: join.changes() for tenant, join in self._joins.items() if join.unsaved and tenant not in left}

    def committed(self, tenants: Iterable[str]) -> None:
        """The changes of these are on disk."""
        for tenant in tenants:
            self._joins[tenant].committed()

    def states(self) -> dict[tuple[str, ...], float]:
        """Outcomes by what became of them, and tenant."""
        return {(state, tenant): n for tenant, join in self._joins.items() for state, n in join.states().items() if n}

    def waiting_rows(self) -> dict[tuple[str, ...], float]:
        """Rows that wait, by tenant."""
        return {(tenant,): join.waiting_rows for tenant, join in self._joins.items()}

    def waiting_bytes(self) -> dict[tuple[str, ...], float]:
        """Bytes of them in the store, by tenant."""
        return {(tenant,): join.size for tenant, join in self._joins.items()}

    def evicted_rows(self) -> dict[tuple[str, ...], float]:
        """Rows that were given up for want of room, by tenant."""
        return {(tenant,): join.evicted_rows for tenant, join in self._joins.items()}

    def delays(self) -> dict[tuple[str, ...], float]:
        """Seconds within which half, and nine of ten, of the joined outcomes came true, by tenant."""
        found: dict[tuple[str, ...], float] = {}
        for tenant, join in self._joins.items():
            total = int(join.delays.sum())
            for name, share in (("0.5", 0.5), ("0.9", 0.9)) if total else ():
                place = int(np.searchsorted(np.cumsum(join.delays), share * total))
                found[name, tenant] = float(2 ** (place + 1))
        return found

    def _measured(self, join: OutcomeJoin, now: int) -> Iterator[MeasuredPerformance]:
        changed, join.changed = join.changed, set()
        names = sorted(join.samples, key=lambda each: (each[0], each[1]))
        for model, own in groupby(names, key=lambda each: each[0]):
            if model in changed:
                yield _measured(join, model, [name for _, name in own], now, self._limits.window)


def _measured(join: OutcomeJoin, model: ModelKey, names: Sequence[str], now: int, size: int) -> MeasuredPerformance:
    newest = max(int(t.times.max(initial=0)) for name in names for t in join.samples[model, name].tables)
    window = Window(newest - size, newest)
    counts = join.models[model]
    metrics: dict[tuple[str, str], tuple[float, float, float]] = {}
    told: dict[tuple[str, str], tuple[int, float, float]] = {}
    labels = 0
    for name in names:
        sample = join.samples[model, name]
        table = sample.table(window.start)
        if not len(table):
            continue
        if name == LABEL:
            labels = round(len(table) * sample.thinning)
            found = measure(table, classes=counts.classes)
            spelled = {(kind, counts.told.get(each, each)): metric for (kind, each), metric in found.items()}
            metrics = {key: (*each,) for key, each in spelled.items() if isinstance(each, Measured)}
        else:
            by_class = figures(table, sample.thinning).items()
            told |= {(name, counts.told.get(each, each)): figure for each, figure in by_class}
    rows = max(labels, counts.rows.within(window.start, window.end))
    return MeasuredPerformance(model, window, now, labels, rows, metrics, told, _maturity(counts, window, now))


def _maturity(counts: ModelCounts, window: Window, now: int) -> float | None:
    """Of the labels of a window, in whole hours."""
    return counts.delays.maturity(counts.rows.by_hour, window.start // HOUR + 1, window.end // HOUR, now)

"""The join: of the rows of a tenant's models with what became of them, each outcome counted once."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np

from driftline.outcomes.event import LABEL, Outcome
from driftline.rows.keys import Words
from driftline.rows.table import RowTable
from driftline.sketch.arrays import BoolArray, IntArray
from driftline.sketch.values import class_name
from driftline_processor.outcomes import tables
from driftline_processor.outcomes.history import OutcomeHistory
from driftline_processor.outcomes.label_delays import MOST_CLASSES, LabelDelays
from driftline_processor.outcomes.labelled_sample import (
    LABEL_TEXT,
    LABEL_VALUE,
    LabelledSample,
    pack_parts,
    unpack_parts,
)
from driftline_processor.outcomes.row_counts import RowCounts
from driftline_processor.outcomes.sampling_thresholds import SamplingThresholds
from driftline_processor.outcomes.segments import Segment, SegmentChanges, Segments
from driftline_processor.records import ModelKey

ROWS: Final = "rows"
SAID: Final = "outcomes"
"""Kinds of segments: waiting rows, and the identities of outcomes that were joined."""

JOINED: Final = "joined"
WAITING: Final = "waiting"
DUPLICATE: Final = "duplicate"
CORRECTION: Final = "correction"
NOT_SAMPLED: Final = "not_sampled"
ORPHAN: Final = "orphan"
LATE: Final = "late"
EVICTED: Final = "evicted"
STATES: Final = (JOINED, WAITING, DUPLICATE, CORRECTION, NOT_SAMPLED, ORPHAN, LATE, EVICTED)
"""What becomes of an outcome. ORPHAN: no row came within the wait. LATE: such rows are forgotten. EVICTED: no room."""

MOST_WAITING: Final = 500_000
"""Outcomes of a tenant that wait for their rows."""

ORPHAN_BYTES: Final = 100
"""Of an outcome that waits, about."""

AGES: Final = 40
"""Delays of labels are counted by powers of two of seconds."""


class JoinLimits(NamedTuple):
    """wait: nanoseconds that rows wait for outcomes. size: bytes of all that waits. window: of labelled predictions."""

    wait: int
    size: int
    window: int


class SavedJoin(NamedTuple):
    """What a save of a tenant's join does. state: of all that is no segment."""

    segments: SegmentChanges
    state: bytes


@dataclass(slots=True)
class ModelCounts:
    """rows: sampled ones. classes: whether predictions are classes for certain. told: how they are spelled, by name."""

    rows: RowCounts
    classes: bool = False
    told: dict[str, str] = field(default_factory=dict)
    delays: LabelDelays = field(default_factory=LabelDelays)


class OutcomeJoin:
    """The state of one tenant. Not thread-safe."""

    def __init__(self, limits: JoinLimits, read: Callable[[int], bytes | None]) -> None:
        """read: the body of a segment by its id, None if it is damaged."""
        self._limits = limits
        self._models: dict[ModelKey, int] = {}
        self._next = 1
        self._rows = Segments(ROWS, read, self._number)
        self._said = Segments(SAID, read, self._number)
        self._waiting = RowTable.empty()
        self._packed: tuple[RowTable, list[Any]] | None = None
        self._new_rows: list[RowTable] = []
        self._new_outcomes: list[RowTable] = []
        self._expired: list[int] = []
        self.unsaved = False
        self.counts: Counter[str] = Counter()
        self.evicted_rows = 0
        self.delays: IntArray = np.zeros(AGES, np.int64)
        self.thresholds = SamplingThresholds()
        self.samples: dict[tuple[ModelKey, str], LabelledSample] = {}
        self.models: dict[ModelKey, ModelCounts] = {}
        self.changed: set[ModelKey] = set()
        self.histories: dict[ModelKey, OutcomeHistory] = {}

    @property
    def waiting_rows(self) -> int:
        return self._rows.rows + sum(map(len, self._new_rows))

    @property
    def size(self) -> int:
        """Bytes of what waits on disk."""
        return self._rows.size + self._said.size

    @property
    def due(self) -> bool:
        """Whether there is anything to join."""
        return bool(self._new_rows or self._new_outcomes)

    def states(self) -> Mapping[str, int]:
        """Outcomes by what became of them."""
        hidden = self._left_out(self._waiting)
        waiting = {WAITING: len(self._waiting) - int(hidden.sum())}
        return {**self.counts, **waiting, NOT_SAMPLED: self.counts[NOT_SAMPLED] + int(hidden.sum())}

    def add_rows(self, key: ModelKey, operation: str, batch: Any) -> None:
        """Add a batch that has not come before."""
        if not len(batch.table):
            return
        self.thresholds.add(batch, int(batch.table.times.max()))
        self._new_rows.append(tables.waiting_rows(batch, self._model(key)))
        self._history(key).add_rows(self._new_rows[-1])
        counts = self._counts(key)
        counts.classes = counts.classes or tables.holds_classes(batch)
        if len(counts.told) < MOST_CLASSES:
            counts.told |= tables.told_classes(batch)
        counts.rows.add(operation, batch.table.times)

    def add_outcomes(self, outcomes: Sequence[Outcome], resource: tuple[tuple[str, str], ...], received: int) -> None:
        """Add outcomes of a request. received: Unix nanoseconds."""
        if not outcomes:
            return
        table = tables.outcome_table(outcomes, received)
        self._new_outcomes.append(table)
        brought: dict[ModelKey, list[int]] = {}
        for place, each in enumerate(outcomes):
            if not each.joins and each.name == LABEL:
                brought.setdefault(ModelKey(each.model, each.version, resource), []).append(place)
        for key, places in brought.items():
            self._add_brought(key, [outcomes[place] for place in places], table.keys[places], received)

    def _add_brought(self, key: ModelKey, outcomes: Sequence[Outcome], keys: Words, received: int) -> None:
        """Add rows that came with their outcomes."""
        self._new_rows.append(tables.brought_rows(outcomes, self._model(key), keys, received))
        self._history(key).add_rows(self._new_rows[-1])
        counts = self._counts(key)
        for each in outcomes:
            scored = each.score is not None or isinstance(each.prediction, str | bool | int)
            counts.classes = counts.classes or scored
        counts.rows.add("", np.array([each.time or received for each in outcomes], np.int64))

    def join(self, now: int) -> None:
        """Join all that was added. now: Unix nanoseconds."""
        for _ in self.joining(now):
            pass

    def joining(self, now: int) -> Iterator[None]:
        """Join all that was added, in steps: a segment each. What is added in between waits for the next time."""
        self.unsaved = self.unsaved or self.due
        new = tables.by_key(tables.joined(self._new_rows))
        said = tables.joined(self._new_outcomes)
        self._new_rows, self._new_outcomes = [], []
        outcomes = yield from self._distinct(said)
        if len(new) and len(self._waiting):
            joined = yield from self._match(self._waiting, [new])
            self._settle(self._waiting, joined, np.zeros(len(joined), np.bool_))
            self._waiting = self._waiting.chosen(~joined)
        self._rows.add(new)
        if len(outcomes.table):
            joined = yield from self._match(outcomes.table, self._rows.tables())
            self._settle(outcomes.table, joined, outcomes.again)
            self._keep_waiting(outcomes.table.chosen(~joined), now)
        self._forget(now)

    def _keep_waiting(self, table: RowTable, now: int) -> None:
        if not len(table):
            return
        late = table.times < now - self._limits.wait
        self.counts[LATE] += int(late.sum())
        ours = table.columns[tables.CALL].astype(np.int64) >= 0
        gone = self._left_out(table) & ours & ~late
        self.counts[NOT_SAMPLED] += int(gone.sum())
        self._waiting = tables.joined([self._waiting, table.chosen(~late & ~gone)])
        self._make_room(min(self._limits.size // ORPHAN_BYTES, MOST_WAITING))

    def _make_room(self, most: int) -> None:
        """Outcomes that wait are in memory: first those go whose rows were provably never sent, then the oldest."""
        if len(self._waiting) <= most:
            return
        hidden = self._left_out(self._waiting)
        self.counts[NOT_SAMPLED] += int(hidden.sum())
        self._waiting = self._waiting.chosen(~hidden)
        evicted = max(len(self._waiting) - most, 0)
        self.counts[EVICTED] += evicted
        self._waiting = self._waiting.chosen(np.arange(evicted, len(self._waiting)))

    def _left_out(self, table: RowTable) -> BoolArray:
        if not len(table):
            return np.zeros(0, np.bool_)
        calls = table.columns[tables.CALL].astype(np.int64)
        return self.thresholds.left_out(table.keys, table.columns[tables.PROCESS], calls)

    def _settle(self, table: RowTable, joined: BoolArray, again: BoolArray) -> None:
        """Count outcomes that were joined, and remember them: they may come again. again: one that is corrected."""
        if not len(table):
            return
        done = table.chosen(joined)
        self.counts[JOINED] += int((joined & ~again).sum())
        columns = {tables.UID: done.columns[tables.UID], tables.OBSERVED: done.columns[tables.OBSERVED]}
        identities = np.asarray(done.columns[tables.IDENTITY], np.uint64)
        self._said.add(RowTable(identities, np.asarray(done.columns[tables.RECEIVED], np.int64), columns))

    def _distinct(self, table: RowTable) -> Generator[None, None, "_Distinct"]:
        """The newest of the versions of each outcome, without those that had come before."""
        if not len(table):
            return _Distinct(table, np.zeros(0, np.bool_))
        known = yield from self._known(table)
        identity, uid, observed = (
            np.asarray(table.columns[column]) for column in (tables.IDENTITY, tables.UID, tables.OBSERVED)
        )
        old = known.duplicate | (known.observed > observed)
        order = np.lexsort((uid, observed, identity, old))
        order = order[~old[order]]
        same = identity[order][1:] == identity[order][:-1]
        first_of_uid = _first_of_pairs(identity[order], uid[order])
        newest = np.append(~same, np.True_)[: len(order)]
        versions = int(first_of_uid.sum())
        self.counts[DUPLICATE] += len(table) - versions
        survivors = table.chosen(order[newest])
        before = known.found[order[newest]]
        waited = np.isin(self._waiting_identities(), survivors.columns[tables.IDENTITY]) if len(self._waiting) else None
        corrected = np.zeros(len(survivors), np.bool_)
        if waited is not None and waited.any():
            corrected = np.isin(survivors.columns[tables.IDENTITY], self._waiting_identities()[waited])
            self._waiting = self._waiting.chosen(~waited)
        self.counts[CORRECTION] += versions - len(survivors) + int((before | corrected).sum())
        return _Distinct(survivors, before)

    def _waiting_identities(self) -> Words:
        return np.asarray(self._waiting.columns[tables.IDENTITY], np.uint64)

    def _known(self, table: RowTable) -> Generator[None, None, "_Known"]:
        """What was said before of the same things, joined or waiting."""
        identity, uid = (np.asarray(table.columns[column], np.uint64) for column in (tables.IDENTITY, tables.UID))
        size = len(table)
        known = _Known(np.zeros(size, np.bool_), np.zeros(size, np.bool_), np.zeros(size, np.int64))
        for earlier in self._said.tables():
            yield
            for mine, other in _pairs(identity, earlier.keys):
                known.found[mine] = True
                known.duplicate[mine] |= np.asarray(earlier.columns[tables.UID], np.uint64)[other] == uid[mine]
                observed = np.asarray(earlier.columns[tables.OBSERVED], np.int64)[other]
                np.maximum.at(known.observed, mine, observed)
        if len(self._waiting):
            order = np.argsort(self._waiting_identities(), kind="stable")
            waiting = self._waiting.chosen(order)
            for mine, other in _pairs(identity, np.asarray(waiting.columns[tables.IDENTITY], np.uint64)):
                known.duplicate[mine] |= np.asarray(waiting.columns[tables.UID], np.uint64)[other] == uid[mine]
                np.maximum.at(known.observed, mine, np.asarray(waiting.columns[tables.OBSERVED], np.int64)[other])
        return known

    def _match(self, outcomes: RowTable, rows: Iterable[RowTable]) -> Generator[None, None, BoolArray]:
        """Join outcomes with rows, in tables in order of keys; whether each has found one."""
        joined = np.zeros(len(outcomes), np.bool_)
        names = {place: key for key, place in self._models.items()}
        for table in rows:
            yield
            for mine, other in _pairs(outcomes.keys, table.keys):
                mine, other = _of_models(outcomes, table, names, mine, other)  # noqa: PLW2901
                joined[mine] = True
                self._take(outcomes.chosen(mine), table.chosen(other), names)
        return joined

    def _take(self, outcomes: RowTable, rows: RowTable, names: Mapping[int, ModelKey]) -> None:
        """Add pairs to the samples of their models and names."""
        if not len(rows):
            return
        columns = {
            **rows.columns,
            tables.WEIGHT: rows.columns[tables.WEIGHT].astype(np.float64)
            * outcomes.columns[tables.WEIGHT].astype(np.float64),
            LABEL_VALUE: outcomes.columns[tables.VALUE].astype(np.float64),
            LABEL_TEXT: outcomes.columns[tables.TEXT],
        }
        pairs = RowTable(rows.keys, rows.times, columns)
        chances = outcomes.columns.get(tables.CHANCE, np.full(len(rows), np.nan))
        with_chances = RowTable(rows.keys, rows.times, {**columns, tables.CHANCE: chances})
        model, name = np.asarray(rows.columns[tables.MODEL], np.int64), outcomes.columns[tables.NAME]
        for place in np.unique(model).tolist():
            self._note_delays(names[place], outcomes.chosen(model == place), rows.times[model == place])
            for each in sorted(set(name[model == place].tolist())):
                chosen = (model == place) & (name == each)
                key = names[place]
                self.samples.setdefault((key, each), LabelledSample()).add(pairs.chosen(chosen))
                self.changed.add(key)
                if each == LABEL:
                    self._history(key).add_pairs(with_chances.chosen(chosen))
        ages = np.log2(np.maximum((outcomes.times - rows.times) / 1e9, 1.0)).astype(np.int64)
        self.delays += np.bincount(np.clip(ages, 0, AGES - 1), minlength=AGES)

    def _note_delays(self, key: ModelKey, outcomes: RowTable, predicted: IntArray) -> None:
        """Of labels, not of figures. Numbers are all of one class."""
        labels = outcomes.columns[tables.NAME] == LABEL
        known, values = self.models[key], outcomes.columns[tables.VALUE].astype(np.float64)
        names = np.array(outcomes.columns[tables.TEXT], object)
        if known.classes:
            for each in np.unique(values[np.isfinite(values)])[:MOST_CLASSES].tolist():
                names[values == each] = class_name(each)
        if labels.any():
            known.delays.add(names[labels], predicted[labels], outcomes.times[labels])

    def _forget(self, now: int) -> None:
        """What waited too long, and what there is no room for."""
        self._forget_waiting(now - self._limits.wait)
        self._forget_segments(now - self._limits.wait)
        self.thresholds.forget(now - self._limits.wait)
        self.unsaved = self.unsaved or bool(self._expired)

    def _forget_waiting(self, oldest: int) -> None:
        if len(self._waiting):
            gone = np.asarray(self._waiting.columns[tables.RECEIVED], np.int64) < oldest
            if gone.any():
                hidden = self._left_out(self._waiting) & gone
                self.counts[NOT_SAMPLED] += int(hidden.sum())
                self.counts[ORPHAN] += int((gone & ~hidden).sum())
                self._waiting, self.unsaved = self._waiting.chosen(~gone), True

    def _forget_segments(self, oldest: int) -> None:
        for segments in (self._rows, self._said):
            while segments.held and segments.held[0].newest < oldest:
                self._expired.append(segments.held.pop(0).id)
        while self.size > self._limits.size and self._rows.held:
            evicted = self._rows.held.pop(0)
            self._expired.append(evicted.id)
            self.evicted_rows += evicted.rows
        for counts in self.models.values():
            counts.delays.forget(oldest)
            counts.rows.forget(oldest, self._limits.wait)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _counts(self, key: ModelKey) -> ModelCounts:
        return self.models.setdefault(key, ModelCounts(RowCounts(self._limits.window)))

    def _history(self, key: ModelKey) -> OutcomeHistory:
        return self.histories.setdefault(key, OutcomeHistory())

    def _model(self, key: ModelKey) -> int:
        return self._models.setdefault(key, len(self._models))

    def changes(self) -> SavedJoin:
        """What a save does; `committed` once it has."""
        rows, said = self._rows.changes(), self._said.changes()
        self._pending = rows, said
        put, drop = [*rows.put, *said.put], [*rows.drop, *said.drop, *self._expired]
        held = [
            *self._kept(self._rows, rows),
            *self._kept(self._said, said),
        ]
        return SavedJoin(SegmentChanges(put, drop), self._pack(held))

    @staticmethod
    def _kept(segments: Segments, changes: SegmentChanges) -> list[Segment]:
        return [each for each in segments.held if each.id not in changes.drop] + [each for each, _ in changes.put]

    def committed(self) -> None:
        """The changes are on disk."""
        rows, said = self._pending
        self._rows.committed(rows)
        self._said.committed(said)
        self._expired, self.unsaved = [], False

    def _pack(self, held: Sequence[Segment]) -> bytes:
        state = {
            "form": 1,
            "next": self._next,
            "models": [(key.name, key.version, key.resource) for key in self._models],
            "segments": [tuple(each) for each in held],
            "waiting": self._packed_waiting(),
            "counts": dict(self.counts),
            "evicted": self.evicted_rows,
            "delays": self.delays.tolist(),
            "thresholds": self.thresholds.pack(),
            "samples": [(self._models[key], name, sample.pack()) for (key, name), sample in self.samples.items()],
            "rows": [self._packed_counts(key, each) for key, each in self.models.items()],
            "histories": [(self._models[key], each.pack()) for key, each in self.histories.items()],
        }
        return bytes(msgpack.packb(state))

    def _packed_counts(self, key: ModelKey, counts: ModelCounts) -> tuple[Any, ...]:
        hours, steps = counts.rows.pack()
        return self._models[key], counts.classes, hours, counts.delays.pack(), steps, counts.told

    def _packed_waiting(self) -> list[Any]:
        """Packed again only where it has changed: it may be long."""
        if self._packed is None or self._packed[0] is not self._waiting:
            self._packed = self._waiting, pack_parts([self._waiting]) if len(self._waiting) else []
        return self._packed[1]

    def restore(self, body: bytes) -> None:
        """Go on from the state of a save."""
        state: dict[str, Any] = msgpack.unpackb(body, strict_map_key=False, use_list=False)
        keys = [
            ModelKey(name, version, tuple((key, value) for key, value in resource))
            for name, version, resource in state["models"]
        ]
        self._models = {key: place for place, key in enumerate(keys)}
        self._next = state["next"]
        segments = [Segment(*each) for each in state["segments"]]
        self._rows.held = [each for each in segments if each.kind == ROWS]
        self._said.held = [each for each in segments if each.kind == SAID]
        self._waiting = tables.joined(unpack_parts(state["waiting"]))
        self.counts, self.evicted_rows = Counter(state["counts"]), state["evicted"]
        self.delays = np.array(state["delays"], np.int64)
        self.thresholds = SamplingThresholds.unpack(state["thresholds"])
        self.samples = {(keys[place], name): LabelledSample.unpack(each) for place, name, each in state["samples"]}
        self.models = {keys[place]: self._unpacked_counts(*counts) for place, *counts in state["rows"]}
        held = state.get("histories", ())  # absent before outcomes were judged live
        self.histories = {keys[place]: OutcomeHistory.unpack(each) for place, each in held}

    def _unpacked_counts(
        self, classes: bool, hours: Any, delays: Any = (), steps: Any = (0, ()), told: Any = ()
    ) -> ModelCounts:
        rows = RowCounts.unpack(self._limits.window, hours, steps)
        return ModelCounts(rows, classes, dict(told), LabelDelays.unpack(delays))


class _Known(NamedTuple):
    """found: whether it was joined before; duplicate: by the same event; observed: when that was said last."""

    found: BoolArray
    duplicate: BoolArray
    observed: IntArray


class _Distinct(NamedTuple):
    """again: whether the outcome has been joined before, with another value."""

    table: RowTable
    again: BoolArray


def _pairs(mine: Words, others: Words) -> Iterator[tuple[IntArray, IntArray]]:
    """Indexes of equal keys. others: ascending."""
    first, last = np.searchsorted(others, mine, "left"), np.searchsorted(others, mine, "right")
    count = last - first
    if not count.any():
        return
    indexes = np.repeat(np.arange(len(mine)), count)
    starts = np.repeat(first - np.cumsum(count) + count, count)
    yield indexes, starts + np.arange(len(indexes))


def _of_models(
    outcomes: RowTable, rows: RowTable, names: Mapping[int, ModelKey], mine: IntArray, other: IntArray
) -> tuple[IntArray, IntArray]:
    """Without the pairs of another model than the one that the outcome names."""
    wanted, version = outcomes.columns[tables.MODEL][mine], outcomes.columns[tables.VERSION][mine]
    if not (wanted != "").any():
        return mine, other
    models = np.asarray(rows.columns[tables.MODEL], np.int64)[other].tolist()
    fits = np.array(
        [
            name in ("", names[model].name) and said in ("", names[model].version)
            for name, said, model in zip(wanted.tolist(), version.tolist(), models, strict=True)
        ],
        np.bool_,
    )
    return mine[fits], other[fits]


def _first_of_pairs(identity: Words, uid: Words) -> BoolArray:
    """Whether each pair is the first of its kind."""
    found = np.zeros(len(identity), np.bool_)
    if len(identity):
        _, first = np.unique(np.stack([identity, uid]), axis=1, return_index=True)
        found[first] = True
    return found

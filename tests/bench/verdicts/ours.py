"""Driftline: rows through real sketches and the real engine, with nothing configured but how long windows are."""

import time
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

import driftline
from bench.verdicts.said import BESIDE, Said
from bench.verdicts.stream import TIME, Columns, Stream
from driftline.semconv import TARGET_BLOCK
from driftline_processor.config import Config
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.monitors.drift.joint.blocks import find_blocks
from driftline_processor.monitors.drift.season.rebin_by_day import joined
from driftline_processor.records import (
    AlarmChange,
    ColumnKey,
    InputRecord,
    ModelKey,
    Reference,
    RowsPoint,
    WindowResult,
)
from driftline_processor.reference.read import read_reference
from driftline_processor.replay.column_mapping import ReplayedColumn
from driftline_processor.replay.sketcher import Sketcher
from driftline_processor.verdicts.verdict import State

MODEL: Final = ModelKey("model")
AS_USUAL: Final = "as in training at this"
"""How a verdict names the season."""

NANOSECONDS: Final = 10**9


class Driftline:
    """reference: as the engine has it. results: what it said of the last window, one for each of its slides."""

    def __init__(self) -> None:
        self.kept, self.seconds = 0, 0.0
        self.results: list[WindowResult] = []

    def fit(self, stream: Stream) -> None:
        names = list(stream.reference)
        profile = driftline.profile(dict(stream.reference), model=MODEL.name, timestamp=stream.times, keep=names)
        request = profile.to_request()
        self.kept = request.ByteSize()
        size = stream.length * NANOSECONDS
        verdict = Config().verdict
        self._step = size // stream.slides
        self._engine = Engine(EngineSettings(size, self._step, 0, verdict.tolerance, verdict.false_alarms, verdict.per))
        self.reference = _in_chunks(read_reference(request), stream.chunks)
        self._engine.put_reference(self.reference)
        pairs = {key: column.pair for key, column in self.reference.columns.items() if column.pair is not None}
        self._names = {key: BESIDE.join(pair.members) for key, pair in pairs.items()}
        self._told: frozenset[str] = frozenset()
        self._time = stream.begin * NANOSECONDS
        self._slides = stream.slides
        self._sketcher = Sketcher(
            MODEL, [_column(name) for name in names], {key.name: pair for key, pair in pairs.items()}
        )

    def window(self, rows: Columns) -> Said:
        begun = time.process_time()
        self.results = []
        bounds = np.linspace(0, len(next(iter(rows.values()))), self._slides + 1).astype(int)
        for first, last in pairwise(bounds.tolist()):
            self._step_of({name: values[first:last] for name, values in rows.items()}, last - first)
        self.seconds += time.process_time() - begun
        judged = [
            (self._name(c.column), c.verdict)
            for result in self.results
            for c in result.columns
            if c.verdict is not None
        ]
        changes = [alarm for result in self.results for alarm in result.alarms]
        opened = {self._name(alarm.column) for alarm in changes if alarm.change is AlarmChange.OPENED}
        with_blocks = self._newly_with_a_block()
        opened = {name for name in opened if with_blocks.isdisjoint(name.split(BESIDE))}
        return Said(
            frozenset(name for name, verdict in judged if verdict.state is State.ALARM),
            frozenset(opened | with_blocks),
            frozenset(name for name, verdict in judged if AS_USUAL in verdict.sentence),
        )

    def _name(self, column: ColumnKey) -> str:
        if column.target == TARGET_BLOCK:
            return BESIDE.join(self._members(column))
        return self._names.get(column, column.name)

    def _members(self, block: ColumnKey) -> list[str]:
        keys = list(self.reference.columns)
        clusters = [column.cluster for column in self.reference.columns.values()]
        (found,) = (each for each in find_blocks(keys, [True] * len(keys), clusters=clusters) if each.key == block)
        return [keys[i].name for i in found.members]

    def _newly_with_a_block(self) -> frozenset[str]:
        """Columns that are in alarm as a block is: each is taken as a page, and then that of the block is none."""
        verdicts = [(c.column.name, c.verdict) for result in self.results for c in result.columns]
        told = frozenset(name for name, verdict in verdicts if verdict is not None and verdict.block is not None)
        new, self._told = told - self._told, self._told | told
        return new

    def _step_of(self, rows: Columns, number: int) -> None:
        self._time += self._step
        records = self._records(rows, number) if number else []
        self._engine.observe([*records, _later(self._time + 1)], self._time + 1)
        self.results += self._engine.advance(self._time + 1)

    def _records(self, rows: Columns, number: int) -> list[InputRecord]:
        values = {ColumnKey("input", name): each for name, each in rows.items() if name != TIME}
        times = rows[TIME] * 1e9 if TIME in rows else np.full(number, self._time)
        begun = self._time - self._step
        return self._sketcher.records(values, np.clip(np.asarray(times, np.int64), begun + 1, self._time))


def _in_chunks(reference: Reference, chunks: int | None) -> Reference:
    """The reference in so many chunks; as it is where nothing is asked for."""
    if chunks is None:
        return reference
    first = np.linspace(0, len(reference.starts), chunks, endpoint=False).astype(int)
    columns = zip(reference.columns, joined(list(reference.columns.values()), first), strict=True)
    ends = reference.ends[np.append(first[1:], len(reference.ends)) - 1]
    return replace(reference, starts=reference.starts[first], ends=ends, columns=dict(columns))


def _column(name: str) -> ReplayedColumn:
    return ReplayedColumn(ColumnKey("input", name), None, classes=False)  # the rows are read already


def _later(moment: int) -> InputRecord:
    """A moment later no row has come: the step before is complete."""
    stream = moment.to_bytes(16, "big")
    return RowsPoint(stream, MODEL, ColumnKey("", ""), "predict", moment, moment, cumulative=False, count=0.0)

"""What the windows of a stream have shown of its outputs: the most and the least of each bucket, and its jumps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from driftline.sketch.time_units import DAY
from driftline_processor.monitors.outputs.buckets import Buckets, BucketShares
from driftline_processor.records import ColumnKey, ColumnSummary, Window

EPOCH: Final = 14 * DAY
"""What is older than two of these is forgotten."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of the windows of an epoch, by bucket: the largest and smallest share, and the largest move between two."""

    begun: int
    most: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    jump: Mapping[str, float] = field(default_factory=dict)

    def add(self, shares: Mapping[str, float], last: Mapping[str, float] | None) -> "Seen":
        names = {*shares, *self.most}
        most = {name: max(shares.get(name, 0.0), self.most.get(name, 0.0)) for name in names}
        first = not self.most
        least = {name: min(shares.get(name, 0.0), self.least.get(name, 1.0 if first else 0.0)) for name in names}
        if last is None:
            return replace(self, most=most, least=least)
        moves = {name: abs(shares.get(name, 0.0) - last.get(name, 0.0)) for name in names}
        jump = {name: max(move, self.jump.get(name, 0.0)) for name, move in moves.items()}
        return replace(self, most=most, least=least, jump=jump)


@dataclass(frozen=True, slots=True)
class Past:
    """Of one output. rows, windows: seen in all. begun, ended: of what was seen, nanoseconds. last: its newest window.

    epochs: the one before, if any, and the current one. waiting: windows that may overlap the one that is judged.
    """

    buckets: Buckets
    begun: int
    ended: int = 0
    rows: float = 0.0
    windows: int = 0
    last: Mapping[str, float] | None = None
    epochs: tuple[Seen, ...] = ()
    waiting: tuple[tuple[Window, BucketShares], ...] = ()

    def before(self, start: int) -> "Past":
        """With the windows that ended by then."""
        past = self
        while past.waiting and past.waiting[0][0].end <= start:
            (window, found), *others = past.waiting
            past = replace(past._with(window, found), waiting=tuple(others))
        return past

    def _with(self, window: Window, found: BucketShares) -> "Past":
        epochs = self.epochs or (Seen(window.start),)
        if window.end - epochs[-1].begun > EPOCH:
            epochs = (epochs[-1], Seen(window.start))
        epochs = (*epochs[:-1], epochs[-1].add(found.shares, self.last))
        rows, windows = self.rows + found.rows, self.windows + 1
        return replace(self, ended=window.end, rows=rows, windows=windows, last=found.shares, epochs=epochs)

    @property
    def since(self) -> int:
        """From when on the most and the least are known, nanoseconds."""
        return self.epochs[0].begun

    def most(self, name: str) -> float:
        return max(seen.most.get(name, 0.0) for seen in self.epochs)

    def least(self, name: str) -> float:
        return min(seen.least.get(name, 0.0) for seen in self.epochs)

    def jump(self, name: str) -> float:
        return max(seen.jump.get(name, 0.0) for seen in self.epochs)


@dataclass(slots=True)
class RecentOutputs:
    """The past of each output of a model. Part of the model's state."""

    columns: dict[ColumnKey, Past] = field(default_factory=dict)

    def copy(self) -> "RecentOutputs":
        return RecentOutputs(dict(self.columns))

    def learn(self, key: ColumnKey, window: Window, summary: ColumnSummary) -> None:
        """Adds a window, which overlaps no other that is added."""
        past = self.columns.get(key)
        if past is None or (past.waiting and past.waiting[-1][0].end > window.start):
            past = past or Past(Buckets.of(summary), window.start)
            past = replace(past, waiting=past.waiting[:-1] if past.waiting else ())
        self.columns[key] = replace(past, waiting=(*past.waiting, (window, past.buckets.shares(summary))))


def pack(recent: RecentOutputs) -> list[Any]:
    """Plain values for MessagePack."""
    return [((key.target, key.name), _packed(past)) for key, past in recent.columns.items()]


def _packed(past: Past) -> dict[str, Any]:
    return {
        "edges": past.buckets.edges.astype("<f8").tobytes(),
        "times": (past.begun, past.ended),
        "seen": (past.rows, past.windows),
        "last": past.last,
        "epochs": [(seen.begun, dict(seen.most), dict(seen.least), dict(seen.jump)) for seen in past.epochs],
        "waiting": [(tuple(window), found.shares, found.rows) for window, found in past.waiting],
    }


def unpack(packed: Any) -> RecentOutputs:
    return RecentOutputs({ColumnKey(*key): _unpacked(held) for key, held in packed})


def _unpacked(held: Mapping[str, Any]) -> Past:
    begun, ended = held["times"]
    rows, windows = held["seen"]
    return Past(
        Buckets(np.frombuffer(held["edges"], "<f8")),
        begun,
        ended,
        rows,
        windows,
        last=held["last"],
        epochs=tuple(Seen(*seen) for seen in held["epochs"]),
        waiting=tuple((Window(*window), BucketShares(shares, rows)) for window, shares, rows in held["waiting"]),
    )

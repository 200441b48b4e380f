"""What a window says of the events of its columns: how far each has moved, and whether that is beyond chance.

Arrays are [..., events], the events of one column after those of another, or [..., columns]; of several horizons, that
have an axis more in front, `of_horizon` takes one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

Z95 = 1.645
"""One-sided 95% quantile of the normal distribution."""

NEARLY = 0.95
"""Of events with about the same score the first is named: novelty, then prefixes, which read better than intervals."""


@dataclass(frozen=True, eq=False)
class Move:
    """How far shares of rows are from the reference's, in shares of rows as a reader subtracts them, [events].

    before, after: the shares themselves. distance: 0 by ranks, which are evidence alone. lower_bound: what the distance
    is at least, with 95% confidence. error: its standard error by sampling, as autocorrelated as the training data.
    """

    before: FloatArray
    after: FloatArray
    distance: FloatArray
    lower_bound: FloatArray
    tolerance: FloatArray
    error: FloatArray

    @property
    def sure(self) -> FloatArray:
        """What the distance of one event is at least, with 95% confidence, whichever others were looked at."""
        return self.distance - Z95 * self.error


@dataclass(frozen=True, eq=False)
class Significance:
    """|z| over the critical value at the false-alarm budget: above 1 where a move is significant, [events].

    ratio: with natural variation and season in z; surprise: without them. alone: of the event by itself, without the
    ranks of its column.
    """

    ratio: FloatArray
    critical: FloatArray
    alone: FloatArray
    surprise: FloatArray

    @classmethod
    def by_sampling(cls, ratio: FloatArray, critical: FloatArray) -> "Significance":
        """Of what neither nature nor a season moves."""
        return cls(ratio, critical, ratio, ratio)


@dataclass(frozen=True, eq=False)
class Assessment:
    """What a window says of the events of its columns.

    sizes: events of each column, of which none is without any. by_ranks: which events are by degrees. natural: standard
    error of the distance with natural variation. season: distance that a season may make, and masked: that it may take
    off a move. proven: what a distance is at least, whichever event and window chance has picked, and with natural
    variation, see `tolerance_bound`. rare: events in alarm by their ratio, see `rare`; None where none is.
    """

    sizes: IntArray
    by_ranks: BoolArray
    move: Move
    significance: Significance
    natural: FloatArray
    season: FloatArray
    masked: FloatArray
    proven: FloatArray
    rare: BoolArray | None = None

    @classmethod
    def of_columns(cls, move: Move, significance: Significance, proven: FloatArray) -> "Assessment":
        """Of one event in each column, which neither nature nor a season moves."""
        columns, nothing = move.distance.shape[-1], np.zeros_like(move.distance)
        sizes, by_ranks = np.ones(columns, np.int64), np.zeros(columns, bool)
        return cls(sizes, by_ranks, move, significance, move.error, season=nothing, masked=nothing, proven=proven)

    @cached_property
    def score(self) -> FloatArray:
        """Above 1 exactly where an event is an alarm: the weaker of the two conditions."""
        tolerated, ratio = self.move.tolerance + self.season, self.significance.ratio
        relevance = self.move.lower_bound / tolerated
        weaker = np.where(relevance > 1.0, ratio, np.minimum(ratio, relevance))
        return np.where(self.proven > tolerated, weaker, np.minimum(weaker, 1.0))

    @cached_property
    def lower_bound(self) -> FloatArray:
        """What a distance is at least, with 95% confidence and beyond what chance has picked."""
        return np.minimum(self.move.lower_bound, self.proven)

    @cached_property
    def relevant(self) -> BoolArray:
        """Whether an event has moved by more than is tolerated, with 95% confidence, season or not."""
        return np.asarray(self.move.lower_bound > self.move.tolerance)

    @cached_property
    def required(self) -> FloatArray:
        """What the lower bound has to exceed: the tolerance, widened by natural variation at the budget's level.

        It exceeds that exactly where an event is an alarm: what is significant otherwise, by ranks or by likelihood in
        rare events, needs the tolerance alone, and what is not asks for more than there is.
        """
        move, significance = self.move, self.significance
        tolerated = self.season + move.tolerance
        usual = np.maximum(tolerated, self.season + significance.critical * self.natural - Z95 * move.error)
        by_points = usual < self.lower_bound
        if self.rare is not None:
            by_points &= ~self.rare
        enough = np.where(by_points, usual, tolerated)
        return np.where(significance.ratio > 1.0, enough, np.maximum(usual, self.lower_bound))

    @cached_property
    def detectable(self) -> FloatArray:
        """The distance that is an alarm every other time or so."""
        move, proven_from = self.move, self.move.distance - self.proven
        return np.maximum(self.required + Z95 * move.error, self.season + move.tolerance + proven_from)

    @cached_property
    def highest(self) -> IntArray:
        """The event to name, [columns]: the nearest to an alarm; where none surely moved, the one that moved most.

        Ranks say least of what happened: they are named where no other event is in alarm.
        """
        of_sets = np.repeat(self.most(np.where(self.by_ranks, 0.0, self.score)) > 1.0, self.sizes)
        alarmed = np.where((self.score > 1.0) & ~self.by_ranks, self.significance.alone, 0.0)
        nameable = np.where(of_sets, alarmed, self.score)
        score, distance = (np.repeat(self.most(each), self.sizes) for each in (nameable, self.move.distance))
        named = np.flatnonzero(np.where(score > 0.0, nameable >= NEARLY * score, self.move.distance >= distance))
        return np.asarray(named[named.searchsorted(self.starts)])

    @cached_property
    def withheld(self) -> BoolArray:
        """Columns that would be an alarm, were it not for what a season may make, [columns]."""
        beyond = self.lower_bound > self.move.tolerance
        moved = beyond & (self.significance.surprise > 1.0) & (self.season > 0.0)
        return np.asarray(self.any(moved) & ~self.any(self.score > 1.0))

    @cached_property
    def starts(self) -> IntArray:
        """The first event of each column."""
        return np.cumsum(self.sizes) - self.sizes

    def most(self, values: FloatArray) -> FloatArray:
        """The largest value of each column, [..., columns]."""
        return np.maximum.reduceat(values, self.starts, axis=-1)

    def any(self, values: BoolArray) -> BoolArray:
        """Whether one event of a column is so, [..., columns]."""
        return np.logical_or.reduceat(values, self.starts, axis=-1)


def of_horizon(record: Record, horizon: int) -> Record:
    """What a record of several horizons says of one, and what was computed of all; other arrays are of every one."""

    def part(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[horizon] if value.ndim > 1 else value
        return None if value is None else of_horizon(value, horizon)

    one = object.__new__(type(record))
    vars(one).update({name: part(value) for name, value in vars(record).items()})
    return one

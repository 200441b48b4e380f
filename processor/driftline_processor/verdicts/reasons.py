"""Reasons: what moved, what qualifies it, and what may have gone unseen. A verdict carries some, in the order of its
sentence; monitors find them, `wording` renders them.

Shares are of rows, from 0 to 1.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

TRUE: Final = "True"
FALSE: Final = "False"
"""Categories of booleans. What moved is told of the first."""


class Bound(NamedTuple):
    """An end of a range of numbers, and the significant digits that tell it from its neighbours; 0: all of them."""

    value: float
    digits: int


class Region(Enum):
    """Which rows a share is of."""

    BELOW_MINIMUM = "below_minimum"  # of the training data
    UP_TO = "up_to"
    WITHIN = "within"
    OUTSIDE = "outside"
    ABOVE = "above"
    ABOVE_MAXIMUM = "above_maximum"
    HIGHER_RANK = "higher_rank"  # than in training: the chance that a value exceeds one of training
    CATEGORY = "category"
    OTHER_CATEGORIES = "other_categories"
    SAME_SIDE = "same_side"  # of the medians of two columns
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Moved:
    """The share of an event was `before` in training, at this time of the day, and is `after`; see `InThePast`, too.

    low, high: ends of a range. name: of a category, or a state. members: of a pair of columns.
    """

    region: Region
    before: float
    after: float
    low: Bound | None = None
    high: Bound | None = None
    name: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """A share of rows at values that training never saw: categories, the most frequent first, or a range of numbers.

    more: categories beside those that are named.
    """

    share: float
    categories: tuple[str, ...] = ()
    more: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ChangedDecimals:
    """Numbers with so many decimals, `level`, were a share of `before` in training and are one of `after`.

    usual: how many most numbers had in training.
    """

    usual: str
    level: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ManyCategories:
    """Many categories moved a little each: by that share of the rows in all."""

    share: float


@dataclass(frozen=True, slots=True)
class ManyColumns:
    """Many columns of a block moved a little each: about so many, by that share of the rows. most: those that did most.

    columns: in the block.
    """

    moved: int
    columns: int
    share: float
    most: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoRows:
    """The column has no values."""


@dataclass(frozen=True, slots=True)
class ConstantMembers:
    """A pair of columns of which one is constant, or both: nothing shows how they go together."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DetectionLimit:
    """A smaller move than this share of the rows may have gone unseen. chunks: time chunks of the training data."""

    move: float
    chunks: int


@dataclass(frozen=True, slots=True)
class Widened:
    """More is tolerated than was asked for: as few effective rows tell little, or as the training data itself varies.

    hours: of the training data, where they are too few to know a day.
    """

    asked: float
    tolerated: float
    rows: float | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True)
class Multiplied:
    """What moved is rare in training, and judged by its ratio: so many times as many rows, or as few, are enough."""

    ratio: float


@dataclass(frozen=True, slots=True)
class InSeason:
    """The share is as it was in training at the same time of that cycle: "time of day", "time of week", …"""

    cycle: str
    share: float


@dataclass(frozen=True, slots=True)
class MayBeSeason:
    """A season may have done it: it may move a column so far, of which the stream has shown a part in so many days.

    timed: the training data has timestamps, in stretches that are too long to tell.
    """

    allowed: float
    shown: float
    days: float
    timed: bool


@dataclass(frozen=True, slots=True)
class InThePast:
    """What was before is of the stream's own windows since then, nanoseconds, not of training.

    most: whether it is the most that any of them had; else the least.
    """

    since: int
    most: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """The move is of several windows together; the last of them by itself is healthy."""


@dataclass(frozen=True, slots=True)
class ExplainedByMembers:
    """A pair of columns moves as these members of it do."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A row occurs so many `times` in the window, and in as many rows of training the `usual` times, on average.

    rows: of the window, which tell as much as `effective` ones. most: share of one row that alone is repeated.
    """

    times: float
    usual: float
    rows: float
    effective: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class ClockOff:
    """A column tells the time, of this kind, and a share of the rows has values of another time.

    behind: seconds that it is behind, about; negative where it is ahead; None where that is not known.
    """

    clock: str
    share: float
    behind: float | None = None


@dataclass(frozen=True, slots=True)
class OutcomesMoved:
    """Outcomes given predictions: `before` is what training expects of these rows, and they are `after`.

    what: "label", the share of a class among rows with such scores; "right", of right predictions; "wrong", of wrong
    ones among all; "bias", the mean error, or "size", its mean size, in standard deviations of training. low, high: of
    scores. selection: labels may be no random sample, and be the reason.
    """

    what: str
    before: float
    after: float
    name: str | None = None
    low: float | None = None
    high: float | None = None
    selection: bool = False

    @property
    def of_errors(self) -> bool:
        """Whether it is of numbers, in standard deviations."""
        return self.what in ("bias", "size")


@dataclass(frozen=True, slots=True)
class ExplainedByBlock:
    """A column moves as the block does that it belongs to, whose alarm tells of it."""

    block: str


@dataclass(frozen=True, slots=True)
class LooksLike:
    """What explains nearly all of a column's move: another unit, column, default or spelling in place of training's.

    change: factor, offset, swapped, default or encoding. other: the column that it looks like, or what texts differ in.
    value: of a default; share: of the rows that have it; missing: it took the place of missing values.
    """

    column: str
    change: str
    factor: float | None = None
    offset: float | None = None
    units: str | None = None
    other: str | None = None
    value: float | None = None
    share: float | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class SegmentStandsOut:
    """A part of the rows: those with some bins or categories, `labels`, of these columns.

    segment: weak, growing, cold, unserved, untrained or drift. measure: of value and elsewhere: "error", "low
    confidence", "share", or "inside" for a column, `aspect`, that is in the range `inside`. rows, share: of the
    segment. value: in the segment, with its interval, low and high; elsewhere: in the other rows, or in training.
    dated: whether training is large enough to say that it was not so before.
    """

    segment: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    measure: str
    rows: float
    share: float
    reference_share: float
    value: float
    elsewhere: float
    low: float
    high: float
    dated: bool = True
    aspect: str = ""
    inside: str = ""


@dataclass(frozen=True, slots=True)
class StillOpen:
    """The alarm of the column is open since then, nanoseconds, though these rows do not show what it is about."""

    since: int


@dataclass(frozen=True, slots=True)
class Stated:
    """A sentence whose reasons are not known: an older version has stored it."""

    sentence: str


Reason: TypeAlias = (
    Moved
    | NeverSeen
    | ChangedDecimals
    | ManyCategories
    | ManyColumns
    | NoRows
    | ConstantMembers
    | DetectionLimit
    | Widened
    | Multiplied
    | InSeason
    | MayBeSeason
    | InThePast
    | Recovered
    | ExplainedByMembers
    | Repeated
    | ClockOff
    | SegmentStandsOut
    | ExplainedByBlock
    | LooksLike
    | OutcomesMoved
    | StillOpen
    | Stated
)

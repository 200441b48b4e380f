"""A cell that stands out in one stretch, before it is known whether it is news."""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

WEAK: Final = "weak"
GROWING: Final = "growing"
COLD: Final = "cold"
UNSERVED: Final = "unserved"
UNTRAINED: Final = "untrained"
DRIFT: Final = "drift"

KINDS: Final = (WEAK, GROWING, COLD, UNSERVED, UNTRAINED, DRIFT)

ERROR: Final = "error"
LOW_CONFIDENCE: Final = "low confidence"
SHARE: Final = "share"


Key: TypeAlias = tuple[str, str, int, int | None]
"""Of a finding: family, measure, cell and aspect."""

_FAMILIES: Final = {UNTRAINED: GROWING, COLD: WEAK}


class Counted(NamedTuple):
    """Events of a cell: seen, and in training. exposure, trained_exposure: rows behind both."""

    x: float
    trained: float
    exposure: float
    trained_exposure: float


class Told(NamedTuple):
    """The numbers of a finding.

    value: what stands out: of the rows in the segment those that are wrong, unsure or in a range; of shares the
    segment's own. elsewhere: of errors those of the other rows, else the same of training. low, high: of value, by a
    95 % interval. surely: how far value is off at the least, and tolerated: how far it may be, both in shares.
    """

    value: float
    elsewhere: float
    low: float
    high: float
    surely: float
    tolerated: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cell at the relaxed level of a confirmation.

    strict: also at the level of a first look. aspect: the column that moved inside, of a drift. codes: of it that are
    many now. score: evidence less what looking at so many cells costs. harm: rows that surely need not be so.
    """

    kind: str
    measure: str
    cell: int
    strict: bool
    score: float
    counted: Counted
    rows: float
    share: float
    reference_share: float
    told: Told
    harm: float
    aspect: int | None = None
    codes: tuple[int, int] = (0, 0)

    @property
    def family(self) -> str:
        """Growing and untrained are one story, seen from two sides; so are weak and cold."""
        return _FAMILIES.get(self.kind, self.kind)

    @property
    def key(self) -> Key:
        """What stays the same from one stretch to another."""
        return self.family, self.measure, self.cell, self.aspect


def interval(events: float, rows: float) -> tuple[float, float]:
    """A 95 % interval of a share. Source: Wilson 1927.

    >>> low, high = interval(5, 100)
    >>> round(low, 3), round(high, 3)
    (0.022, 0.112)
    """
    z = 1.96
    if rows <= 0:
        return 0.0, 1.0
    p = min(max(events / rows, 0.0), 1.0)
    middle = (p + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * ((p * (1 - p) / rows + z * z / (4 * rows * rows)) ** 0.5) / (1 + z * z / rows)
    return max(middle - half, 0.0), min(middle + half, 1.0)

"""What columns held before they moved: their last three windows that are not part of an alarm, column by column."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

_FIELDS: Final = 6
"""Numbers of a column in a vector of counts besides its bins."""


@dataclass(slots=True)
class CalmWindows:
    """Mutable, part of the trailing windows.

    A change in the middle of one window shows whole against the one before, and how fast a column moves by itself shows
    between the two before that. newer, older, oldest: vectors of counts; ended: when the newest one was over,
    nanoseconds, [columns]. proven: columns that have been seen not to change from one window to the next; clock: those
    that always do, [columns].
    """

    newer: FloatArray
    older: FloatArray
    oldest: FloatArray
    ended: IntArray
    proven: BoolArray
    clock: BoolArray

    @classmethod
    def begin(cls, counts: FloatArray, ended: int, proven: BoolArray, clock: BoolArray) -> "CalmWindows":
        """With the reference's own counts."""
        return cls(counts, counts, counts, np.full(len(proven), ended, np.int64), proven.copy(), clock.copy())

    def copy(self) -> "CalmWindows":
        """As it is now."""
        return replace(self, proven=self.proven.copy(), clock=self.clock.copy())

    def advance(self, counts: FloatArray, ended: int, columns: BoolArray, sizes: IntArray) -> None:
        """These columns have been calm in a window that ended then."""
        which = np.concatenate((np.repeat(columns, sizes), np.tile(columns, _FIELDS)))
        self.oldest = np.where(which, self.older, self.oldest)
        self.older = np.where(which, self.newer, self.older)
        self.newer = np.where(which, counts, self.newer)
        self.ended = np.where(columns, ended, self.ended)


def pack(calm: CalmWindows) -> dict[str, Any]:
    """Named fields that MessagePack knows."""
    return {
        "newer": calm.newer.astype("<f8").tobytes(),
        "older": calm.older.astype("<f8").tobytes(),
        "oldest": calm.oldest.astype("<f8").tobytes(),
        "ended": calm.ended.tolist(),
        "proven": calm.proven.tolist(),
        "clock": calm.clock.tolist(),
    }


def unpack(packed: dict[str, Any]) -> CalmWindows:
    newer, older, oldest = (
        np.frombuffer(packed[name], "<f8").astype(np.float64) for name in ("newer", "older", "oldest")
    )
    flags: list[NDArray[np.bool_]] = [np.array(packed[name], bool) for name in ("proven", "clock")]
    return CalmWindows(newer, older, oldest, np.array(packed["ended"], np.int64), *flags)

"""How often the rows of the training data repeat: at once, as retries do, or wherever the data is sampled."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray

MOST_STRETCHES: Final = 256
"""Of a merged profile; of more, every other one is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class RowRepeats:
    """Of rows of some columns.

    Attributes:
        inputs: digest of the names of the columns.
        buckets: rows by hash, [BUCKETS].
        rows: rows of stretches of the data, [stretches]; those of its chunks, where it was profiled at once.
        repeats: how often a row comes again in its stretch on average, by `row_hash.repeats`, [stretches].
        rounded: how often a row comes again in all of the data if its numbers are in half precision.

    """

    inputs: str
    buckets: IntArray
    rows: IntArray
    repeats: FloatArray
    rounded: float

    def merge(self, other: "RowRepeats") -> "RowRepeats":
        """The rows of both. Raises ValueError if they are of other columns."""
        if self.inputs != other.inputs:
            raise ValueError(f"rows to merge must be of the same columns (got {self.inputs} and {other.inputs})")
        rows, repeats = np.append(self.rows, other.rows), np.append(self.repeats, other.repeats)
        step = -(-len(rows) // MOST_STRETCHES)
        return RowRepeats(
            self.inputs,
            self.buckets + other.buckets,
            rows[::step],
            repeats[::step],
            self.rounded + other.rounded,  # of data alike: it grows with the rows
        )

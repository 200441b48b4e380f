"""References that know the time of day: how much their own days differ, to hold whole days of a stream against."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.reference.chunks import COARSE
from driftline.sketch.arrays import IntArray
from driftline.sketch.time_units import DAY_SECONDS
from driftline_processor.monitors.drift.detection.overdispersion import FEW_BLOCKS
from driftline_processor.records import ReferenceColumn

FINE: Final = DAY_SECONDS / 12
"""Seconds in a chunk up to which chunks show what an hour may do, also where days have two peaks."""


def by_day(columns: Sequence[ReferenceColumn], chunk: float) -> list[ReferenceColumn] | None:
    """The columns in chunks of about a day; None where these are too few, or hold no hours apart.

    chunk: seconds in a chunk of the columns; 0 without timestamps.
    """
    if not 0.0 < chunk <= COARSE:
        return None
    together = max(round(DAY_SECONDS / chunk), 1)
    if len(columns[0].chunks) // together < FEW_BLOCKS:
        return None
    return joined(columns, np.arange(0, len(columns[0].chunks), together))


def joined(columns: Sequence[ReferenceColumn], first: IntArray) -> list[ReferenceColumn]:
    """The columns in longer chunks, of several in a row each; first: that each of them begins with."""
    return [
        replace(
            column,
            chunks=np.add.reduceat(column.chunks, first, axis=0),
            states={state: np.add.reduceat(counts, first, axis=0) for state, counts in column.states.items()},
            decimals=None if column.decimals is None else np.add.reduceat(column.decimals, first, axis=0),
        )
        for column in columns
    ]

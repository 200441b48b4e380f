"""References that know the time of day: how much their own days differ, to hold whole days of a stream against."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline_processor.records import FloatArray, ReferenceColumn
from driftline_processor.verdict.season import DAY
from driftline_processor.verdict.variation import FEW_BLOCKS

COARSE: Final = 2 / 3 * DAY
"""Seconds in a chunk from which on the chunks of a reference show next to nothing of a daily season."""

FINE: Final = DAY / 12
"""Seconds in a chunk up to which chunks show what an hour may do, also where days have two peaks."""


def by_day(columns: Sequence[ReferenceColumn], chunk: float) -> list[ReferenceColumn] | None:
    """The columns in chunks of about a day; None where these are too few. chunk: seconds in a chunk of the columns."""
    together = max(round(DAY / chunk), 1)
    if len(columns[0].chunks) // together < FEW_BLOCKS:
        return None
    return [
        replace(
            column,
            chunks=_joined(column.chunks, together),
            states={state: _joined(counts, together) for state, counts in column.states.items()},
        )
        for column in columns
    ]


def _joined(chunks: FloatArray, together: int) -> FloatArray:
    """Sums of so many chunks in a row; the last ones may be fewer."""
    return np.add.reduceat(chunks, np.arange(0, len(chunks), together), axis=0)

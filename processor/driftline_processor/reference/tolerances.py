"""The tolerance of each column of a reference: by the configuration, else its own, else that of the model."""

from collections.abc import Mapping

import numpy as np

from driftline.reference.tolerances import tolerance_of
from driftline.semconv import TARGET_PAIR
from driftline.sketch.arrays import FloatArray
from driftline_processor.records import Reference, ReferenceColumn


def column_tolerances(reference: Reference, usual: float, configured: Mapping[str, float]) -> FloatArray:
    """Shares of rows, in the order of the reference's columns, [columns].

    Args:
        reference: The reference; its columns may have tolerances of their own.
        usual: Of all others, and of pairs of inputs, whose names nobody has chosen.
        configured: By name or pattern of names, before those of the reference.

    """
    return np.array([_tolerance(column, usual, configured) for column in reference.columns.values()])


def _tolerance(column: ReferenceColumn, usual: float, configured: Mapping[str, float]) -> float:
    if column.key.target == TARGET_PAIR:
        return usual
    found = (tolerance_of(column.key.name, configured), column.tolerance, usual)
    return next(each for each in found if each is not None)


def named_columns(reference: Reference) -> list[str]:
    """The names that tolerances may be given by."""
    return [key.name for key in reference.columns if key.target != TARGET_PAIR]

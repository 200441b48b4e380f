"""Which rows are of low confidence, and which predictions are wrong: the status of a row in the lattice."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.segments.training import Flags
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.spellings import outcome_names
from driftline.sketch.values import aligned

LOW_QUANTILE: Final = 0.1
"""Share of training's rows whose confidence is low, by definition."""

WRONG_QUANTILE: Final = 0.9
"""Of numbers: errors beyond this quantile of training's are called wrong."""

STATUSES: Final = 6


def flags(confidence: FloatArray | None, label: NDArray[Any] | None, prediction: NDArray[Any] | None) -> Flags:
    """How rows are judged, by a sample of the training data. All: [rows]; None where there is no such column."""
    low = None
    if confidence is not None and np.isfinite(confidence).any():
        low = float(np.quantile(confidence[np.isfinite(confidence)], LOW_QUANTILE))
    if label is None or prediction is None or not (_are_numbers(label) and _are_numbers(prediction)):
        return Flags(low)
    errors = np.abs(aligned(prediction) - aligned(label))
    errors = errors[np.isfinite(errors)]
    if not len(errors) or _look_like_classes(label):
        return Flags(low)
    return Flags(low, float(np.quantile(errors, WRONG_QUANTILE)))


def status(
    given: Flags,
    rows: int,
    confidence: FloatArray | None = None,
    label: NDArray[Any] | None = None,
    prediction: NDArray[Any] | None = None,
) -> IntArray:
    """`low + 2 * label` of each row; of a label 0 for none, 1 for right and 2 for wrong. Arguments as of `flags`."""
    found = np.zeros(rows, np.int64)
    if confidence is not None and given.low_below is not None:
        found += confidence < given.low_below
    if label is not None and prediction is not None:
        known, wrong = _compared(given, label, prediction)
        found += np.where(known, 2 + 2 * wrong, 0)
    return found


def _compared(given: Flags, label: NDArray[Any], prediction: NDArray[Any]) -> tuple[BoolArray, BoolArray]:
    if given.error_beyond is not None:
        errors = np.abs(aligned(prediction) - aligned(label))
        return np.isfinite(errors), np.nan_to_num(errors) > given.error_beyond
    if _are_numbers(label) and _are_numbers(prediction):
        y, p = aligned(label), aligned(prediction)
        return np.isfinite(y) & np.isfinite(p), y != p
    y, p = (outcome_names(each) for each in (label, prediction))
    return np.asarray((y != "") & (p != "")), np.asarray(y != p)


def _are_numbers(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "biuf"


def _look_like_classes(label: NDArray[Any]) -> bool:
    """Few distinct whole numbers."""
    found = np.unique(aligned(label))
    found = found[np.isfinite(found)]
    return len(found) <= MOST_CLASSES and bool((found == np.round(found)).all())


MOST_CLASSES: Final = 50

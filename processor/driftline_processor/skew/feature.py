"""A feature as one side has it, and the pair of both sides on joined rows."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.reference.column_types import BOOLEAN, STRING, TIMESTAMP
from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.values import is_missing, read_truth_or_text

Values = NDArray[Any]

_READABLE: Final = 0.9
"""A column of texts is one of numbers where so many of its texts stand for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """The values of a feature on one side.

    type: of `column_types`. values: [rows] floats, NaN where missing, times in seconds; of texts objects, None where
    missing. stored: the type is part of the data, and not guessed from how a text file is written. written: numbers are
    read from texts, which have the fewest decimals that tell them apart in their type.
    """

    type: str
    values: Values
    stored: bool = True
    written: bool = False

    @property
    def is_text(self) -> bool:
        return self.type == STRING

    @property
    def missing(self) -> BoolArray:
        """[rows]."""
        if self.is_text:
            return np.fromiter(map(is_missing, self.values.tolist()), np.bool_, len(self.values))
        return np.isnan(self.values)

    def chosen(self, rows: Values) -> "Feature":
        """Some of the rows, by number or as a mask."""
        return Feature(self.type, self.values[rows], self.stored, self.written)


@dataclass(frozen=True, slots=True, eq=False)
class FeaturePair:
    """Both sides of a feature, [rows] each, as floats where `numeric`, else as objects.

    types: served, recomputed. retyped: one side has texts and the other numbers, by types that are part of the data.
    written: of each side, see `Feature`.
    """

    types: tuple[str, str]
    numeric: bool
    served: Values
    recomputed: Values
    served_missing: BoolArray
    recomputed_missing: BoolArray
    retyped: bool = False
    written: tuple[bool, bool] = (False, False)

    @property
    def is_time(self) -> bool:
        return self.numeric and TIMESTAMP in self.types

    @property
    def both(self) -> BoolArray:
        """Rows with a value on both sides. [rows]."""
        there = ~(self.served_missing | self.recomputed_missing)
        return there & np.isfinite(self.served) & np.isfinite(self.recomputed) if self.numeric else there

    def chosen(self, rows: Values) -> "FeaturePair":
        return FeaturePair(
            self.types,
            self.numeric,
            self.served[rows],
            self.recomputed[rows],
            self.served_missing[rows],
            self.recomputed_missing[rows],
            self.retyped,
            self.written,
        )

    def swapped(self) -> "FeaturePair":
        """The sides exchanged."""
        return FeaturePair(
            self.types[::-1],
            self.numeric,
            self.recomputed,
            self.served,
            self.recomputed_missing,
            self.served_missing,
            self.retyped,
            self.written[::-1],
        )


def pair(served: Feature, recomputed: Feature) -> FeaturePair:
    """Both sides in one form: numbers where both are numbers, or read as numbers."""
    types, missing = (served.type, recomputed.type), (served.missing, recomputed.missing)
    if served.is_text and recomputed.is_text:
        return FeaturePair(types, False, served.values, recomputed.values, *missing)
    stored = served.stored and recomputed.stored
    if not served.is_text and not recomputed.is_text:
        retyped = stored and (types[0] == BOOLEAN) != (types[1] == BOOLEAN)
        written = served.written, recomputed.written
        return FeaturePair(types, True, served.values, recomputed.values, *missing, retyped, written)
    numbers = [_as_numbers(each, lacking) for each, lacking in zip((served, recomputed), missing, strict=True)]
    if numbers[0] is not None and numbers[1] is not None:
        return FeaturePair(types, True, numbers[0], numbers[1], missing[0], missing[1], stored)
    texts = [_as_texts(each, lacking) for each, lacking in zip((served, recomputed), missing, strict=True)]
    return FeaturePair(types, False, texts[0], texts[1], missing[0], missing[1], stored)


def _as_numbers(feature: Feature, missing: BoolArray) -> FloatArray | None:
    """NaN where a text stands for none; None where most do not."""
    if not feature.is_text:
        return feature.values
    known = {text: read_truth_or_text(text) for text in set(feature.values[~missing].tolist())}
    numbers = np.array(
        [
            np.nan if gone or known[text] is None else known[text]
            for text, gone in zip(feature.values, missing, strict=True)
        ],
        np.float64,
    )
    readable = int(np.count_nonzero(~np.isnan(numbers)))
    return numbers if readable >= _READABLE * np.count_nonzero(~missing) else None


def _as_texts(feature: Feature, missing: BoolArray) -> Values:
    """Numbers as people write them: 1 and not 1.0."""
    if feature.is_text:
        return feature.values
    texts = np.empty(len(missing), object)
    texts[~missing] = [repr(int(v)) if v.is_integer() else repr(v) for v in feature.values[~missing].tolist()]
    return texts

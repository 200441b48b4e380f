"""Columns of texts that are numbers but for a few: what "unknown" makes of ages in a CSV, or in a column of objects.

Most rows decide what a column is, as in serving; the others are of the wrong type there, and so they are here.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.sketch.values import read_number

PROBED: Final = 100_000
"""Rows by which columns of texts are judged."""

MOST: Final = 0.8
"""Share of texts that are numbers in a column of numbers: codes such as those of diagnoses have letters more often."""

_PADDED: Final = r"^\s*0[0-9]"


class TextProbe:
    """Looks through texts of one column. written: they come from text files alone, where numbers are texts, too."""

    def __init__(self, *, written: bool) -> None:
        self._written = written
        self._numbers = self._others = 0
        self._padded = False
        self.example = ""

    def add(self, texts: Any) -> None:
        counted = pc.value_counts(texts.drop_null())
        for text, rows in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
            if read_number(text) is not None:
                self._numbers += rows
            else:
                self._others += rows
                self.example = self.example or text
        self._padded |= bool(pc.any(pc.match_substring_regex(texts, _PADDED)).as_py())

    @property
    def is_numeric(self) -> bool:
        """Whether these are numbers but for a few.

        Texts that are all numbers are meant as texts, where their container knows numbers, and so are codes with
        leading zeros.
        """
        mixed = self._written or self._others > 0
        return mixed and not self._padded and self._numbers > MOST * (self._numbers + self._others)


def numbers_among(texts: Any) -> Any:
    """Texts as an Arrow array of floats: null where missing, NaN where they are no number."""
    encoded = pc.dictionary_encode(texts)
    read = [read_number(text) for text in encoded.dictionary.to_pylist()]
    missing = np.array([number is not None and np.isnan(number) for number in read], bool)
    values = np.array([np.nan if number is None else number for number in read], np.float64)
    named = pa.array(values, pa.float64(), mask=missing, from_pandas=False)
    return named.take(encoded.indices)

"""A profile: what training data held, column by column, the whole and in chunks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from driftline.profiling.chunks import Chunks
from driftline.profiling.plan import ColumnKey
from driftline.sketch import Histogram, NumericPoints
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.exponential import TINY
from driftline.sketch.pairs import Pair


@dataclass(frozen=True, slots=True, eq=False)
class ProfileColumn:
    """A column of the data.

    type: "float", "integer", "boolean", "string", "timestamp", or "category" for numbers declared to be codes.
    numbers: the sketch of a numeric column, None for a categorical one. categories: rows by name, also of integers
    that are numeric. states: rows "missing" and "non_finite", where there are any.
    edges, of a numeric column: m of them for m + 1 cells. cell_categories, of a categorical one: k of them for k + 1
    cells, the last one for all others. cells: [chunk, cell] rows. state_cells: state -> [chunk] rows. pair: of a pair.
    """

    key: ColumnKey
    type: str
    rows: int
    numbers: NumericPoints | None
    categories: Mapping[str, int]
    states: Mapping[str, int]
    edges: FloatArray
    cell_categories: tuple[str, ...]
    cells: IntArray
    state_cells: Mapping[str, IntArray]
    pair: Pair | None = None

    @property
    def valid(self) -> int:
        """Rows with a value that is counted."""
        return self.rows - sum(self.states.values())

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest value of a numeric column, None without any.

        Exact, except where merged: there the nearest bucket edges may stand for them.
        """
        if self.numbers is None or not self.numbers.valid:
            return None
        ends = [_ends(part) for part in (self.numbers.core, *self.numbers.tails.values()) if part.count]
        return min(low for low, _ in ends), max(high for _, high in ends)


def _ends(part: Histogram) -> tuple[float, float]:
    """Smallest and largest value of a histogram with rows, or where its outermost bucket ends."""
    seen = part.intervals()
    low = float(seen.lower.min()) if part.minimum is None else part.minimum
    high = float(seen.upper.max()) if part.maximum is None else part.maximum
    return (0.0 if abs(low) <= TINY else low), high


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A training profile: the reference that live data is compared with.

    model and version: of the model that the data trained ("" where not said). rows: all rows of the data. notes: lines
    for people about what was decided; they are not saved. pairs: of inputs, each as a column with two categories.
    """

    model: str
    version: str
    rows: int
    chunks: Chunks
    columns: tuple[ProfileColumn, ...]
    notes: tuple[str, ...] = field(default=())
    pairs: tuple[ProfileColumn, ...] = field(default=())

    def merge(self, other: "Profile") -> "Profile":
        """The profile of the rows of both.

        Sketches merge exactly (at the coarser of both scales), chunks by projection on the cells of the whole. Chunks
        cut by rows put the rows of `other` after these. Pairs of inputs remain where both have them,
        held against the same medians.

        Raises:
            ProfileError: they are of different models, or have different columns.

        """
        from driftline.profiling.merge import merge

        return merge(self, other)

    def named(self, path: str | Path) -> "Profile":
        """The same with a model name: the beginning of the file's name, unless it has one."""
        return self if self.model else replace(self, model=Path(path).name.split(".")[0])

    def save(self, path: str | Path) -> None:
        """Write it as OTLP JSON, byte for byte the same for the same data.

        The file appears at once: a processor that watches its folder never reads half of it. Raises OSError.
        """
        from driftline.profiling.otlp import to_json

        half = Path(f"{path}.{os.getpid()}.tmp")
        try:
            half.write_text(to_json(self.named(path)), encoding="utf-8")
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)

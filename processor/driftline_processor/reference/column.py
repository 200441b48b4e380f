"""The points of one column of a reference, gathered, and made a ReferenceColumn."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline import semconv
from driftline.sketch import Histogram, Intervals
from driftline.sketch.arrays import FloatArray
from driftline.sketch.pairs import Pair
from driftline_processor.decode.histograms import read_histogram
from driftline_processor.records import ColumnKey, ColumnSummary, ReferenceColumn
from driftline_processor.reference.attributes import Attributes, InvalidReference, shown
from driftline_processor.reference.category_bins import codes

SKETCHES: Final = frozenset({semconv.FEATURE_VALUE, semconv.FEATURE_TAIL, semconv.OUTPUT_VALUE, semconv.OUTPUT_TAIL})
CATEGORIES: Final = {
    semconv.FEATURE_CATEGORY: semconv.CATEGORY,
    semconv.PAIR_ROWS: semconv.PAIR_SIDES,
    semconv.OUTPUT_PREDICTIONS: semconv.OUTPUT_CLASS,
}
OBSERVATIONS: Final = frozenset({semconv.FEATURE_OBSERVATIONS, semconv.OUTPUT_OBSERVATIONS})

_COUNTED: Final = frozenset({semconv.VALID, semconv.OUT_OF_RANGE})
"""States that tell how many rows sketches and categories hold: they are counted there."""

_TEXT: Final = "string"
_MOST_ROWS: Final = 1 << 53


@dataclass(slots=True)
class ColumnParts:
    """What has been found of a column. `described` and `stated` are its points in REFERENCE_COLUMN."""

    key: ColumnKey
    histograms: list[Histogram] = field(default_factory=list)
    categories: dict[str, float] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)
    described: Attributes | None = None
    rows: float = 0.0
    stated: dict[str, Attributes] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Its name in errors."""
        return f"column {shown(self.key.name)}"

    def add(self, metric: str, attributes: Attributes, point: Any) -> None:
        """A point of this column. Raises InvalidReference."""
        if metric in SKETCHES:
            self.histograms.append(self._histogram(metric, point))
        elif metric in CATEGORIES:
            self.categories[attributes.any_text(CATEGORIES[metric])] = self._count(metric, point)
        elif metric in OBSERVATIONS:
            self.states[attributes.text(semconv.FEATURE_STATE)] = self._count(metric, point)
        elif semconv.FEATURE_STATE in attributes:
            self.stated[attributes.text(semconv.FEATURE_STATE)] = attributes
        else:
            self.described, self.rows = attributes, self._count(metric, point)

    def _histogram(self, metric: str, point: Any) -> Histogram:
        if not hasattr(point, "zero_count"):
            raise InvalidReference(f"{self.place}: {metric} must be an exponential histogram")
        histogram = read_histogram(point)
        if isinstance(histogram, str):
            raise InvalidReference(f"{self.place}: {metric} {histogram}")
        return histogram

    def _count(self, metric: str, point: Any) -> float:
        if not hasattr(point, "as_int"):
            raise InvalidReference(f"{self.place}: {metric} must be a number")
        count = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
        if not 0 <= count <= _MOST_ROWS:
            raise InvalidReference(f"{self.place}: {metric} must count from 0 to 2**53 rows (got {count})")
        return count

    def column(self, chunks: int) -> ReferenceColumn:
        """The column of a reference with so many chunks. Raises InvalidReference where something is missing or odd."""
        described = self.described
        if described is None:
            raise InvalidReference(f"{self.place}: must have a point of {semconv.REFERENCE_COLUMN}")
        numeric = semconv.CELL_EDGES in described
        edges = described.ascending(semconv.CELL_EDGES) if numeric else np.zeros(0)
        categories = () if numeric else tuple(described.texts(semconv.CELL_CATEGORIES))
        kind = described.text(semconv.COLUMN_TYPE)
        stacked = [histogram.intervals() for histogram in self.histograms]
        states = {state: rows for state, rows in self.states.items() if state not in _COUNTED}
        return ReferenceColumn(
            key=self.key,
            type=kind,
            kind="numeric" if numeric else "category",
            summary=ColumnSummary(Intervals.empty().merge(*stacked), self.categories, states, self.rows, self.rows),
            edges=edges,
            categories=categories,
            coded=np.zeros(0) if numeric or kind == _TEXT else codes(categories),
            chunks=chunk_cells(described, chunks, max(len(edges), len(categories)) + 1),
            states={state: chunk_cells(attributes, chunks, 2) for state, attributes in self.stated.items()},
            pair=_pair(described) if self.key.target == semconv.TARGET_PAIR else None,
        )


def _pair(attributes: Attributes) -> Pair:
    members, thresholds = attributes.texts(semconv.PAIR_MEMBERS), attributes.numbers(semconv.PAIR_THRESHOLDS).tolist()
    if len(members) != 2 or len(thresholds) != 2:
        raise attributes.wrong(semconv.PAIR_MEMBERS, f"must be two, with {semconv.PAIR_THRESHOLDS}", members)
    return Pair((members[0], members[1]), (thresholds[0], thresholds[1]))


def chunk_cells(attributes: Attributes, chunks: int, cells: int) -> FloatArray:
    """[chunk, cell] counts, from a text."""
    lines = attributes.text(semconv.CHUNK_CELLS).split(";")
    if len(lines) != chunks:
        raise attributes.wrong(semconv.CHUNK_CELLS, f"must tell of each of the {chunks} chunks", len(lines))
    try:
        counts = [[int(count) for count in line.split()] for line in lines]
    except ValueError:
        raise attributes.wrong(semconv.CHUNK_CELLS, "must be whole numbers", lines) from None
    for line, numbers in zip(lines, counts, strict=True):
        if len(numbers) != cells or min(numbers) < 0 or max(numbers) > _MOST_ROWS:
            raise attributes.wrong(semconv.CHUNK_CELLS, f"must have {cells} counts from 0 to 2**53 in each chunk", line)
    return np.array(counts, np.float64).reshape(chunks, cells)

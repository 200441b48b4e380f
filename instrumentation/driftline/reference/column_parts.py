"""The points of one column of a reference, gathered and turned into a ProfileColumn."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.reference.errors import InvalidReference
from driftline.reference.format import (
    CATEGORIES,
    CORES,
    MOST_ROWS,
    OBSERVATIONS,
    TAILS,
    read_bins,
    read_decimals,
    read_pair,
)
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.sketch.histogram import Histogram
from driftline.sketch.otlp import read_histogram, shown
from driftline.sketch.points import NumericPoints

_CORE: Final = "core"
_TAILS: Final = (semconv.BELOW, semconv.MIDDLE, semconv.ABOVE)
_COUNTED: Final = frozenset({semconv.VALID, semconv.OUT_OF_RANGE})
"""States of rows that sketches and categories count."""


@dataclass(slots=True)
class ColumnParts:
    """The points of a column so far. described, stated: attributes of those of REFERENCE_COLUMN, `stated` by state."""

    key: ColumnKey
    histograms: dict[str, Histogram] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    described: CheckedAttributes | None = None
    rows: int = 0
    stated: dict[str, CheckedAttributes] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Its name in errors."""
        return f"column {shown(self.key.name)}"

    @property
    def position(self) -> int:
        """Among the inputs; behind them all where there is none."""
        position = None if self.described is None else self.described.count(semconv.COLUMN_POSITION)
        return MOST_ROWS if position is None else position

    def add(self, metric: str, attributes: CheckedAttributes, point: Any) -> None:
        """A point of this column. Raises InvalidReference."""
        if metric in CORES:
            self._add_histogram(metric, _CORE, point)
        elif metric in TAILS:
            self._add_histogram(metric, attributes.one_of(semconv.SKETCH_PART, _TAILS), point)
        elif metric in CATEGORIES:
            self.categories[attributes.any_text(CATEGORIES[metric])] = self._count(metric, point)
        elif metric in OBSERVATIONS:
            self.states[attributes.text(semconv.FEATURE_STATE)] = self._count(metric, point)
        elif semconv.FEATURE_STATE in attributes:
            self.stated[attributes.text(semconv.FEATURE_STATE)] = attributes
        else:
            self.described, self.rows = attributes, self._count(metric, point)

    def _add_histogram(self, metric: str, part: str, point: Any) -> None:
        if not hasattr(point, "zero_count"):
            raise InvalidReference(f"{self.place}: {metric} must be an exponential histogram")
        if part in self.histograms:
            raise InvalidReference(f"{self.place}: {metric} must have one point of each part (got a second one)")
        histogram = read_histogram(point)
        if isinstance(histogram, str):
            raise InvalidReference(f"{self.place}: {metric} {histogram}")
        self.histograms[part] = histogram

    def _count(self, metric: str, point: Any) -> int:
        if not hasattr(point, "as_int"):
            raise InvalidReference(f"{self.place}: {metric} must be a number")
        count = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
        if not 0 <= count <= MOST_ROWS or not count.is_integer():
            raise InvalidReference(f"{self.place}: {metric} must count from 0 to 2**53 rows (got {count})")
        return int(count)

    def column(self, chunks: int) -> ProfileColumn:
        """The column of a reference with so many chunks. Raises InvalidReference if something is missing or wrong."""
        described = self.described
        if described is None:
            raise InvalidReference(f"{self.place}: must have a point of {semconv.REFERENCE_COLUMN}")
        numeric = semconv.CELL_EDGES in described
        edges = described.ascending(semconv.CELL_EDGES) if numeric else np.zeros(0)
        categories = () if numeric else tuple(described.texts(semconv.CELL_CATEGORIES))
        states = {state: rows for state, rows in self.states.items() if state not in _COUNTED}
        return ProfileColumn(
            key=self.key,
            type=described.text(semconv.COLUMN_TYPE),
            rows=self.rows,
            numbers=self._numbers() if numeric else None,
            categories=self.categories,
            states=states,
            edges=edges,
            bin_categories=categories,
            bins=read_bins(described, chunks, max(len(edges), len(categories)) + 1),
            state_rows={state: read_bins(attributes, chunks, 2)[:, 1] for state, attributes in self.stated.items()},
            pair=read_pair(described) if self.key.target == semconv.TARGET_PAIR else None,
            tolerance=described.tolerance(semconv.COLUMN_TOLERANCE),
            block=described.text(semconv.COLUMN_BLOCK) if semconv.COLUMN_BLOCK in described else None,
            cluster=described.text(semconv.COLUMN_CLUSTER) if semconv.COLUMN_CLUSTER in described else None,
            decimals=read_decimals(described, chunks) if numeric else None,
        )

    def _numbers(self) -> NumericPoints:
        tails = {part: histogram for part, histogram in self.histograms.items() if part != _CORE}
        core = self.histograms.get(_CORE)
        if core is None:  # every value lies in the tails
            core = Histogram.empty(max((tail.scale for tail in tails.values()), default=0))
        missing, non_finite = (self.states.get(state, 0) for state in (semconv.MISSING, semconv.NON_FINITE))
        return NumericPoints(core, tails, missing, non_finite)

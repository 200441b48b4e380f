"""A window against a reference: every column aligned, described, and judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from driftline_processor.column import ColumnComparison
from driftline_processor.distribution import class_shares, kish, numbers
from driftline_processor.records import ColumnKey, ColumnResult, Reference, Tally

MOST_ALPHA = 0.001
"""False alarms allowed for one column in one evaluation, at most: rare evaluations would get a tenth each otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A reference, prepared for the windows to come; columns are prepared when they are first needed."""

    reference: Reference
    tolerance: float
    chunk: float | None  # mean duration of a chunk in seconds, where the reference has a clock
    _columns: dict[ColumnKey, "ColumnComparison"] = field(default_factory=dict)

    @classmethod
    def of(cls, reference: Reference, tolerance: float) -> "Comparison":
        """Prepare `reference`; `tolerance` is the distance that does not matter yet, a share of rows."""
        chunk = float((reference.ends - reference.starts).mean()) if reference.clock and len(reference.starts) else 0.0
        return cls(reference, tolerance, chunk if chunk > 0.0 else None)

    def window(self, tallies: Mapping[ColumnKey, Tally], budget: float, duration: int) -> tuple[ColumnResult, ...]:
        """Judge a window of `duration` nanoseconds, with `budget` false alarms allowed in all of its columns together.

        Columns of the reference come first, those without rows too; columns that it does not know are described only.
        """
        alpha = min(budget / max(len(self.reference.columns), 1), MOST_ALPHA)
        chunks = None if self.chunk is None else duration / 1e9 / self.chunk
        known = (self._column(key).result(tallies.get(key, Tally()), alpha, chunks) for key in self.reference.columns)
        unknown = {key: tally for key, tally in tallies.items() if key not in self.reference.columns}
        return (*known, *describe_window(unknown))

    def _column(self, key: ColumnKey) -> "ColumnComparison":
        if key not in self._columns:
            self._columns[key] = ColumnComparison.of(self.reference.columns[key], self.tolerance)
        return self._columns[key]


def describe_window(tallies: Mapping[ColumnKey, Tally]) -> tuple[ColumnResult, ...]:
    """What columns hold, where there is nothing to compare them with."""
    return tuple(
        ColumnResult(
            column=key,
            rows=tally.rows,
            effective_rows=tally.rows * kish(tally),
            reference_rows=0.0,
            statistics={},
            distribution=numbers(tally),
            shares=class_shares(tally.categories),
            verdict=None,
        )
        for key, tally in tallies.items()
    )

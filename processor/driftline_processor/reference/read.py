"""A training profile as the Reference that live data is compared with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from driftline.reference import read
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ProfileColumn
from driftline.reference.read import StoredProfile
from driftline.reference.row_repeats import RowRepeats
from driftline.semconv import TARGET_INPUT
from driftline.sketch import Intervals
from driftline.sketch.row_hash import HashedInputs
from driftline_processor.records import ColumnSummary, Reference, ReferenceColumn
from driftline_processor.reference.category_bins import with_minor


def read_file(path: Path) -> Reference:
    """The reference in a file of OTLP JSON. Raises InvalidReference, which names the file."""
    return _reference(read.read_file(path))


def read_reference(request: Any) -> Reference:
    """The reference in an ExportMetricsServiceRequest or MetricsData. Raises InvalidReference."""
    return _reference(read.read_reference(request))


def _reference(stored: StoredProfile) -> Reference:
    profile = stored.profile
    columns = sorted((*profile.columns, *profile.pairs), key=lambda column: column.key)
    return Reference(
        id=stored.id,
        name=profile.model,
        version=profile.version,
        provisional=False,
        has_timestamps=profile.chunks.has_timestamps,
        starts=profile.chunks.starts,
        ends=profile.chunks.ends,
        columns=with_minor({column.key: _column(column) for column in columns}),
        inputs=tuple(column.key.name for column in profile.columns if column.key.target == TARGET_INPUT),
        row_repeats=_row_repeats(profile),
        clocks=profile.clocks,
        outcomes=profile.outcomes,
        segments=profile.segments,
    )


def _row_repeats(profile: Profile) -> dict[str, RowRepeats]:
    """By the digest of the inputs; also of inputs that a model without feature names has as x0, x1, …"""
    found = {each.inputs: each for each in profile.row_repeats}
    names = [column.key.name for column in profile.columns if column.key.target == TARGET_INPUT]
    numbered = HashedInputs.of(f"x{place}" for place in range(len(names))).digest
    of_inputs = found.get(HashedInputs.of(names).digest)
    return found if of_inputs is None else {numbered: of_inputs, **found}


def _column(column: ProfileColumn) -> ReferenceColumn:
    numeric = column.numbers is not None
    intervals = column.numbers.intervals() if column.numbers is not None else Intervals.empty()
    rows, chunk_rows = float(column.rows), column.chunk_rows
    return ReferenceColumn(
        key=column.key,
        type=column.type,
        kind="numeric" if numeric else "category",
        summary=ColumnSummary(intervals, _floats(column.categories), _floats(column.states), rows, rows),
        edges=column.edges,
        categories=column.bin_categories,
        chunks=column.bins.astype(np.float64),
        states={
            state: np.column_stack((chunk_rows - counts, counts)).astype(np.float64)
            for state, counts in column.state_rows.items()
        },
        pair=column.pair,
        tolerance=column.tolerance,
        block=column.block,
        cluster=column.cluster,
        decimals=None if column.decimals is None else column.decimals.astype(np.float64),
    )


def _floats(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: float(count) for name, count in counts.items()}

"""How much of a finding is left in a later stretch: half of it, and its alarm closes."""

from dataclasses import replace
from typing import Final

import numpy as np

from driftline.segments.lattice import CODES
from driftline.segments.training import LABELLED, LOW, ROWS, WRONG
from driftline_processor.monitors.segments.candidate import DRIFT, ERROR, UNSERVED, WEAK, Candidate, Counted
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.judge import MIN_ROWS, Bench

HALF: Final = 0.5


def is_over(bench: Bench, stretch: Stretch, found: Candidate) -> bool:
    """Whether surely no more than half of a finding is left, by the rows of a later stretch."""
    if found.family == WEAK:
        return _weak_is_over(bench, stretch, found)
    if found.family == DRIFT:
        return _drift_is_over(bench, stretch, found)
    return _share_is_back(bench, stretch, found)


def counted_again(bench: Bench, stretch: Stretch, found: Candidate) -> Candidate:
    """A finding by the rows of another stretch: what is left of others beside it is known by these."""
    cell, sums, trained = found.cell, stretch.sums, bench.training.sums
    if found.family == WEAK:
        error = found.measure == ERROR
        of, flag, level = (LABELLED, WRONG, stretch.wrong) if error else (ROWS, LOW, stretch.low)
        exposure = max(float(sums[of, cell]), float(level[cell]))
        counted = Counted(float(sums[flag, cell]), float(trained[flag, cell]), exposure, float(trained[of, cell]))
        return replace(found, counted=counted)
    past = float(trained[ROWS, cell])
    exposure = _expected(bench, stretch, cell) / max(past, 1.0)
    return replace(found, counted=Counted(float(sums[ROWS, cell]), past, exposure, 1.0))


def _weak_is_over(bench: Bench, stretch: Stretch, found: Candidate) -> bool:
    of, flag = (LABELLED, WRONG) if found.measure == ERROR else (ROWS, LOW)
    rows, flagged = float(stretch.sums[of, found.cell]), float(stretch.sums[flag, found.cell])
    if rows < MIN_ROWS:
        return False
    others = bench.lattice.rows(stretch.sums[of].astype(np.float64)) - rows
    elsewhere = (bench.lattice.rows(stretch.sums[flag].astype(np.float64)) - flagged) / max(others, 1.0)
    trained = float(bench.training.sums[flag, found.cell]) / max(float(bench.training.sums[of, found.cell]), 1.0)
    usual = max(trained, elsewhere) if found.measure == ERROR else trained
    return flagged / rows - usual <= HALF * (found.told.value - usual)


def _share_is_back(bench: Bench, stretch: Stretch, found: Candidate) -> bool:
    seen, rows = float(stretch.sums[ROWS, found.cell]), bench.rows(stretch)
    expected = _expected(bench, stretch, found.cell)
    if found.kind == UNSERVED:
        return expected >= MIN_ROWS and seen >= HALF * expected
    grown = max(found.counted.x, 1.0) / max(found.counted.exposure * found.counted.trained, 0.5)
    return rows >= MIN_ROWS and (seen + 0.5) / max(expected, 0.5) <= max(grown, 1.0) ** HALF


def _expected(bench: Bench, stretch: Stretch, cell: int) -> float:
    if cell < bench.lattice.singles:
        return float(bench.training.sums[ROWS, cell]) * bench.rows(stretch) / max(bench.training.rows, 1.0)
    return float(stretch.pairs.ravel()[cell - bench.lattice.singles])


def _drift_is_over(bench: Bench, stretch: Stretch, found: Candidate) -> bool:
    row = row_of(bench, stretch, found)
    rows, (low, high) = float(row.sum()), found.codes
    if rows < MIN_ROWS:
        return False
    now = float(row[low : high + 1].sum()) / rows
    return abs(now - found.told.elsewhere) <= HALF * abs(found.told.value - found.told.elsewhere)


def row_of(bench: Bench, stretch: Stretch, found: Candidate) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Rows of a segment by the codes of the column that moved in it, [CODES]."""
    lattice, own, other = bench.lattice, found.cell // CODES, found.aspect
    tables = lattice.tables(stretch.sums[ROWS])
    straight = np.flatnonzero((lattice.first == own) & (lattice.second == other))
    if len(straight):
        return np.asarray(tables[straight[0], found.cell % CODES], np.float64)
    turned = np.flatnonzero((lattice.first == other) & (lattice.second == own))
    return np.asarray(tables[turned[0], :, found.cell % CODES], np.float64)

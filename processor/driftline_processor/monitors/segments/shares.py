"""Segments whose share of the rows has grown, that are new to the model, or that are no longer served.

A pair of columns is judged given its two columns, against training's table fitted to their margins: what only follows
from them is no finding, and neither is the season of a single column. Training's own share has to be beaten, too: it is
what a finding is told beside.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.training import ROWS
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.segments.candidate import (
    GROWING,
    SHARE,
    UNSERVED,
    UNTRAINED,
    Candidate,
    Counted,
    Told,
    interval,
)
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.evidence import (
    NINETY_FIVE,
    Nature,
    beyond_nature,
    deviation,
    probability,
    ratio_bound,
    tail,
)
from driftline_processor.monitors.segments.judge import CONFIRM, MIN_ROWS, RATIO, Bench, Level

GONE: Final = 0.1
"""A segment is no longer served where surely less than this part of its rows is left."""

LEAST_SHARE: Final = 0.002
"""Of the rows, for a pair."""


class _Cells(NamedTuple):
    """Arrays, one number a cell. exposure: how many times training's count was to be expected.

    width: of the ratio of both counts, as a factor.
    """

    cell: IntArray
    x: FloatArray
    trained: FloatArray
    exposure: FloatArray
    width: FloatArray
    chance: FloatArray
    strict: BoolArray


def shares(bench: Bench, stretch: Stretch, level: Level) -> list[Candidate]:
    """The segments whose share of the rows has changed."""
    found: list[Candidate] = []
    for upper in (True, False):
        for cells in (_singles(bench, stretch, level, upper=upper), _pairs(bench, stretch, level, upper=upper)):
            found += _told(bench, stretch, cells, upper=upper)
    return found


def _singles(bench: Bench, stretch: Stretch, level: Level, *, upper: bool) -> _Cells:
    singles = bench.lattice.singles
    x, trained = stretch.sums[ROWS, :singles].astype(np.float64), bench.training.sums[ROWS, :singles]
    exposure = bench.rows(stretch) / max(bench.training.rows, 1.0)
    bound = ratio_bound(x, exposure * trained + 0.5 * min(exposure, 1.0), trained, upper=upper)
    hot = (bound > RATIO) & (x >= MIN_ROWS) if upper else (bound < GONE) & (exposure * trained >= MIN_ROWS)
    cell = np.flatnonzero(hot)
    x, trained = x[cell], trained[cell]
    nature = Nature(bench.spread("shares", level.duration, cell), bench.variation.degrees(level.duration))
    alpha = level.alpha / 4 / singles
    kept = beyond_nature(x, trained, exposure, nature, alpha, upper=upper)
    strict = beyond_nature(x, trained, exposure, nature, alpha / CONFIRM, upper=upper)
    chance = tail(x, trained, exposure, upper=upper)
    width = np.exp(NINETY_FIVE * np.sqrt(1 / (x + 0.5) + 1 / (trained + 0.5)))
    ratio = np.full(len(cell), exposure)
    return _Cells(cell[kept], x[kept], trained[kept], ratio[kept], width[kept], chance[kept], strict[kept])


def _pairs(bench: Bench, stretch: Stretch, level: Level, *, upper: bool) -> _Cells:
    lattice, rows = bench.lattice, bench.rows(stretch)
    seen = lattice.tables(stretch.sums[ROWS]).astype(np.float64)
    trained, expected = lattice.tables(bench.training.sums[ROWS]), stretch.pairs.astype(np.float64)
    excess = rows * bench.variation.squared("pairs", level.duration)
    dispersion = 1 + np.maximum(excess[0][:, :, None], excess[1][:, None, :])
    width = np.exp(NINETY_FIVE * np.sqrt(dispersion / (seen + 0.5) + 1 / (trained + 0.5)))
    before = trained * (rows / max(bench.training.rows, 1.0))
    if upper:
        usual = np.maximum(expected, before) + 0.5 * (trained < 1)
        hot = (seen + 0.5 > RATIO * width * usual) & (seen >= MIN_ROWS)
        hot &= seen > LEAST_SHARE * rows
    else:
        usual = np.minimum(expected, before)
        hot = (seen + 0.5) * width < GONE * usual
        hot &= (usual >= MIN_ROWS) & (usual > LEAST_SHARE * rows)
    cell = lattice.singles + np.flatnonzero(hot)
    x, past, spread = seen[hot], trained[hot], dispersion[hot]
    exposure = np.maximum(expected[hot], 1e-9) / np.maximum(past, 1.0)
    z = deviation(tail(x, past, exposure, upper=upper)) / np.sqrt(spread)
    chance = probability(z, spread, bench.variation.degrees(level.duration))
    alpha = level.alpha / 4 / max(lattice.cells - lattice.singles, 1)
    kept = chance < alpha
    strict = chance < alpha / CONFIRM
    return _Cells(cell[kept], x[kept], past[kept], exposure[kept], width[hot][kept], chance[kept], strict[kept])


def _told(bench: Bench, stretch: Stretch, cells: _Cells, *, upper: bool) -> Iterator[Candidate]:
    rows, trained_rows = bench.rows(stretch), bench.training.rows
    for i, cell in enumerate(cells.cell.tolist()):
        x, trained, width = float(cells.x[i]), float(cells.trained[i]), float(cells.width[i])
        share, before = x / max(rows, 1.0), trained / max(trained_rows, 1.0)
        kind = UNSERVED if not upper else GROWING if trained else UNTRAINED
        excess = abs(x - float(cells.exposure[i]) * trained)
        yield Candidate(
            kind,
            SHARE,
            cell,
            strict=bool(cells.strict[i]),
            score=float(-np.log(max(cells.chance[i], 1e-300)) - np.log(bench.depth(cell))),
            counted=Counted(x, trained, float(cells.exposure[i]), 1.0),
            rows=x,
            share=share,
            reference_share=before,
            told=Told(share, before, *interval(x, rows), *_least(x / max(rows, 1.0), before, width, upper=upper)),
            harm=excess,
        )


def _least(share: float, before: float, width: float, *, upper: bool) -> tuple[float, float]:
    """How far a share surely is from training's, and how far it may be."""
    if upper:
        return max(share / width - before, 0.0), (RATIO - 1.0) * before
    return max(before - share * width, 0.0), (1.0 - GONE) * before

"""Weak segments: more errors, or less confidence, than elsewhere and than in training.

Errors have to beat the other rows and the cell's own past, an intersection of tests (Berger 1982). Low confidence has
to beat the cell's own past alone: a sure segment that falls to the average is news, too.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.training import LABELLED, LOW, ROWS, WRONG
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.segments.candidate import (
    ERROR,
    LOW_CONFIDENCE,
    WEAK,
    Candidate,
    Counted,
    Told,
    interval,
)
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.evidence import NINETY_FIVE, Nature, beyond_nature, ratio_bound, tail
from driftline_processor.monitors.segments.judge import CONFIRM, MIN_ROWS, RATIO, Bench, Level

LEAST_EXCESS: Final = 0.01
"""Of the rows of a segment: fewer errors more than elsewhere do not matter."""

TIMES_THE_TRAINING: Final = 10.0
"""Where so many times as much training data of the same rates would prove a segment, training is too small to."""


class Flag(NamedTuple):
    """What is counted. of, flag: of the sums. nature: name of its variation."""

    measure: str
    of: int
    flag: int
    nature: str


FLAGS: Final = (Flag(ERROR, LABELLED, WRONG, "wrong"), Flag(LOW_CONFIDENCE, ROWS, LOW, "low"))


class Weakness(NamedTuple):
    """Candidates, and cells that are weaker than elsewhere though training is too small to say since when."""

    candidates: list[Candidate]
    undated: list[Candidate]


class _Cells(NamedTuple):
    """Arrays, one number a cell. x of rows are flagged, trained of training's trained_rows.

    expected: rows at the level of the whole. others of other_rows elsewhere: what x is compared with first.
    """

    cell: IntArray
    x: FloatArray
    rows: FloatArray
    trained: FloatArray
    trained_rows: FloatArray
    expected: FloatArray
    others: FloatArray
    other_rows: FloatArray
    alpha: FloatArray

    def where(self, chosen: BoolArray) -> "_Cells":
        return _Cells(self.cell[chosen], *(each[chosen] for each in self[1:]))


def weak(bench: Bench, stretch: Stretch, level: Level) -> Weakness:
    """The weak segments of a stretch, by error and by confidence."""
    candidates: list[Candidate] = []
    undated: list[Candidate] = []
    for flag in FLAGS:
        found = _of_flag(bench, stretch, flag, level)
        candidates += found.candidates
        undated += found.undated
    return Weakness(candidates, undated)


def _of_flag(bench: Bench, stretch: Stretch, flag: Flag, level: Level) -> Weakness:
    cells = _cells(bench, stretch, flag, level)
    cells = cells.where(cells.x > RATIO * cells.rows * cells.others / cells.other_rows)
    chance = tail(cells.x, cells.others, cells.rows / cells.other_rows, upper=True)
    first = chance < cells.alpha
    cells, chance = cells.where(first), chance[first]
    if not len(cells.cell):
        return Weakness([], [])
    exposure = cells.expected / np.maximum(cells.trained_rows, 1e-9)
    nature = Nature(bench.spread(flag.nature, level.duration, cells.cell), bench.variation.degrees(level.duration))
    share = level.alpha / len(cells.cell)
    sure = (chance < cells.alpha / CONFIRM) & beyond_nature(
        cells.x, cells.trained, exposure, nature, share / CONFIRM, upper=True
    )
    bound = ratio_bound(cells.x, exposure * (cells.trained + 0.5), cells.trained, upper=True)
    excess = cells.x / cells.rows - cells.others / cells.other_rows
    surely = excess - NINETY_FIVE * np.sqrt(np.maximum(cells.x, 1.0)) / cells.rows
    matters = surely > LEAST_EXCESS
    proven = beyond_nature(cells.x, cells.trained, exposure, nature, share, upper=True) & (bound > RATIO) & matters
    found = list(_told(bench, stretch, flag, cells, (proven, sure, chance, surely)))
    if flag.measure != ERROR:
        return Weakness(found, [])
    unsure = matters & ~proven & (cells.x > RATIO * exposure * (cells.trained + 0.5)) & (chance < cells.alpha / CONFIRM)
    larger = beyond_nature(
        cells.x,
        cells.trained * TIMES_THE_TRAINING,
        exposure / TIMES_THE_TRAINING,
        nature,
        share / CONFIRM,
        upper=True,
    )
    undated = _told(bench, stretch, flag, cells, (unsure & larger, sure, chance, surely))
    return Weakness(found, list(undated))


def _cells(bench: Bench, stretch: Stretch, flag: Flag, level: Level) -> _Cells:
    sums, trained = stretch.sums.astype(np.float64), bench.training.sums
    cell = np.flatnonzero(sums[flag.of] >= MIN_ROWS)
    x, rows = sums[flag.flag, cell], sums[flag.of, cell]
    past, past_rows = trained[flag.flag, cell], trained[flag.of, cell]
    level_rows = (stretch.wrong if flag.measure == ERROR else stretch.low)[cell].astype(np.float64)
    expected = np.maximum(rows, level_rows)
    if flag.measure == ERROR:
        others = bench.lattice.rows(sums[flag.flag]) - x
        other_rows = np.maximum(bench.lattice.rows(sums[flag.of]) - rows, 1.0)
    else:
        others, other_rows = past + 0.5, np.maximum(past_rows * rows / expected, 0.5)
    single = cell < bench.lattice.singles
    singles = max(int(single.sum()), 1)
    alpha = level.alpha / 2 / np.where(single, singles, max(len(cell) - singles, 1))
    return _Cells(cell, x, rows, past, past_rows, expected, others, other_rows, alpha)


def _elsewhere(bench: Bench, stretch: Stretch, flag: Flag, cells: _Cells) -> FloatArray:
    """What a cell is told beside: of errors the other rows, of confidence its own past, as it is judged."""
    if flag.measure != ERROR:
        return cells.trained / np.maximum(cells.trained_rows, 1.0)
    rows = bench.lattice.rows(stretch.sums[flag.of].astype(np.float64)) - cells.rows
    flagged = bench.lattice.rows(stretch.sums[flag.flag].astype(np.float64)) - cells.x
    return np.asarray(flagged / np.maximum(rows, 1.0))


def _chance_elsewhere(bench: Bench, stretch: Stretch, flag: Flag, cells: _Cells) -> FloatArray:
    """Probability of as many flags at the rate of the other rows of the stretch: cells are ranked by it, too."""
    rows = bench.lattice.rows(stretch.sums[flag.of].astype(np.float64)) - cells.rows
    flagged = bench.lattice.rows(stretch.sums[flag.flag].astype(np.float64)) - cells.x
    return tail(cells.x, np.maximum(flagged, 0.0), cells.rows / np.maximum(rows, 1.0), upper=True)


def _told(
    bench: Bench,
    stretch: Stretch,
    flag: Flag,
    cells: _Cells,
    found: tuple[BoolArray, BoolArray, FloatArray, FloatArray],
) -> Iterator[Candidate]:
    chosen, sure, own, surely = found
    chance = np.maximum(
        own, _chance_elsewhere(bench, stretch, flag, cells)
    )  # what has no flags in training wins all else
    every, trained_rows, elsewhere = bench.rows(stretch), bench.training.rows, _elsewhere(bench, stretch, flag, cells)
    for i in np.flatnonzero(chosen).tolist():
        cell, x, rows = int(cells.cell[i]), float(cells.x[i]), float(cells.rows[i])
        yield Candidate(
            WEAK,
            flag.measure,
            cell,
            strict=bool(sure[i]),
            score=float(-np.log(max(chance[i], 1e-300)) - np.log(bench.depth(cell))),
            counted=Counted(x, float(cells.trained[i]), float(cells.expected[i]), float(cells.trained_rows[i])),
            rows=float(stretch.sums[ROWS, cell]),
            share=float(stretch.sums[ROWS, cell]) / max(every, 1.0),
            reference_share=float(bench.training.sums[ROWS, cell]) / max(trained_rows, 1.0),
            told=Told(x / rows, float(elsewhere[i]), *interval(x, rows), float(surely[i]), LEAST_EXCESS),
            harm=rows * float(surely[i]),
        )

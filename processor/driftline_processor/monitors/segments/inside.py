"""Drift inside a segment: a column that moved among the rows of a single cell of another one.

Of each column, all prefixes of its codes and each code alone are compared with training's distribution in the same cell
and with what the margins make of it: both have to be beaten.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.lattice import CODES
from driftline.segments.training import ROWS
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.significance import signed_root
from driftline_processor.monitors.segments.candidate import DRIFT, Candidate, Counted, Told, interval
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.evidence import NINETY_FIVE, probability
from driftline_processor.monitors.segments.judge import CONFIRM, MIN_ROWS, Bench, Level

TOLERATED: Final = 0.1
"""Of the rows of a cell: so many may have moved."""

EVENTS: Final = 2 * CODES - 1
"""Of a column: prefixes of its codes, and single codes."""


class _Side(NamedTuple):
    """Tables with the segment's codes first: seen, expected by the margins, and trained, [pairs, CODES, CODES]."""

    seen: FloatArray
    expected: FloatArray
    trained: FloatArray
    excess: FloatArray
    turned: bool


def inside(bench: Bench, stretch: Stretch, level: Level) -> list[Candidate]:
    """The segments in which another column moved, the strongest event of each."""
    lattice, rows = bench.lattice, bench.rows(stretch)
    seen, expected = lattice.tables(stretch.sums[ROWS]).astype(np.float64), stretch.pairs.astype(np.float64)
    trained, excess = lattice.tables(bench.training.sums[ROWS]), bench.variation.squared("pairs", level.duration) * rows
    turned = _Side(_turned(seen), _turned(expected), _turned(trained), excess[1], turned=True)
    sides = (_Side(seen, expected, trained, excess[0], turned=False), turned)
    best: dict[tuple[int, int | None], Candidate] = {}
    for each in (found for side in sides for found in _of_side(bench, stretch, side, level)):
        held = best.get((each.cell, each.aspect))
        if held is None or each.score > held.score:
            best[each.cell, each.aspect] = each
    return list(best.values())


def _turned(tables: FloatArray) -> FloatArray:
    return np.asarray(tables.transpose(0, 2, 1))


def _events(tables: FloatArray) -> FloatArray:
    return np.concatenate([np.cumsum(tables, 2)[..., :-1], tables], 2)


def _of_side(bench: Bench, stretch: Stretch, side: _Side, level: Level) -> Iterator[Candidate]:
    rows, trained_rows = side.seen.sum(2, keepdims=True), side.trained.sum(2, keepdims=True)
    x = _events(side.seen)
    by_margins = _events(side.expected / np.maximum(side.expected.sum(2, keepdims=True), 1e-9))
    by_training = _events(side.trained / np.maximum(trained_rows, 1.0))
    share = x / np.maximum(rows, 1.0)
    one, other = share - by_margins, share - by_training
    moved = np.where(np.sign(one) == np.sign(other), np.minimum(np.abs(one), np.abs(other)), 0.0)
    hot = (moved > TOLERATED) & (rows >= MIN_ROWS) & (trained_rows >= MIN_ROWS)
    pair, code, event = np.nonzero(hot)
    if not len(pair):
        return
    n, past = rows[pair, code, 0], trained_rows[pair, code, 0]
    spread = 1 + side.excess[pair, code]
    z = np.minimum(*(signed_root(x[hot], n, given[hot] * past, past) for given in (by_margins, by_training)))
    chance = 2 * probability(z / np.sqrt(spread), spread, bench.variation.degrees(level.duration))
    alpha = level.alpha / (2 * max(len(bench.lattice.first), 1) * CODES * EVENTS) / 2
    surely = moved[hot] - NINETY_FIVE * np.sqrt(0.25 / n + 0.25 / past)
    kept = (chance < alpha) & (surely > TOLERATED)
    found = zip(*(each[kept].tolist() for each in (pair, code, event, chance, surely)), strict=True)
    for p, c, e, q, s in found:
        numbers = (float(x[p, c, e]), float(by_training[p, c, e]), float(rows[p, c, 0]), float(trained_rows[p, c, 0]))
        yield _told(bench, stretch, side, (p, c, e), ((q, bool(q < alpha / CONFIRM), s), numbers))


def _told(
    bench: Bench,
    stretch: Stretch,
    side: _Side,
    place: tuple[int, int, int],
    found: tuple[tuple[float, bool, float], tuple[float, float, float, float]],
) -> Candidate:
    (pair, code, event), ((chance, strict, surely), (x, before, rows, past)) = place, found
    own, other = bench.lattice.first[pair], bench.lattice.second[pair]
    if side.turned:
        own, other = other, own
    cell = int(own * CODES + code)
    codes = (0, event) if event < CODES - 1 else (event - CODES + 1, event - CODES + 1)
    return Candidate(
        DRIFT,
        "inside",
        cell,
        strict=strict,
        score=float(-np.log(max(chance, 1e-300)) - np.log(bench.lattice.singles)),
        counted=Counted(x, before * past, rows, past),
        rows=float(stretch.sums[ROWS, cell]),
        share=float(stretch.sums[ROWS, cell]) / max(bench.rows(stretch), 1.0),
        reference_share=float(bench.training.sums[ROWS, cell]) / max(bench.training.rows, 1.0),
        told=Told(x / rows, before, *interval(x, rows), surely, TOLERATED),
        harm=rows * surely,
        aspect=int(other),
        codes=codes,
    )

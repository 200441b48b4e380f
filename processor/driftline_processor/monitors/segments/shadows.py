"""Of overlapping segments that tell one story, the one that tells it best: the others are counted with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.segments.lattice import Codes, Lattice
from driftline.sketch.arrays import BoolArray
from driftline_processor.monitors.segments.candidate import DRIFT, UNSERVED, WEAK, Candidate, Counted
from driftline_processor.monitors.segments.evidence import ratio_bound, tail
from driftline_processor.monitors.segments.judge import RATIO

LEFT: Final = 1e-3
"""Probability of what is left of a segment without the rows of a stronger one, below which it tells more."""

OVERLAP: Final = 0.05
"""Of the rows of a segment that drifts inside: where more lie in a stronger one, both tell one story."""

MOST: Final = 200
"""Candidates that are compared."""


def without_shadows(
    lattice: Lattice, candidates: Sequence[Candidate], rows: Codes, told: Sequence[Candidate] = ()
) -> list[Candidate]:
    """The segments that tell something by themselves, the strongest evidence first (Zhang, Assunção & Kulldorff 2010).

    Args:
        lattice: its cells.
        candidates: of any kinds; each is compared with those of its own.
        rows: codes of the latest rows, [rows, columns]: by them overlaps are known.
        told: what is open already, and stronger than any news.

    """
    found: list[Candidate] = []
    families = dict.fromkeys((each.family, each.measure) for each in candidates)
    for family in families:
        news = [each for each in candidates if (each.family, each.measure) == family]
        known = [each for each in told if (each.family, each.measure) == family]
        found += _of_family(lattice, sorted(news, key=lambda each: -each.score)[:MOST], rows, known)
    return found


def _of_family(
    lattice: Lattice, candidates: list[Candidate], rows: Codes, known: Sequence[Candidate]
) -> list[Candidate]:
    held = {each.cell: lattice.holds(rows, each.cell) for each in (*candidates, *known)}
    rest, covered, found = list(candidates), np.zeros(len(rows), bool), []
    waiting = list(known)
    while rest or waiting:
        best = waiting.pop(0) if waiting else rest.pop(0)
        if best not in known:
            found.append(best)
        mask = held[best.cell] & ~covered
        covered |= held[best.cell]
        beside = _beside(lattice, best, mask, held)
        rest = [each for each in map(beside, rest) if each is not None]
        rest = [each for each in rest if not _is_shadow(each, len(rest))]
    return found


def _beside(
    lattice: Lattice, best: Candidate, mask: BoolArray, held: dict[int, BoolArray]
) -> Callable[[Candidate], Candidate | None]:
    """What is left of a candidate without the rows of a better one; None of one that tells the same."""
    size = max(int(mask.sum()), 1)

    def left(other: Candidate) -> Candidate | None:
        common = int((held[other.cell] & mask).sum())
        if other.key == best.key:
            return None
        if other.family == DRIFT:
            same = _columns(lattice, other) == _columns(lattice, best)
            return None if same or common > OVERLAP * held[other.cell].sum() else other
        rows = max(int(held[other.cell].sum()), 1)
        if _follows(other, best, common / rows) or _is_made_of(other, best, common / rows, rows):
            return None
        share = common / size
        mine, theirs = other.counted, best.counted
        rest = Counted(
            max(mine.x - share * theirs.x, 0.0),
            max(mine.trained - share * theirs.trained, 0.5),
            mine.exposure - share * theirs.exposure if other.family == WEAK else mine.exposure,
            mine.trained_exposure - share * theirs.trained_exposure if other.family == WEAK else mine.trained_exposure,
        )
        return None if rest.trained_exposure <= 0 else replace(other, counted=rest)

    return left


def _follows(other: Candidate, best: Candidate, part: float) -> bool:
    """Whether a segment changed by no more than the sure factor of a better one, where it lies in that."""
    if other.family == UNSERVED:
        return False
    past = best.counted
    expected = past.exposure / past.trained_exposure * (past.trained + 0.5)
    surely = ratio_bound(np.array(past.x), np.array(expected), np.array(past.trained), upper=True)
    factor = 1.0 + (max(float(surely), 1.0) - 1.0) * part
    x, trained, exposure, trained_exposure = other.counted
    ratio = factor * max(exposure, 1e-9) / max(trained_exposure, 1e-9)
    chance = tail(np.array(x), np.array(trained), ratio, upper=True)
    return bool(chance > LEFT or x <= RATIO * trained * ratio)


def _is_made_of(other: Candidate, best: Candidate, part: float, rows: int) -> bool:
    """Whether a weak segment is what the rows of a better one in it make of its own past: these may have had no flags.

    part: of its rows that lie in the better one, of so many that are known.
    """
    if other.family != WEAK:
        return False
    x, trained, exposure, trained_exposure = other.counted
    rate = part * best.counted.x / max(best.counted.exposure, 1e-9) + (1.0 - part) * trained / max(
        trained_exposure, 1e-9
    )
    chance = tail(np.array(x), np.array(rate * rows), exposure / rows, upper=True)
    return bool(chance > LEFT or x <= RATIO * rate * exposure)


def _is_shadow(candidate: Candidate, candidates: int) -> bool:
    if candidate.family == DRIFT:
        return False
    x, trained, exposure, trained_exposure = candidate.counted
    upper, ratio = candidate.family != UNSERVED, max(exposure, 1e-9) / trained_exposure
    chance = tail(np.array(x), np.array(trained), ratio, upper=upper)
    grown = x > RATIO * trained * ratio if upper else True
    return not (float(chance) < LEFT / max(candidates, 1) and grown)


def _columns(lattice: Lattice, candidate: Candidate) -> set[int]:
    aspect = set() if candidate.aspect is None else {candidate.aspect}
    return {*lattice.where(candidate.cell), *aspect}

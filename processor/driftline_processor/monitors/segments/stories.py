"""Different kinds of findings that tell one story, told once; and what the alarm of a column tells already."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from driftline.segments.lattice import Lattice
from driftline_processor.monitors.segments.candidate import (
    COLD,
    DRIFT,
    ERROR,
    GROWING,
    LOW_CONFIDENCE,
    WEAK,
    Candidate,
)

WORSE: Final = 6.9
"""Score that says so: evidence beside the other rows, at one in a thousand of all cells that were looked at."""

COLUMN: Final = 0.05
"""Of the rows: a category or bin that moved so far is up to its column, which knows the season."""


def not_told_by_columns(lattice: Lattice, candidates: Sequence[Candidate], alarmed: Collection[int]) -> list[Candidate]:
    """Without what the alarms of columns tell: shares and moves in them, and less confidence where they moved.

    Neither are shares told that columns are judged by. alarmed: numbers of columns.
    """
    return [each for each in candidates if not _is_of_columns(lattice, each, alarmed)]


def _is_of_columns(lattice: Lattice, candidate: Candidate, alarmed: Collection[int]) -> bool:
    moved = bool(columns_of(lattice, candidate).intersection(alarmed))
    if candidate.family == WEAK:
        return moved and candidate.measure == LOW_CONFIDENCE
    single = candidate.family != DRIFT and candidate.cell < lattice.singles
    return (single and abs(candidate.share - candidate.reference_share) > COLUMN) or moved


def not_told_by_outputs(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Where the alarm of the confidence is open: without segments of which the model may be as sure as elsewhere."""
    return [each for each in candidates if each.measure != LOW_CONFIDENCE or each.score > WORSE]


def columns_of(lattice: Lattice, candidate: Candidate) -> set[int]:
    """The columns that a finding is about."""
    aspect = set() if candidate.aspect is None else {candidate.aspect}
    return {*lattice.where(candidate.cell), *aspect}


def told_once(lattice: Lattice, candidates: Sequence[Candidate], told: Sequence[Candidate]) -> list[Candidate]:
    """News that no other kind tells, the strongest evidence first. told: what is open."""
    found: list[Candidate] = []
    for each in sorted(candidates, key=lambda each: -each.score):
        if not any(_same_story(lattice, each, other) for other in (*told, *found)):
            found.append(each)
    return found


def _same_story(lattice: Lattice, news: Candidate, other: Candidate) -> bool:
    if WEAK in {news.family, other.family}:
        both = news.family == other.family == WEAK
        return both and news.cell == other.cell and other.measure == ERROR
    mine, theirs = columns_of(lattice, news), columns_of(lattice, other)
    if mine == theirs and len(mine) > 1:
        return True  # growing, gone or moved inside: one pair of columns
    if len(theirs) == 1:
        return _lies_in(lattice, news, other)
    return news.family == DRIFT and other.family == DRIFT and bool(mine & theirs) and news.cell == other.cell


def _lies_in(lattice: Lattice, news: Candidate, other: Candidate) -> bool:
    """Whether a cell is a part of one whose own share changed; or a drift is about the column that changed."""
    ((column, code),) = lattice.where(other.cell).items()
    inside = lattice.where(news.cell).get(column) == code
    return inside or news.aspect == column


def cold(candidates: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    """Weak segments that have grown as well, as such. others: where to look for those that have grown."""
    grown = {each.cell: each for each in (*candidates, *others) if each.family == GROWING}
    both = {each.cell for each in (*candidates, *others) if each.family == WEAK and each.cell in grown}
    joined = [replace(each, kind=COLD) if each.family == WEAK and each.cell in both else each for each in candidates]
    return [each for each in joined if not (each.family == GROWING and each.cell in both)]

"""What moved, in words: "share above 3.2: 20 % → 35 %"."""

from collections.abc import Sequence

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.tested_sets import Event, Family

ENOUGH_CHUNKS = 64
"""Time chunks of the training data below which natural variation is known too badly for a monthly budget."""

RECOVERED = "the last window by itself is healthy"
"""Said of several windows together that are in alarm."""

NAMED = 3
"""Never seen categories that are named; the rest is counted."""


def moved(what: str, before: float, after: float) -> str:
    """A share that moved."""
    return f"{what}: {percent(before)} → {percent(after)}"


def percent(share: float) -> str:
    """A share with two significant digits."""
    points = 100.0 * share
    return f"{points:.0f} %" if points >= 9.95 or points == 0.0 else f"{points:.2g} %"


def describe_range(event: Event, edges: FloatArray, before: float, after: float) -> str:
    """An event of a numeric column, of the cells between `edges`; the outer cells are beyond the training range."""
    if event.family is Family.RANKS:
        return moved("chance that a value exceeds one of training", before, after)
    if event.family is Family.PREFIX:
        return _describe_prefix(event.last - 1, edges, before, after)
    low = edge(edges, event.first - 1) if event.first else None
    high = edge(edges, event.last - 1) if event.last <= len(edges) else None
    if event.family is Family.TAILS:
        return moved(f"share outside {low} to {high}", before, after)
    if low is None:
        return moved(f"share up to {high}", before, after)
    return moved(f"share above {low}" if high is None else f"share in {low} to {high}", before, after)


def _describe_prefix(at: int, edges: FloatArray, before: float, after: float) -> str:
    if after > before:
        what = f"share below the training minimum {edge(edges, 0)}" if at == 0 else f"share up to {edge(edges, at)}"
        return moved(what, before, after)
    last = at == len(edges) - 1
    what = "share above the training maximum" if last else "share above"
    return moved(f"{what} {edge(edges, at)}", 1.0 - before, 1.0 - after)


def describe_category(name: str | None, before: float, after: float) -> str:
    """A category, or all of those that have no cell of their own."""
    return moved("share of all other categories" if name is None else f"share of '{name}'", before, after)


def describe_pair(members: tuple[str, str], before: float, after: float) -> str:
    """How often both are above, or both below, their medians of the training data."""
    return moved(f"{' and '.join(members)}: on the same side of their medians", before, after)


def describe_diffuse(share: float) -> str:
    """Many categories that moved a little each."""
    return f"many categories moved a little: {percent(share)} of the rows in all"


def describe_novelty(values: Sequence[str], share: float) -> str:
    """Values that training never saw: named, the most frequent ones first."""
    named = ", ".join(values[:NAMED]) + (f" and {len(values) - NAMED} more" if len(values) > NAMED else "")
    return f"values never seen in training: {percent(share)}" + (f" ({named})" if named else "")


def describe_limit(move: float, chunks: int) -> str:
    """What the verdict cannot see, and why: the training data may have too few time chunks."""
    why = f", as the training data has {chunks} time chunks" if chunks < ENOUGH_CHUNKS else ""
    return f"a move of less than {percent(min(move, 1.0))} of the rows may go unseen{why}"


def describe_excuse(season: float, shown: float, days: float, *, clock: bool) -> str:
    """Why a stream without drift may look like this, and what would tell.

    season, shown: the move that a season may make, and what the stream has shown of it in so many days. clock: the
    training data has times.
    """
    told = "training data in finer stretches of time" if clock else "training data with a time column"
    better = f"{told} would tell the two apart at once"
    if season <= shown:
        return f"no more than it swings with the time of day or of week ({percent(season)}); {better}"
    if days <= 1.0:
        return f"what the time of day does is not known before 24 hours were seen; {better}"
    return f"what the day of the week does is not known before nine days were seen; {better}"


def describe_season(cycle: str, share: float) -> str:
    """A share that is usual at this time."""
    return f"as in training at this {cycle}: {percent(share)}"


def edge(edges: FloatArray, at: int) -> str:
    """An edge with as many digits as tell it from its neighbours."""
    near = [float(edges[i]) for i in (at - 1, at + 1) if 0 <= i < len(edges)]
    value = float(edges[at])
    for digits in range(3, 17):
        text = number(value, digits)
        if text not in {number(other, digits) for other in near}:
            return text
    return repr(value)


def span(low: float, high: float) -> str:
    """A range; one number where both ends look alike."""
    ends = number(low, 4), number(high, 4)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def number(value: float, digits: int) -> str:
    """So many significant digits, without an exponent where the number is of an everyday size."""
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")

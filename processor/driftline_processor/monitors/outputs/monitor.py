"""Judges the outputs of a window against the stream's recent past: shares of buckets that no window before it had.

A bucket is a class, a range of numbers, or rows without a value. What a bucket may hold is the most that it held in any
window before, and what it may jump: as far as it ever did from one window to the next, and, while little of the stream
has been seen, as far as its cycles, and days that differ, could move it in the time between.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, NamedTuple

from driftline.semconv import TARGET_OUTPUT
from driftline.sketch.time_units import DAY, WEEK
from driftline.sketch.values import class_name
from driftline_processor.monitors.outputs.buckets import BucketShares
from driftline_processor.monitors.outputs.past import Past, RecentOutputs
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Scalar, Window
from driftline_processor.verdicts.reasons import InThePast, Moved, NoRows, Region
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

ASPECT: Final = "collapse"

TOLERANCE: Final = 0.15
"""A share of the rows that may gather in a bucket at once."""

CYCLES: Final = ((DAY, 0.6), (WEEK, 0.3))
"""How far a cycle may move a share in all, before it has been seen whole."""

LARGEST: Final = max(swing for _, swing in CYCLES)

WANDER: Final = 0.3
"""How far a day may differ from the one before, before any has been seen to; less by each window that has been seen."""

FEWEST: Final = 20.0
"""Rows of a window, or of its past, from which on anything is told. Half of it: of a bucket that takes over."""

ERRORS: Final = 2.0
"""Standard errors taken off a distance, beside the test that it is none."""

NOISE: Final = 3.0
"""Standard errors of a jump from one window to the next: so much of one is chance, and is in the test already."""

MOST_OUTPUTS: Final = 32
"""Outputs that are judged, the first ones by name."""

COMMON: Final = 0.01
"""Share of a class from which on it can vanish."""

GONE: Final = 0.1
"""Part of its smallest share so far that a class may still have, to have vanished."""

ALONE: Final = 0.995
"""Share of a class from which on an output is constant."""

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Limits:
    """alpha: false alarms allowed in one evaluation of a model."""

    alpha: float


class Excess(NamedTuple):
    """A bucket that holds more than it ever did, or a class that holds less. score: above 1 an alarm."""

    bucket: str
    before: float
    after: float
    lower_bound: float
    tolerance: float
    sure: bool

    @property
    def distance(self) -> float:
        return abs(self.after - self.before)

    @property
    def score(self) -> float:
        score = self.lower_bound / self.tolerance
        return score if self.sure else min(score, 1.0)


def judge(
    recent: RecentOutputs,
    window: Window,
    columns: Mapping[ColumnKey, ColumnSummary],
    limits: Limits,
    alarms: Mapping[ColumnKey, OpenAlarm],
) -> dict[ColumnKey, Verdict]:
    """The verdicts on a window's outputs, which the past takes in where they are healthy.

    Args:
        recent: The past of the model's outputs; updated.
        window: The window.
        columns: What it held.
        limits: The budget of all outputs together.
        alarms: Those that are open.

    """
    outputs = sorted(key for key in columns if key.target == TARGET_OUTPUT)[:MOST_OUTPUTS]
    alpha = limits.alpha / max(len(outputs), 1)
    verdicts: dict[ColumnKey, Verdict] = {}
    for key in outputs:
        summary = columns[key]
        if summary.rows < FEWEST:
            continue
        verdict = _judge(recent.columns.get(key), window, summary, alpha, _ours(alarms.get(key)))
        if verdict is not None:
            verdicts[key] = verdict
        overlaps = window.end % (window.end - window.start) != 0
        collapsed = verdict is not None and (verdict.state is State.ALARM or _is_open(verdict, alarms.get(key)))
        if not overlaps and not collapsed:
            recent.learn(key, window, summary)
        if key in recent.columns:
            recent.columns[key] = recent.columns[key].before(window.start)
    return verdicts


def _ours(alarm: OpenAlarm | None) -> OpenAlarm | None:
    """The alarm, if it tells of a collapse."""
    return alarm if alarm is not None and ASPECT in alarm.aspects else None


def _is_open(verdict: Verdict, alarm: OpenAlarm | None) -> bool:
    return _ours(alarm) is not None and verdict.closing is None


def _judge(
    past: Past | None, window: Window, summary: ColumnSummary, alpha: float, alarm: OpenAlarm | None
) -> Verdict | None:
    past = None if past is None else past.before(window.start)
    if past is None or past.rows < FEWEST:
        return None
    found = past.buckets.shares(summary)
    allowed = _unseen(past, window)
    errors = -NormalDist().inv_cdf(max(alpha / max(len(found.shares), 1), _TINY))
    excesses = [_excess(name, past, found, errors, allowed) for name in found.shares]
    worst = max(excesses, key=lambda each: (each.score, each.lower_bound))
    if worst.score <= 1.0:
        worst = max((worst, *_vanished(past, found, alpha, allowed)), key=lambda each: each.score)
    verdict = _verdict(worst, past, window)
    over = alarm is not None and window.start >= alarm.opened and verdict.state is not State.ALARM
    if over and worst.distance <= max(worst.tolerance, alarm.largest_bound / 2.0):  # type: ignore[union-attr]
        left = 0.0 if worst.distance <= worst.tolerance else worst.distance
        verdict = replace(verdict, closing=ClosingEvidence(window.start, left))
    return verdict


def _unseen(past: Past, window: Window) -> float:
    """How far a share may move that has not been seen to, as little of the stream has been seen."""
    between = max(window.end - past.ended, 0)
    seen = past.ended - past.begun
    cycles = (swing * min(math.pi * between / cycle, 1.0) for cycle, swing in CYCLES if seen < cycle)
    days = min((window.end - window.start) / DAY, 1.0)
    return max(WANDER * math.sqrt(days) / past.windows, *cycles, 0.0)


def _excess(name: str, past: Past, found: BucketShares, errors: float, allowed: float) -> Excess:
    before, after, rows = past.most(name), found.shares[name], found.rows
    held = past.rows / past.windows * min(past.windows, 4)
    distance = max(after - before, 0.0)
    usual = (before * held + 2.0) / (held + 4.0)
    by_chance = errors * math.sqrt(usual * (1.0 - usual) * (1.0 / rows + 1.0 / held))
    error = math.sqrt(after * (1.0 - after) / rows + usual * (1.0 - usual) / held)
    sure = distance > by_chance and after * rows >= FEWEST / 2.0
    noise = NOISE * math.sqrt(2.0 * usual * (1.0 - usual) * past.windows / past.rows)
    tolerance = TOLERANCE + max(past.jump(name) - noise, 0.0) + allowed
    return Excess(name, before, after, max(distance - ERRORS * error, 0.0), tolerance, sure)


def _vanished(past: Past, found: BucketShares, alpha: float, allowed: float) -> Iterable[Excess]:
    """Classes that have all but gone; told of the one that is left, where all rows are of one."""
    alone = next((name for name, share in found.shares.items() if name[0] == "=" and share >= ALONE), None)
    for name in past.last or ():
        least, after = past.least(name), found.shares.get(name, 0.0)
        if not name.startswith("=") or least < COMMON or after > GONE * least:
            continue
        usual = (least - past.jump(name)) * (1.0 - allowed / LARGEST)
        sure = usual > 0.0 and found.rows * math.log1p(-usual) < math.log(max(alpha, _TINY))
        before, now = (least, after) if alone is None else (past.most(alone), found.shares[alone])
        yield Excess(alone or name, before, now, abs(now - before), abs(now - before) / 2.0 + _TINY, sure)


def _verdict(worst: Excess, past: Past, window: Window) -> Verdict:
    state = State.ALARM if worst.score > 1.0 else State.HEALTHY
    moved = past.buckets.moved(worst.bucket, worst.before, worst.after)
    reasons = (moved, InThePast(past.since, most=worst.after > worst.before)) if state is State.ALARM else ()
    return Verdict(
        aspect=ASPECT,
        state=state,
        distance=worst.distance,
        lower_bound=worst.lower_bound,
        tolerance=worst.tolerance,
        score=worst.score,
        reasons=reasons,
        duration=window.end - window.start,
        largest_bound=worst.lower_bound if state is State.ALARM else 0.0,
    )


def joined(
    results: Iterable[ColumnResult], verdicts: Mapping[ColumnKey, Verdict], alarms: Mapping[ColumnKey, OpenAlarm]
) -> tuple[ColumnResult, ...]:
    """The results of columns, where the past tells more than the reference does.

    An alarm of a collapse closes when both say so, and stays open where the output has no rows.
    """
    told = [_joined(each, verdicts.get(each.column), _ours(alarms.get(each.column))) for each in results]
    known = {each.column for each in told}
    silent = [key for key, alarm in alarms.items() if ASPECT in alarm.aspects and key not in known]
    return (*told, *map(_nothing, silent))


def _joined(result: ColumnResult, ours: Verdict | None, alarm: OpenAlarm | None) -> ColumnResult:
    theirs = result.verdict
    if alarm is not None and ours is None:
        return replace(result, verdict=replace(theirs, closing=None) if theirs else _insufficient())
    if ours is None or (theirs is not None and alarm is None and ours.state is not State.ALARM):
        return result
    if theirs is None:
        return replace(result, verdict=ours) if alarm is not None or ours.state is State.ALARM else result
    closing = theirs.closing if alarm is None or ours.closing is not None else None
    if ours.state is State.ALARM and ours.score > theirs.score:
        return replace(result, verdict=replace(ours, asked=theirs.asked))
    return replace(result, verdict=replace(theirs, closing=closing))


def _nothing(key: ColumnKey) -> ColumnResult:
    return ColumnResult(key, 0.0, 0.0, 0.0, {}, {}, {}, _insufficient())


def _insufficient() -> Verdict:
    return Verdict(ASPECT, State.INSUFFICIENT_DATA, 0.0, 0.0, TOLERANCE, 0.0, (NoRows(),))


def is_in(moved: Moved, value: Scalar) -> bool:
    """Whether a row's value lies in the bucket that a verdict tells of."""
    if moved.region is Region.STATE:
        return value is None or (isinstance(value, float) and not math.isfinite(value))
    if moved.region is Region.CATEGORY:
        return value is not None and class_name(value) == moved.name
    if isinstance(value, (str, bool)) or value is None:
        return False
    above = moved.low is None or value > moved.low.value
    return above and (moved.high is None or value <= moved.high.value)

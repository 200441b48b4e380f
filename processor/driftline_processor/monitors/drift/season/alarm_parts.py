"""What an alarm did is no season: levels from before and after it are not held against each other.

A column that was in alarm is looked at in parts: before the move, in alarm, and after the return. The season goes on in
each of them, so that an alarm that was none learns it too; the jumps lie between them.
"""

from collections.abc import Sequence

from driftline_processor.monitors.drift.history.stream_history import AlarmPeriod, TimedCounts

FEWEST = 3
"""Stretches that say anything of a season: less cannot rise and fall."""


def parts(stretches: Sequence[TimedCounts], alarms: Sequence[AlarmPeriod]) -> list[slice]:
    """Runs of stretches, in time order, in which no alarm moved the column."""
    found: list[list[int]] = []
    last = None
    for place, stretch in enumerate(stretches):
        part = _part(stretch, alarms)
        if part is not None and part == last:
            found[-1].append(place)
        elif part is not None:
            found.append([place])
        last = part
    return [slice(places[0], places[-1] + 1) for places in found if len(places) >= FEWEST]


def healthy(stretches: Sequence[TimedCounts], alarms: Sequence[AlarmPeriod]) -> list[TimedCounts]:
    """The stretches in which no alarm was open."""
    return [
        each
        for each in stretches
        if all(each.end <= alarm.began or (alarm.ended is not None and each.start >= alarm.ended) for alarm in alarms)
    ]


def _part(stretch: TimedCounts, alarms: Sequence[AlarmPeriod]) -> int | None:
    """The number of a stretch's part; None where a move or a return is within it."""
    part = 0
    for began, opened, ended in alarms:
        moves = stretch.start < opened and stretch.end > began
        returns = ended is not None and stretch.start < ended < stretch.end
        if moves or returns:
            return None
        part += (opened <= stretch.start) + (ended is not None and ended <= stretch.start)
    return part

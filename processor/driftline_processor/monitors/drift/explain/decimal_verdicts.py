"""Verdicts on the decimals of columns, which become verdicts on an aspect of these: a column has one alarm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from driftline_processor.monitors.drift.binning.decimal_columns import DECIMALS
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

_SEVERITY: Final = {State.WARNING: 1, State.ALARM: 2}


def with_decimals(verdicts: Sequence[Verdict], of: Sequence[int]) -> list[Verdict]:
    """The verdicts on columns. verdicts: on all columns, then on the decimals of the columns `of`."""
    found = list(verdicts[: len(verdicts) - len(of)])
    for i, verdict in zip(of, verdicts[len(found) :], strict=True):
        found[i] = _joined(found[i], replace(verdict, aspect=DECIMALS))
    return found


def _joined(own: Verdict, decimals: Verdict) -> Verdict:
    """The worse of both, and of two alarms the one with the higher score, which tells of the other, too."""
    if _SEVERITY.get(own.state, 0) > _SEVERITY.get(decimals.state, 0) or decimals.state not in _SEVERITY:
        return own
    if own.state is not State.ALARM:
        return replace(decimals, closing=own.closing) if decimals.state is not own.state else own
    first, second = (decimals, own) if decimals.score > own.score else (own, decimals)
    return replace(
        first,
        reasons=(*first.reasons, *second.reasons[:1]),
        largest_bound=max(own.largest_bound, decimals.largest_bound),
    )


def closing_with_decimals(
    closing: Mapping[int, ClosingEvidence], alarms: Mapping[int, OpenAlarm], place: Mapping[int, int]
) -> dict[int, ClosingEvidence]:
    """What closes the alarms of columns, in each of their aspects that was in alarm.

    closing: of columns and of columns of decimals. place: the latter by the column that they belong to.
    """
    found: dict[int, ClosingEvidence] = {}
    for i, alarm in alarms.items():
        needed = [i] if set(alarm.aspects) != {DECIMALS} or i not in place else []
        needed += [place[i]] if DECIMALS in alarm.aspects and i in place else []
        if all(each in closing for each in needed):
            parts = [closing[each] for each in needed]
            latest = ClosingEvidence(min(each.since for each in parts), max(each.at_most for each in parts))
            found |= dict.fromkeys((i, *([place[i]] if i in place else [])), latest)
    return found

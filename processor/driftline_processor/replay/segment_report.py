"""The segments of a replay: one entry for each finding, from the window that found it to the one that closed it."""

from typing import Any

from driftline.semconv import TARGET_SEGMENT
from driftline_processor.records import AlarmChange, ColumnKey, ColumnResult, WindowResult
from driftline_processor.replay.timeline import Timeline
from driftline_processor.verdicts.reasons import SegmentStandsOut
from driftline_processor.verdicts.verdict import State


class SegmentEntries:
    """Findings in the order in which they came. Those whose beginning is not known have not opened."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._entries: list[dict[str, Any]] = []
        self._open: dict[ColumnKey, dict[str, Any]] = {}
        self._undated: dict[ColumnKey, dict[str, Any]] = {}

    def add(self, result: WindowResult, rows: int) -> None:
        """A window. rows: of the data, that were read by now."""
        for column in result.columns:
            if column.column.target == TARGET_SEGMENT and (reason := _reason(column)) is not None:
                self._note(column, reason)
        for event in result.alarms:
            if event.column.target == TARGET_SEGMENT and event.column in self._open:
                moment = self._timeline.name(event.time, rows)
                if event.change is AlarmChange.OPENED:
                    self._open[event.column]["opened"] = moment
                elif event.change is AlarmChange.CLOSED:
                    self._open.pop(event.column)["closed"] = moment

    def _note(self, column: ColumnResult, reason: SegmentStandsOut) -> None:
        alarmed = column.verdict is not None and column.verdict.state is State.ALARM
        held = self._open if alarmed else self._undated
        entry = held.get(column.column)
        if entry is None:
            entry = held[column.column] = {"where": {}, "kind": "", "opened": None, "closed": None}
            self._entries.append(entry)
        entry.update(_fields(column, reason))

    def entries(self) -> list[dict[str, Any]]:
        """All of them."""
        return self._entries


def _reason(column: ColumnResult) -> SegmentStandsOut | None:
    reasons = () if column.verdict is None else column.verdict.reasons
    return next((each for each in reasons if isinstance(each, SegmentStandsOut)), None)


def _fields(column: ColumnResult, reason: SegmentStandsOut) -> dict[str, Any]:
    found = {
        "where": dict(zip(reason.columns, reason.labels, strict=True)),
        "kind": reason.segment,
        "measure": reason.measure,
        "rows": round(reason.rows),
        "share": reason.share,
        "reference_share": reason.reference_share,
        "value": reason.value,
        "elsewhere": reason.elsewhere,
        "low": reason.low,
        "high": reason.high,
        "sentence": "" if column.verdict is None else f"{column.column.name}: {column.verdict.sentence}",
    }
    return found | ({"column": reason.aspect, "range": reason.inside} if reason.aspect else {})

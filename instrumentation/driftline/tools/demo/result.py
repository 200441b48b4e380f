"""The result of the demo: what `--json` writes, and whether it is as expected."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from driftline.tools.demo.findings import AlarmRun
from driftline.tools.demo.scenario import Expected


@dataclass(frozen=True, slots=True)
class DemoResult:
    """scenario: its name. fault_began: nanoseconds since the epoch, None if it never began."""

    scenario: str
    expected: Expected
    fault_began: int | None
    alarms: tuple[AlarmRun, ...]
    rows_sent: int
    rows_counted: int
    collector: bool

    @property
    def alarmed(self) -> list[str]:
        """Names of the columns with an alarm, in order of their first one."""
        return list(dict.fromkeys(alarm.column.name for alarm in self.alarms))

    @property
    def first_alarm_seconds(self) -> float | None:
        """Seconds from the first row after the fault began until the expected alarm reached the backend."""
        expected = self.expected.alarm
        seen = [alarm.seen for alarm in self.alarms if alarm.column == expected and not self._is_false(alarm)]
        return None if not seen or self.fault_began is None else round((min(seen) - self.fault_began) / 1e9, 3)

    def problems(self) -> Iterator[str]:
        """What is not as expected: false alarms, no alarm, rows that were lost."""
        for alarm in self.alarms:
            if self._is_false(alarm):
                yield f"a false alarm: {alarm.column.target} {alarm.column.name} at {_iso(alarm.seen)}"
        if self.first_alarm_seconds is None:
            yield f"no alarm for {self.expected.alarm.name}, which broke"
        if self.rows_sent != self.rows_counted:
            yield f"rows_counted must equal rows_sent (got {self.rows_counted} of {self.rows_sent})"

    def as_json(self) -> dict[str, Any]:
        """The content of the file of `--json`."""
        return {
            "scenario": self.scenario,
            "broken": self.expected.alarm.name,
            "alarmed": self.alarmed,
            "rows_sent": self.rows_sent,
            "rows_counted": self.rows_counted,
            "collector": self.collector,
            "first_alarm_seconds": self.first_alarm_seconds,
            "alarms": [self._alarm(alarm) for alarm in self.alarms],
            "problems": list(self.problems()),
        }

    def _is_false(self, alarm: AlarmRun) -> bool:
        """Whether the fault does not explain its column, or its window ended before the fault began."""
        early = self.fault_began is None or alarm.window_end <= self.fault_began
        return early or not self.expected.allows(alarm.column)

    def _alarm(self, alarm: AlarmRun) -> dict[str, Any]:
        return {
            "column": alarm.column.name,
            "target": alarm.column.target,
            "at": _iso(alarm.seen),
            "window_end": _iso(alarm.window_end),
            "distance": alarm.distance,
            "tolerance": alarm.tolerance,
            "moved": alarm.moved,
        }


def _iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=timezone.utc).isoformat(timespec="milliseconds")

"""How the story ended: what `--json` writes, and whether it is what was promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from driftline.demo.findings import Alarm
from driftline.semconv import TARGET_INPUT


@dataclass(frozen=True, slots=True)
class Outcome:
    """The facts at the end. broken: the feature. fault_began: nanoseconds since the epoch, None if it never did."""

    broken: str
    fault_began: int | None
    alarms: tuple[Alarm, ...]
    rows_sent: int
    rows_counted: int
    collector: bool

    @property
    def alarmed(self) -> list[str]:
        """Names of the columns that were alarmed, in order of their first alarm."""
        return list(dict.fromkeys(alarm.column.name for alarm in self.alarms))

    @property
    def first_alarm_seconds(self) -> float | None:
        """From the first row in the other unit to the arrival of the broken feature's first alarm at the backend."""
        seen = [alarm.seen for alarm in self.alarms if not self._is_false(alarm)]
        return None if not seen or self.fault_began is None else round((min(seen) - self.fault_began) / 1e9, 3)

    def problems(self) -> Iterator[str]:
        """Why this is not what was promised; nothing when it is."""
        for alarm in self.alarms:
            if self._is_false(alarm):
                yield f"a false alarm: {alarm.column.target} {alarm.column.name} at {_iso(alarm.seen)}"
        if self.first_alarm_seconds is None:
            yield f"no alarm for {self.broken}, the feature that broke"
        if self.rows_sent != self.rows_counted:
            yield f"rows_counted must equal rows_sent (got {self.rows_counted} of {self.rows_sent})"

    def as_json(self) -> dict[str, Any]:
        """The content of the file that `--json` names."""
        return {
            "broken": self.broken,
            "alarmed": self.alarmed,
            "rows_sent": self.rows_sent,
            "rows_counted": self.rows_counted,
            "collector": self.collector,
            "first_alarm_seconds": self.first_alarm_seconds,
            "alarms": [self._alarm(alarm) for alarm in self.alarms],
            "problems": list(self.problems()),
        }

    def _is_false(self, alarm: Alarm) -> bool:
        """Whether another column is meant, or a window that ended before the fault began."""
        early = self.fault_began is None or alarm.window_end <= self.fault_began
        return early or alarm.column != (TARGET_INPUT, self.broken)

    def _alarm(self, alarm: Alarm) -> dict[str, Any]:
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

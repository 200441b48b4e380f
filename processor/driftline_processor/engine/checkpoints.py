"""What a model's windows had come to by a time: late rows take the model back to it, and its windows are judged again.

So the same rows end in the same alarms and the same history, in whatever order they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.incidents import Incident
from driftline_processor.engine.provisional_reference import ProvisionalData
from driftline_processor.monitors.drift.history.trailing_windows import TrailingWindows
from driftline_processor.monitors.outputs.past import RecentOutputs
from driftline_processor.records import ColumnKey


class Checkpoint(NamedTuple):
    """What was known when the windows up to `end` had been judged; nanoseconds. Never changed."""

    end: int
    alarms: Mapping[ColumnKey, Alarm]
    incident: Incident | None
    trailing: TrailingWindows
    provisional: ProvisionalData
    outputs: RecentOutputs = RecentOutputs()


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of a model, in order: the last one before the oldest pane that is open, and all after it.

    A few kilobytes each, as they share what has not changed. judged: how often windows have been judged to be told, by
    their end.
    """

    held: list[Checkpoint] = field(default_factory=list)
    judged: dict[int, int] = field(default_factory=dict)

    def add(self, checkpoint: Checkpoint, *, told: bool) -> None:
        """After a window was judged. told: not only for what it leaves behind."""
        self.held.append(checkpoint)
        self.judged[checkpoint.end] = self.judged.get(checkpoint.end, 0) + told

    def back_to(self, start: int) -> Checkpoint:
        """The last one of windows that end at or before `start`; those after it are forgotten."""
        while len(self.held) > 1 and self.held[-1].end > start:
            self.held.pop()
        return self.held[-1]

    def forget(self, closed: int) -> None:
        """Drops what no row can lead back to: panes that end at or before `closed` are closed."""
        before = sum(each.end <= closed for each in self.held)
        self.held = self.held[max(before - 1, 0) :]
        self.judged = {end: times for end, times in self.judged.items() if end > closed}

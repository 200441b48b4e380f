"""The state of the demo at one time: all that a display is given."""

from dataclasses import dataclass

from driftline.tools.demo.findings import Report
from driftline.tools.demo.scenario import Scenario
from driftline.tools.demo.schedule import Phase, Schedule


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """elapsed: seconds since the traffic began. rows_sent: rows that the server has answered."""

    scenario: Scenario
    schedule: Schedule
    elapsed: float
    rows_sent: int
    collector: bool
    report: Report

    @property
    def phase(self) -> Phase:
        return self.schedule.phase(self.elapsed)

    def describe(self) -> str:
        """What is going on, in a sentence."""
        if self.phase is Phase.HEALTHY:
            left = clock(self.schedule.healthy - self.elapsed)
            return f"Healthy traffic, like the training data. {self.scenario.coming} in {left}."
        if self.phase is Phase.BROKEN:
            since = clock(self.elapsed - self.schedule.healthy)
            return f"{self.scenario.lasting} for {since}. No request fails."
        if self.report.rows_counted == self.rows_sent:
            return "The traffic has ended, and the processor has counted every row."
        return "The traffic has ended. Waiting for the processor to count the last rows."


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

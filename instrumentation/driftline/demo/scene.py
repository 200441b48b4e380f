"""What is going on at one moment: all that a view may know."""

from dataclasses import dataclass

from driftline.demo.findings import Report
from driftline.demo.patients import FAULT
from driftline.demo.story import Act, Story


@dataclass(frozen=True, slots=True)
class Scene:
    """A moment of the story. elapsed: seconds since the traffic began. rows_sent: rows that the server has answered."""

    story: Story
    elapsed: float
    rows_sent: int
    collector: bool
    report: Report

    @property
    def act(self) -> Act:
        return self.story.act(self.elapsed)

    def happening(self) -> str:
        """The scene in a sentence."""
        if self.act is Act.HEALTHY:
            left = clock(self.story.healthy - self.elapsed)
            return f"Healthy traffic, like the training data. In {left} {FAULT.feature} changes its unit."
        if self.act is Act.BROKEN:
            since = clock(self.elapsed - self.story.healthy)
            return f"For {since} {FAULT.feature} has come in {FAULT.new}, not {FAULT.old}. No request fails."
        if self.report.rows_counted == self.rows_sent:
            return "The traffic is over, and the processor has counted every row."
        return "The traffic is over. Waiting until the processor has counted every row."


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

"""How the demo is shown: a live table in a terminal, or line by line."""

import sys
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.live import Live

from driftline.reference.profile_column import ColumnKey
from driftline.tools.demo.schedule import Phase
from driftline.tools.demo.status import DemoStatus, clock
from driftline.tools.demo.table import render

STATUS_SECONDS: Final = 10.0


class Display(Protocol):
    """Gets messages until the traffic begins, and the status several times a second after that."""

    def message(self, text: str) -> None: ...

    def show(self, status: DemoStatus) -> None: ...

    def close(self) -> None: ...


class LiveDisplay:
    """A table in the terminal, updated in place; its last state stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def message(self, text: str) -> None:
        self._console.print(text, style="dim", highlight=False)

    def show(self, status: DemoStatus) -> None:
        if not self._live.is_started:
            self._console.print()
            self._live.start()
        self._live.update(render(status), refresh=True)

    def close(self) -> None:
        self._live.stop()


class LineDisplay:
    """A line for each change and one every ten seconds, for logs and pipes."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._phase: Phase | None = None
        self._reported: set[tuple[ColumnKey, int]] = set()
        self._next = 0.0

    def message(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def show(self, status: DemoStatus) -> None:
        for alarm in status.report.alarms:
            if (known := (alarm.column, alarm.window_end)) not in self._reported:
                self._reported.add(known)
                figures = f"distance {_figure(alarm.distance)}, tolerance {_figure(alarm.tolerance)}"
                self._at(status, f"ALARM {alarm.column.target} {alarm.column.name}, {figures}")
        if status.phase is not self._phase or status.elapsed >= self._next:
            self._phase, self._next = status.phase, status.elapsed + STATUS_SECONDS
            self._at(
                status, f"{status.describe()} Rows: {status.rows_sent} sent, {status.report.rows_counted} counted."
            )

    def close(self) -> None:
        pass

    def _at(self, status: DemoStatus, text: str) -> None:
        self.message(f"{clock(status.elapsed)}  {text}")


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

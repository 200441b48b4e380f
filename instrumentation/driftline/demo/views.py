"""Where the story is told: live in a terminal, or line by line."""

import sys
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.live import Live

from driftline.demo.findings import Column
from driftline.demo.scene import Scene, clock
from driftline.demo.story import Act
from driftline.demo.table import render

STATUS_SECONDS: Final = 10.0


class View(Protocol):
    """Told of what is done before the traffic begins, and shown every scene after that."""

    def say(self, text: str) -> None: ...

    def show(self, scene: Scene) -> None: ...

    def close(self) -> None: ...


class LiveView:
    """A table in the terminal that follows the story; its last state stays there."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def say(self, text: str) -> None:
        self._console.print(text, style="dim", highlight=False)

    def show(self, scene: Scene) -> None:
        if not self._live.is_started:
            self._console.print()
            self._live.start()
        self._live.update(render(scene), refresh=True)

    def close(self) -> None:
        self._live.stop()


class LineView:
    """A line for what changes, and one every ten seconds: for logs and pipes."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._act: Act | None = None
        self._told: set[tuple[Column, int]] = set()
        self._next = 0.0

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def show(self, scene: Scene) -> None:
        for alarm in scene.report.alarms:
            if (known := (alarm.column, alarm.window_end)) not in self._told:
                self._told.add(known)
                figures = f"distance {_figure(alarm.distance)}, tolerance {_figure(alarm.tolerance)}"
                self._at(scene, f"ALARM {alarm.column.target} {alarm.column.name}, {figures}")
        if scene.act is not self._act or scene.elapsed >= self._next:
            self._act, self._next = scene.act, scene.elapsed + STATUS_SECONDS
            self._at(scene, f"{scene.happening()} Rows: {scene.rows_sent} sent, {scene.report.rows_counted} counted.")

    def close(self) -> None:
        pass

    def _at(self, scene: Scene, text: str) -> None:
        self.say(f"{clock(scene.elapsed)}  {text}")


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

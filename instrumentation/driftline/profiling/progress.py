"""A progress bar for each pass over the rows."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from driftline.profiling import profiler


@contextmanager
def progress() -> "Iterator[profiler.Progress]":
    """One bar for each pass on a terminal, nothing elsewhere. Output printed meanwhile appears above the bars."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    shown, both = console.is_terminal, sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, disable=not shown, redirect_stdout=both) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, rows: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total or None)
            bars.advance(tasks[name], rows)

        yield advance

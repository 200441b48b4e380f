"""The fixture `rig`, and the table of figures at the end."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from postgres_cluster import PostgresCluster, postgres_cluster
from torture.rig import FULL, Rig

_FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()
_SECONDS = {False: 120, True: 900}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """They start processes, and the whole of one takes minutes."""
    left_out = [] if FULL else [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "torture" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(_SECONDS[FULL]))


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """What a scenario is written with."""
    rig = Rig(tmp_path)
    failed, begun = request.session.testsfailed, time.monotonic()
    try:
        yield rig
    finally:
        rig.close()
        rig.figures["seconds"] = f"{time.monotonic() - begun:.0f}"
        rows = request.config.stash.setdefault(_FIGURES, [])
        rows += [(request.node.name.removeprefix("test_"), what, str(value)) for what, value in rig.figures.items()]
        if request.session.testsfailed > failed:
            for processor in rig.processors:
                print(f"--- {processor.folder}\n{processor.log[-10_000:]}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresCluster]:
    """A PostgreSQL of torture's own, whose sessions may be cut."""
    with postgres_cluster() as cluster:
        yield cluster


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures of all scenarios in one table."""
    rows = config.stash.get(_FIGURES, [])
    if not rows:
        return
    table = Table("scenario", "figure", "value", box=box.SIMPLE, title=f"torture, {'full' if FULL else 'short'} form")
    scenario = ""
    for name, what, value in rows:
        table.add_row("" if name == scenario else escape(name), escape(what), escape(value))
        scenario = name
    console = Console(width=150)
    with console.capture() as captured:
        console.print(table)
    terminalreporter.write(f"\n{captured.get()}\n")

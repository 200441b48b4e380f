"""What a scenario is written with: the parts of the line, all ended by their ids, and the table of figures.

A scenario is a file `test_<what is done>.py` with a test that takes the fixture `rig`. In front of its assertions it
puts what it has measured into `rig.figures`: the run ends with one table of all of them, whether they hold or not. Its
short form is part of `make test` and takes seconds; `make torture` runs the full one. `rig.full` and
`rig.choose(short=…, full=…)` tell them apart; what is marked `full` has no short form.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from e2e import collectors
from e2e.collectors import Collector
from torture.backend import Backend
from torture.client import Client
from torture.processors import Processor

T = TypeVar("T")

FULL = os.environ.get("TORTURE") == "full"


class Rig:
    """Everything that it gives runs until the scenario has ended; each part has a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.full = folder, FULL
        self.figures: dict[str, object] = {}
        self.processors: list[Processor] = []
        self._stack = ExitStack()
        self._parts = 0

    def choose(self, *, short: T, full: T) -> T:
        """What holds for the form that is run."""
        return full if FULL else short

    def backend(self) -> Backend:
        return self._stack.enter_context(Backend())

    def client(self, port: int) -> Client:
        return self._stack.enter_context(Client(port))

    def processor(
        self,
        *,
        export: int,
        port: int = 0,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Processor:
        """A processor that is not started yet."""
        processor = Processor(self._folder("processor"), export=export, port=port, settings=settings, env=env)
        self.processors.append(processor)
        self._stack.callback(processor.__exit__)
        return processor

    def gateway(self, *, backend: int, processor: int, results: int, **variables: str) -> Collector:
        """The Collector with the shipped gateway.yaml: ports of the backend, the processor, and for its results."""
        return self._stack.enter_context(
            collectors.gateway(
                self._folder("collector"),
                backend=f"http://127.0.0.1:{backend}",
                processor=f"http://127.0.0.1:{processor}",
                results_port=results,
                **variables,
            )
        )

    def close(self) -> None:
        """Ends all processes, those started last first."""
        self._stack.close()

    def _folder(self, part: str) -> Path:
        self._parts += 1
        folder = self.folder / f"{part}-{self._parts}"
        folder.mkdir()
        return folder

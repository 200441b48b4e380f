"""driftline-processor as a process that can be killed, started again and measured."""

import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from e2e.processes import BIN, Process, free_ports, wait_until
from torture.client import Client

_DEFAULTS: Final[Mapping[str, Any]] = {
    "window": {"size": "10s", "step": "2s", "lateness": "60s"},
    "snapshot": {"every": "3s"},
    "telemetry": {"every": "1s"},
}
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Processor:
    """Configuration, store, references and log are in a folder of its own. Use it as a context manager: it starts.

    settings: keys of processor.yaml instead of, or beside, short windows and a snapshot each 3 s.
    """

    def __init__(
        self,
        folder: Path,
        *,
        export: int,
        port: int = 0,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        (folder / "references").mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port or free_ports(1)[0]
        self._env = {**_ENVIRONMENT, **(env or {})}
        self._process: Process | None = None
        own = {
            "listen": f"127.0.0.1:{self.port}",
            "references": str(folder / "references"),
            "store": f"sqlite:///{folder}/driftline.db",
            "export": {"endpoint": f"http://127.0.0.1:{export}"},
        }
        self.config = folder / "processor.yaml"
        self.config.write_text(yaml.safe_dump({**own, **_DEFAULTS, **(settings or {})}))

    def __enter__(self) -> "Processor":  # noqa: PYI034  # typing.Self is 3.11's
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.stop()

    def launch(self) -> None:
        """Starts it, and does not wait until it serves."""
        command = [BIN / "driftline-processor", "--config", self.config]
        self._process = Process("processor", command, self.folder / "processor.log", self._env, self.folder)

    def start(self, within: float = 60.0) -> float:
        """Starts it.

        Returns:
            Seconds until it served.

        Raises:
            AssertionError: it ended, or does not serve in time.

        """
        begun = time.monotonic()
        self.launch()
        with Client(self.port) as client:
            wait_until(lambda: not self.alive or client.serving, "the processor serves", within)
        assert self.alive, f"the processor ended: {self.log[-1000:]}"
        return time.monotonic() - begun

    def kill(self) -> None:
        """SIGKILL."""
        self._running.kill()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        return self._running.stop()

    def signal(self, number: int) -> None:
        """Any other signal, such as SIGSTOP."""
        os.kill(self.pid, number)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def log(self) -> str:
        """All that it wrote, in all its lives."""
        path = self.folder / "processor.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def cpu(self) -> float:
        """Seconds of CPU in this life."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """MiB that are resident."""
        return self._status("VmRSS")

    @property
    def peak_memory(self) -> float:
        """MiB that were resident at most in this life."""
        return self._status("VmHWM")

    def _status(self, key: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{key}:"))
        return int(line.split()[1]) / 1024

    @property
    def _running(self) -> Process:
        assert self._process is not None, "not started"
        return self._process


def kill_often(victim: Processor, times: int, seed: int = 1) -> None:
    """Kills it at random moments, some while it is still starting, and launches it again each time."""
    chance = random.Random(seed)
    for number in range(times):
        time.sleep(chance.uniform(0.1, 7.0) if number % 4 else chance.uniform(0.1, 2.0))
        victim.kill()
        time.sleep(chance.choice([0.0, 0.0, 0.5, 2.0]))
        victim.launch()

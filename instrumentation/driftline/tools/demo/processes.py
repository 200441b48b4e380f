"""Child processes: started, watched, and stopped in every case."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import current_thread, main_thread
from typing import Final

LOG_LINES: Final = 15
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PORTS: Final = range(20_000, 32_000)


class ProcessError(Exception):
    """A process died or did not start; the message ends with its last lines of output."""


class ManagedProcess:
    """A command in its own process group, with its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            # In its own session: Ctrl-C reaches only the demo, which then stops its processes in order.
            self._process = subprocess.Popen(  # noqa: S603  the commands are ours
                list(command),
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raise ProcessError if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise ProcessError(f"{self.name} ended with {_exit_reason(code)}. {self._last_lines()}")

    def finish(self, seconds: float) -> None:
        """Wait until it ends; raises ProcessError if it fails or takes longer."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} did not end within {seconds:.0f} s. {self._last_lines()}") from None
        if code:
            raise ProcessError(f"{self.name} ended with {_exit_reason(code)}. {self._last_lines()}")

    def wait_for_port(self, port: int, seconds: float) -> None:
        """Wait until the port accepts connections; raises ProcessError if the process dies or takes longer."""
        deadline = time.monotonic() + seconds
        while not _listens(port):
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} did not listen within {seconds:.0f} s. {self._last_lines()}")
            time.sleep(POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Send SIGTERM, wait, then send SIGKILL to what is left of the group. Safe to call twice."""
        try:
            if self._process.poll() is None:
                self._signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
        finally:  # also when a second Ctrl-C cuts the waiting short
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # the group has ended
            os.killpg(self._process.pid, number)

    def _last_lines(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "It wrote nothing." if not lines else "Its last lines:\n  " + "\n  ".join(lines)


class Processes(ExitStack):
    """The processes of a `with` block, stopped in reverse order when it is left in any way."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._services: list[ManagedProcess] = []

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> ManagedProcess:
        """Start a service: a process that must not end on its own."""
        process = self._process(name, command, env)
        self._services.append(process)
        return process

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], seconds: float) -> None:
        """Run a process to its end; raises ProcessError if it fails or takes longer."""
        self._process(name, command, env).finish(seconds)

    def _process(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> ManagedProcess:
        with _signals_deferred():
            process = ManagedProcess(name, command, env, self._folder)
            self.callback(process.stop)
        return process

    def check(self, seconds: float = 0.0) -> None:
        """Raise ProcessError if a service has ended, or ends within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            for process in self._services:
                process.check()
            if time.monotonic() >= deadline:
                return
            time.sleep(POLL_SECONDS)


def free_ports(count: int) -> list[int]:
    """Distinct free loopback ports, below the ephemeral range, so no outgoing connection takes one."""
    candidates = random.sample(PORTS, len(PORTS))
    return list(islice(filter(_is_free, candidates), count))


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Defer signals to the end of the block, so that Ctrl-C cannot come between starting a process and registering it.

    Only the main thread receives signals.
    """
    arrived: list[int] = []
    numbers = SIGNALS if current_thread() is main_thread() else ()
    before = {number: signal.signal(number, lambda late, _: arrived.append(late)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _exit_reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

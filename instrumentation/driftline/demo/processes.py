"""Processes that this one starts, watches, and ends by their ids, whatever happens."""

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
    """A process died or did not come up; the message ends with the last lines that it wrote."""


class Process:
    """A command in a process group of its own, its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C reaches only the demo, which then ends its processes in order.
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
            raise ProcessError(f"{self.name} ended with {_told(code)}. {self._last_lines()}")

    def finish(self, seconds: float) -> None:
        """Wait for its end; raises ProcessError unless that is a success and comes in time."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} did not end within {seconds:.0f} s. {self._last_lines()}") from None
        if code:
            raise ProcessError(f"{self.name} ended with {_told(code)}. {self._last_lines()}")

    def wait_for_port(self, port: int, seconds: float) -> None:
        """Until something listens there; raises ProcessError when the process dies or the time is over."""
        deadline = time.monotonic() + seconds
        while not _listens(port):
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} did not listen within {seconds:.0f} s. {self._last_lines()}")
            time.sleep(POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, time to finish, then SIGKILL to whatever is left of the group. Safe to call twice."""
        try:
            if self._process.poll() is None:
                self._signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
        finally:  # also when a second Ctrl-C cuts the waiting short
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # the group is gone: what we wanted
            os.killpg(self._process.pid, number)

    def _last_lines(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "It wrote nothing." if not lines else "Its last lines:\n  " + "\n  ".join(lines)


class Processes(ExitStack):
    """The processes of a `with` block, ended in reverse order when it is left, in whatever way."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._services: list[Process] = []

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Process:
        """Start a service: a process that must not end by itself."""
        process = self._process(name, command, env)
        self._services.append(process)
        return process

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], seconds: float) -> None:
        """Run a process to its end; raises ProcessError unless that is a success and comes in time."""
        self._process(name, command, env).finish(seconds)

    def _process(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Process:
        with _undisturbed():
            process = Process(name, command, env, self._folder)
            self.callback(process.stop)
        return process

    def check(self, seconds: float = 0.0) -> None:
        """Raise ProcessError if one of them has ended, or does within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            for process in self._services:
                process.check()
            if time.monotonic() >= deadline:
                return
            time.sleep(POLL_SECONDS)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, all different.

    They lie below those that systems hand out by themselves, so no connection takes one before its process does.
    """
    candidates = random.sample(PORTS, len(PORTS))
    return list(islice(filter(_is_free, candidates), count))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait until the block is left, so that Ctrl-C cannot come between a start and the promise to stop.

    In another thread than the main one none arrive.
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


def _told(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

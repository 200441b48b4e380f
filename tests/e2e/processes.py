"""Real processes for end-to-end tests: started, waited for until they are ready, ended by their id.

What they wrote shows when a test fails.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
"""Where `driftline`, `driftline-processor` and `opentelemetry-instrument` are."""

_READY_TIMEOUT = 60.0
_STOP_TIMEOUT = 20.0
_CHILDREN_TIMEOUT = 15.0
_PORTS = range(10_000, 32_000)


class Process:
    """A running process; `log` is the file that it writes both of its streams to."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self.log = log
        self._command, self._env, self._cwd = [str(part) for part in command], clean_environment() | dict(env), cwd
        self.launch()

    def launch(self) -> None:
        """Starts it, for the first time or again."""
        with self.log.open("ab") as out:
            # A session of its own: its id is also that of the group in which its children are.
            self._popen = subprocess.Popen(
                self._command,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self._cwd,
                env=self._env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it at once, without a chance to clean up."""
        self._popen.kill()
        self._popen.wait()

    def stop(self) -> int:
        """Ask it to end, and wait until it has.

        Returns:
            Its exit status.

        Raises:
            AssertionError: it had to be killed, or left children behind (killed, too).

        """
        if self.running:
            self._popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_STOP_TIMEOUT)
        late = self.running
        if not late:
            self._await_group()
        children = self._kill_group() and not late
        status = self._popen.wait()
        assert not late, f"{self.name} did not end within {_STOP_TIMEOUT} s of SIGTERM"
        assert not children, f"{self.name} left children behind"
        return status

    def _await_group(self) -> None:
        """Helpers of multiprocessing and of Ray end some time after the process that they served."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self._signal_group(0), "children have ended", _CHILDREN_TIMEOUT)

    def _kill_group(self) -> bool:
        """Kill what is left of it and its children; whether there was anything."""
        return self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> bool:
        """Whether there was anything to signal."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True


@contextlib.contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    ready: Callable[[], object],
    env: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """A process that is ready, and has ended when the block is left.

    Args:
        name: what it is called in messages; its log is `folder/<name>.log`, appended to.
        command: what to run; nothing goes through a shell.
        folder: its working directory.
        ready: true as soon as it can be used; asked until then.
        env: variables beside those of this process; those that configure OpenTelemetry or Driftline are not passed on.

    Raises:
        AssertionError: it ended before it was ready, was not ready in time, or did not end when told to.

    """
    process = Process(name, command, folder / f"{name}.log", env or {}, folder)
    try:
        wait_until(lambda: not process.running or ready(), f"{name} is ready", _READY_TIMEOUT)
        assert process.running, f"{name} ended before it was ready"
        yield process
        process.stop()
    except BaseException:
        with contextlib.suppress(AssertionError):
            process.stop()
        print(f"--- {process.log}\n{process.output()[-20_000:]}")
        raise


def clean_environment() -> dict[str, str]:
    """The variables of this process without those that would configure what is under test."""
    ours = ("OTEL_", "OTELCOL_", "DRIFTLINE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def wait_until(condition: Callable[[], T], what: str, timeout: float = 30.0) -> T:
    """The first true value of `condition()`.

    Raises:
        AssertionError: nothing true within `timeout` seconds; the message says `what` was waited for.

    """
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.05)  # between two looks at a process that cannot tell us
    return value


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that nobody listens on, all different.

    They lie below those that the system hands out, so that no connection takes one before its process does.
    """
    candidates = random.sample(_PORTS, len(_PORTS))
    return list(islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def answers_http(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def serves_grpc(port: int) -> bool:
    """Whether the gRPC server on this loopback port says that it is healthy."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def find_collector() -> Path:
    """The Collector that `make collector` left; without one the test is skipped, in CI it fails."""
    binary = ROOT / ".collector" / "otelcol"
    if not binary.exists():
        message = "no Collector: `make collector` builds one"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return binary

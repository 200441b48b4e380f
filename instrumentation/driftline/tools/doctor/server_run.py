"""Starts a server instrumented, so that it sends to the doctor, and ends it with all of its children."""

import os
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final
from uuid import uuid4

from driftline.tools.doctor.environment_probe import LAUNCHER, launcher_beside
from driftline.tools.doctor.listener import Ports
from driftline.tools.doctor.targets import GENERAL_ENDPOINT, GENERAL_PROTOCOL, SKETCH_ENDPOINT

POLL_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 15.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD_ERROR: Final = 2
_MARK: Final = "_DRIFTLINE_DOCTOR"
"""A variable by which the children of a server are known, whatever they do to get away."""

_LOOPBACK: Final = "127.0.0.1,localhost"
_SOON: Final = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
    "DRIFTLINE_EXPORT_INTERVAL": "500",
}
"""Milliseconds: nobody wants to wait for a diagnosis."""

_ENDPOINTS: Final = tuple(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in ("TRACES", "METRICS", "LOGS"))
_SECRETS: Final = tuple(
    f"OTEL_EXPORTER_OTLP{signal}_{what}"
    for signal in ("", "_TRACES", "_METRICS", "_LOGS")
    for what in ("HEADERS", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "INSECURE")
)


def redirected(variables: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """The environment of a server that sends to the doctor instead, by the protocols that it is set to."""
    general = variables.get(GENERAL_PROTOCOL, "").strip()
    changed = {name: value for name, value in variables.items() if name not in _SECRETS}
    for name in _ENDPOINTS:
        protocol = variables.get(name.replace("_ENDPOINT", "_PROTOCOL"), "").strip()
        own = protocol or general
        if name in variables or (protocol and protocol != general):
            path = f"/v1/{name.split('_')[3].lower()}" if own == "http/protobuf" else ""
            changed[name] = ports.endpoint(own) + path
    if variables.get(SKETCH_ENDPOINT, "").strip():
        changed[SKETCH_ENDPOINT] = ports.endpoint(variables.get(_METRICS_PROTOCOL, "").strip() or general)
    proxy = {"NO_PROXY": _LOOPBACK, "no_proxy": _LOOPBACK}
    return {**changed, **_SOON, **proxy, GENERAL_ENDPOINT: ports.endpoint(general), "PYTHONUNBUFFERED": "1"}


_METRICS_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"


def instrumented(command: Sequence[str], python: str) -> list[str]:
    """The command under `opentelemetry-instrument`, of the interpreter's environment. python: "" for this one."""
    if Path(command[0]).name == LAUNCHER:
        return list(command)
    beside = launcher_beside(python) if python else None
    ours = shutil.which(LAUNCHER, path=sysconfig.get_path("scripts"))
    return [beside or ours or LAUNCHER, *command]


class ServerProcess:
    """A server in a session of its own: Ctrl-C reaches only the doctor, which then ends it in order."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        """Start it; what it writes goes to this process's standard error. Raises OSError."""
        mark = uuid4().hex
        self._marked = f"{_MARK}={mark}".encode()
        self._process = subprocess.Popen(  # noqa: S603  # the user's command
            list(command),
            env={**variables, _MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=_STANDARD_ERROR,
            stderr=_STANDARD_ERROR,
            start_new_session=True,
        )

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """SIGTERM, as in production; then SIGKILL to all that is left. Safe to call twice."""
        try:
            if self.status is None:
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_SECONDS)
        finally:  # also when a second Ctrl-C cuts the waiting short
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pid in self._escaped():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _escaped(self) -> Iterator[int]:
        """Children in sessions of their own, told by the mark in their environment; where there is /proc."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._marked in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


@contextmanager
def running(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[ServerProcess]:
    """A server that has ended with all of its children when the block is left, by a signal, too."""
    with _interrupted():
        server = ServerProcess(command, variables)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _interrupted() -> Iterator[None]:
    """Signals that end a process raise KeyboardInterrupt, as Ctrl-C does: a shell's background job has that ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> Any:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return met

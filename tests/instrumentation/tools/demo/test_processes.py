import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from driftline.tools.demo.processes import LOG_LINES, PORTS, ManagedProcess, ProcessError, Processes, free_ports

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)
SLEEPER = "import time; print('ready', flush=True); time.sleep(600)"


def python(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


def first_line(folder: Path, process: ManagedProcess) -> str:
    """What it wrote, as soon as it has."""
    log = folder / f"{process.name}.log"
    while not (text := log.read_text()).endswith("\n"):
        process.check()
    return text


def runs(pid: int) -> bool:
    """Whether a process is there and not just waiting to be reaped by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_that_died_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    """Name, exit status, and the end of what it wrote, not all of it."""
    with Processes(tmp_path) as processes:
        processes.start("server", python("for i in range(100): print('line', i)\nraise SystemExit(3)"), os.environ)
        with pytest.raises(ProcessError) as error:
            processes.check(seconds=30)

    message = str(error.value)
    assert message.startswith("server ended with exit status 3.")
    assert message.endswith("line 99")
    assert message.count("line ") == LOG_LINES


def test_a_process_that_was_killed_is_reported_with_the_signal(tmp_path: Path) -> None:
    """And with the fact that it said nothing."""
    with Processes(tmp_path) as processes:
        server = processes.start("server", python("import time; time.sleep(600)"), os.environ)
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ProcessError, match=r"server ended with signal SIGKILL. It wrote nothing\."):
            processes.check(seconds=30)


@pytest.mark.parametrize("program", [SLEEPER, STUBBORN], ids=["obedient", "ignores SIGTERM"])
def test_nothing_is_left_running(tmp_path: Path, program: str) -> None:
    """Stopping ends a process, also one that does not want to."""
    process = ManagedProcess("server", python(program), os.environ, tmp_path)
    first_line(tmp_path, process)

    process.stop(seconds=1.0)

    assert not runs(process.pid)


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    """What a process started and left behind is ended with it."""
    with Processes(tmp_path) as processes:
        child = int(first_line(tmp_path, processes.start("server", python(PARENT), os.environ)))
        assert runs(child)

    while runs(child):  # it has its signal, and ends when it is next scheduled
        time.sleep(0.01)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_processes_end_however_the_block_is_left(tmp_path: Path, error: type[BaseException]) -> None:
    """By an error, Ctrl-C or a signal."""
    processes = Processes(tmp_path)
    server = processes.start("server", python(SLEEPER), os.environ)
    first_line(tmp_path, server)

    with pytest.raises(error), processes:
        raise error

    assert not runs(server.pid)


def test_ctrl_c_at_the_very_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that arrives while a process is being started waits until somebody is there to stop it."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **kwargs))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    processes = Processes(tmp_path)
    with pytest.raises(KeyboardInterrupt), processes:
        processes.start("server", python(SLEEPER), os.environ)

    assert len(started) == 1
    assert not runs(started[0].pid)


def test_stopping_twice_is_no_error(tmp_path: Path) -> None:
    """The second time there is nothing to do."""
    process = ManagedProcess("server", python(SLEEPER), os.environ, tmp_path)

    process.stop()
    process.stop()

    assert not runs(process.pid)


def test_a_run_returns_when_the_process_has_succeeded(tmp_path: Path) -> None:
    """What it was to write is there."""
    with Processes(tmp_path) as processes:
        processes.run("profile", python("open('reference.json', 'w').close()"), os.environ, seconds=30)

    assert (tmp_path / "reference.json").exists()


def test_a_run_that_fails_is_reported(tmp_path: Path) -> None:
    """With its last lines."""
    with (
        Processes(tmp_path) as processes,
        pytest.raises(ProcessError, match=r"profile ended with exit status 1\.(.|\n)*no"),
    ):
        processes.run("profile", python("raise SystemExit('no')"), os.environ, seconds=30)


def test_a_run_that_takes_too_long_is_reported_and_ended(tmp_path: Path) -> None:
    """The error states the limit."""
    with pytest.raises(ProcessError, match="profile did not end within 0 s"), Processes(tmp_path) as processes:
        processes.run("profile", python(SLEEPER), os.environ, seconds=0.1)


def test_a_port_is_waited_for(tmp_path: Path) -> None:
    """The wait is over when something listens."""
    (port,) = free_ports(1)
    program = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    with Processes(tmp_path) as processes:
        processes.start("server", python(program), os.environ).wait_for_port(port, seconds=30)
        with socket.create_connection(("127.0.0.1", port)):
            pass


def test_a_process_that_dies_ends_the_wait_for_its_port(tmp_path: Path) -> None:
    """Nobody waits for what cannot come."""
    (port,) = free_ports(1)
    with Processes(tmp_path) as processes, pytest.raises(ProcessError, match="cannot bind"):
        processes.start("server", python("raise SystemExit('cannot bind')"), os.environ).wait_for_port(port, seconds=30)


def test_a_process_that_does_not_listen_in_time_is_reported(tmp_path: Path) -> None:
    """The error states the limit."""
    (port,) = free_ports(1)
    with Processes(tmp_path) as processes, pytest.raises(ProcessError, match="did not listen within 0 s"):
        processes.start("server", python(SLEEPER), os.environ).wait_for_port(port, seconds=0.1)


def test_free_ports_are_different_and_can_be_listened_on() -> None:
    """All of them at once, and from the range that systems do not use by themselves."""
    ports = free_ports(4)

    assert len(set(ports)) == 4
    assert set(ports) <= set(PORTS)
    sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
    for each in sockets:
        each.close()


def test_a_port_in_use_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("driftline.tools.demo.processes.PORTS", range(port, port + 1))

        assert free_ports(1) == []

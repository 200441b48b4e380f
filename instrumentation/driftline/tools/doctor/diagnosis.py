"""Runs a server for a while, and judges what it sent."""

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from driftline.reference.errors import InvalidReference
from driftline.reference.profile import Profile
from driftline.reference.read import load_profile
from driftline.tools.doctor import server_requests
from driftline.tools.doctor.environment_probe import interpreter_of
from driftline.tools.doctor.finding import Finding, problem
from driftline.tools.doctor.listener import listening
from driftline.tools.doctor.server_run import ServerProcess, instrumented, redirected, running, wait
from driftline.tools.doctor.traffic import Recorder
from driftline.tools.doctor.traffic_checks import Sent, findings

_QUIET_SECONDS: Final = 1.5
"""Without a new request, all that was recorded has arrived: exports come every half second."""

_SETTLE_SECONDS: Final = 10.0


class NotStarted(Exception):  # noqa: N818  # what happened
    """The command cannot be started."""


class Visit(NamedTuple):
    """What is run: for `seconds` at most, or until `url`, if any, has answered our requests, with this body."""

    command: Sequence[str]
    seconds: float
    url: str | None = None
    data: bytes | None = None


def watch(visit: Visit, references: Sequence[Path]) -> list[Finding]:
    """Run the command instrumented against a listener of our own; the findings of what arrived.

    Raises:
        NotStarted: there is no such program.

    """
    if shutil.which(visit.command[0]) is None:
        raise NotStarted(f"cannot start {visit.command[0]}: no such program")
    profiles, unreadable = _read(references)
    recorder = Recorder()
    with listening(recorder.take) as ports:
        variables = redirected(os.environ, ports)
        whole = instrumented(visit.command, interpreter_of(visit.command, os.environ))
        _say(f"Listening for {' '.join(visit.command)}; {_hint(visit)}")
        try:
            answers, status = _run(visit._replace(command=whole), variables, recorder)
        except OSError as error:
            raise NotStarted(f"cannot start {whole[0]}: {error.strerror}") from None
    sent = Sent(recorder.traffic(), profiles, dict(os.environ), answers, status)
    return [*unreadable, *findings(sent)]


def _hint(visit: Visit) -> str:
    own = f"requests go to {visit.url}." if visit.url else "send it requests."
    return f"{own} Ends after {visit.seconds:g} s, or on Ctrl-C"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _run(visit: Visit, variables: Mapping[str, str], recorder: Recorder) -> tuple[Counter[str], int | None]:
    """Answers to our requests, and the exit status of the server if it ended by itself."""
    answers: Counter[str] = Counter()
    status: int | None = None
    try:
        with running(visit.command, variables) as server:
            end = time.monotonic() + visit.seconds
            if visit.url:
                answers = server_requests.send(
                    visit.url, visit.data, lambda: server.status is None and time.monotonic() < end
                )
                _settle(server, recorder)
            else:
                wait(lambda: server.status is not None, visit.seconds)
            status = server.status
    except KeyboardInterrupt:
        _say("Stopped.")
    return answers, status


def _settle(server: ServerProcess, recorder: Recorder) -> None:
    """Wait until what the requests caused has arrived."""
    wait(_is_quiet(server, recorder), _SETTLE_SECONDS)


def _is_quiet(server: ServerProcess, recorder: Recorder) -> Callable[[], bool]:
    seen, since = -1.0, time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        if recorder.progress != seen:
            seen, since = recorder.progress, time.monotonic()
        return server.status is not None or time.monotonic() - since >= _QUIET_SECONDS

    return quiet


def _read(files: Sequence[Path]) -> tuple[list[Profile], list[Finding]]:
    """The profiles, and a finding for each file that is none."""
    read = [_load(file) for file in files]
    return [each for each in read if isinstance(each, Profile)], [each for each in read if isinstance(each, Finding)]


def _load(file: Path) -> Profile | Finding:
    try:
        return load_profile(file)
    except InvalidReference as error:
        return problem("reference", str(error), "make it by `driftline profile`")

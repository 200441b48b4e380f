"""Native threads and locks, also where gevent has monkey-patched `threading` with greenlets.

A greenlet blocked inside gRPC blocks every request of its process, and state shared with a native thread needs a native
lock; Driftline never switches greenlets while it holds one.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Final


def _original(module: str, name: str) -> Any:
    """The standard library's own object, even if gevent has replaced it."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(import_module(module), name) if monkey is None else monkey.get_original(module, name)


Lock: Final[type[contextlib.AbstractContextManager[bool]]] = _original("_thread", "allocate_lock")
"""As `threading.Lock`."""


class AutoResetEvent:
    """An event for a single waiting thread, reset by a successful wait."""

    def __init__(self) -> None:
        self._lock = _original("_thread", "allocate_lock")()
        self._lock.acquire()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # already set
            self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set within `timeout` seconds; None waits forever."""
        return bool(self._lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX)))


_POLL_SECONDS: Final = 0.005
"""How often a greenlet looks for a result: the event it would wait for blocks every greenlet of the process."""


def all_within(timeout: float, calls: Iterable[Callable[[], bool]]) -> bool:
    """Make calls that may block for longer, each in a daemon thread of its own, in which one that does goes on.

    Returns:
        True if all of them returned True within `timeout` seconds.

    """
    end = time.monotonic() + timeout
    pending = [_PendingCall(call) for call in calls]
    results = [each.succeeded(end) for each in pending]
    return all(results)


class _PendingCall:
    """A call in a daemon thread. At the interpreter's shutdown there are no new threads, and it fails."""

    def __init__(self, call: Callable[[], bool]) -> None:
        self._call = call
        self._done = AutoResetEvent()
        self._result = False
        try:
            start_thread(self._run, "driftline-call")
        except RuntimeError:
            self._done.set()

    def _run(self) -> None:
        try:
            self._result = self._call()
        finally:
            self._done.set()

    def succeeded(self, end: float) -> bool:
        """Whether it returned True before `end`, in seconds of `time.monotonic`."""
        if "gevent.monkey" not in sys.modules:
            return self._done.wait(end - time.monotonic()) and self._result
        while not (done := self._done.wait(0)) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        return done and self._result


def start_thread(target: Callable[[], None], name: str) -> None:
    """Run `target` in a daemon thread.

    Raises:
        RuntimeError: the interpreter is shutting down.

    """
    start = _original("_thread", "start_new_thread")
    if start is sys.modules["_thread"].start_new_thread:
        threading.Thread(target=target, name=name, daemon=True).start()
    else:
        start(target, ())

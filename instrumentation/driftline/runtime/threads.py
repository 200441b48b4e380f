"""Native threads and locks, also where gevent has monkey-patched `threading` with greenlets.

A greenlet blocked inside gRPC blocks every request of its process, and state shared with a native thread needs a native
lock; Driftline never switches greenlets while it holds one.
"""

import contextlib
import sys
import threading
from collections.abc import Callable
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

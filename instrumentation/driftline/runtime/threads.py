"""Threads and locks of the operating system, also where gevent has put greenlets in the place of threading's.

A greenlet that waits inside gRPC holds up every request of its process. And what is shared with a real thread needs a
lock that knows nothing of greenlets; nothing of ours switches between them while it holds one.
"""

import contextlib
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final


def _original(module: str, name: str) -> Any:
    """What the standard library calls so, whether or not gevent has replaced it since."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(import_module(module), name) if monkey is None else monkey.get_original(module, name)


Lock: Final[type[contextlib.AbstractContextManager[bool]]] = _original("_thread", "allocate_lock")
"""As `threading.Lock`."""


class Signal:
    """An event that one thread waits for, and that is over once it has been waited for."""

    def __init__(self) -> None:
        self._lock = _original("_thread", "allocate_lock")()
        self._lock.acquire()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is set already
            self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set within `timeout` seconds; None waits for ever."""
        return bool(self._lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX)))


def start_thread(target: Callable[[], None], name: str) -> None:
    """Run `target` in a thread that ends with the process.

    Raises:
        RuntimeError: the interpreter shuts down.

    """
    start = _original("_thread", "start_new_thread")
    if start is sys.modules["_thread"].start_new_thread:
        threading.Thread(target=target, name=name, daemon=True).start()
    else:
        start(target, ())

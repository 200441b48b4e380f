"""Fork and exit handlers: a forked child starts empty, and a process flushes before it exits."""

import atexit
import os
import weakref
from typing import Final, Protocol


class LifecycleAware(Protocol):
    """An object that lives as long as its process."""

    def after_fork(self) -> None:
        """Called in a forked child: drop everything inherited from the parent."""

    def at_exit(self) -> None:
        """Called before the process exits: flush, in bounded time."""


_REGISTERED: Final[weakref.WeakSet[LifecycleAware]] = weakref.WeakSet()
_fork_hook_installed = False


def register(target: LifecycleAware) -> None:
    """Call `target` after forks and at exit.

    There is one exit handler, registered at once: it runs after the handlers that the program registers later, so
    their predictions count, and before the SDK's, so their spans are still sent.
    """
    global _fork_hook_installed  # noqa: PLW0603  # fork hooks cannot be removed: they are installed once
    _REGISTERED.add(target)
    if not _fork_hook_installed:
        _fork_hook_installed = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def unregister(target: LifecycleAware) -> None:
    """Undo `register`."""
    _REGISTERED.discard(target)
    if not _REGISTERED:
        atexit.unregister(_at_exit)


def _after_fork() -> None:
    for target in list(_REGISTERED):
        target.after_fork()


def _at_exit() -> None:
    for target in list(_REGISTERED):
        target.at_exit()

"""What a process does at its end, and what a forked child does at its beginning."""

import atexit
import os
import sys
import weakref
from typing import Final, Protocol


class Resident(Protocol):
    """Something that lives as long as its process."""

    def begin_in_child(self) -> None:
        """Just forked: start with nothing."""

    def finish(self) -> None:
        """About to end: send what there is, in bounded time."""


_RESIDENTS: Final[weakref.WeakSet[Resident]] = weakref.WeakSet()
_hooked = False


def settle(resident: Resident) -> None:
    """Tell `resident` of forks and of the end.

    One handler at exit, registered at once: it runs after those that the program registers later, so their predictions
    count, and before the SDK's, so their spans are still sent.
    """
    global _hooked  # noqa: PLW0603  # hooks at fork cannot be taken back: they are set once
    _RESIDENTS.add(resident)
    if not _hooked:
        _hooked = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_begin_in_child)
    atexit.unregister(_finish)
    atexit.register(_finish)


def leave(resident: Resident) -> None:
    """The opposite of `settle`."""
    _RESIDENTS.discard(resident)
    if not _RESIDENTS:
        atexit.unregister(_finish)


def finish_multiprocessing_child() -> None:
    """In a child of `multiprocessing`: finish at its end too. Forked ones end without their handlers at exit."""
    if "multiprocessing.util" not in sys.modules:
        return
    from multiprocessing import parent_process, util

    if parent_process() is not None:
        util.Finalize(None, _finish, exitpriority=0)


def _begin_in_child() -> None:
    for resident in list(_RESIDENTS):
        resident.begin_in_child()


def _finish() -> None:
    for resident in list(_RESIDENTS):
        resident.finish()

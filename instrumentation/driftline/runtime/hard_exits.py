"""Ends that skip the exit handlers of a process: `os._exit`, and the SIGTERM by which a pool ends its workers.

Forked children end by `os._exit`, those of `multiprocessing` and Celery's billiard too.
"""

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from driftline.runtime.threads import start_thread


def finish_before_exit(exit_now: Callable[[int], NoReturn], finish: Callable[[], object]) -> Callable[[int], NoReturn]:
    """Wrap `os._exit` to call `finish` first."""

    @functools.wraps(exit_now)
    def _exit(status: int) -> NoReturn:
        try:
            finish()
        finally:  # a signal handler may raise while `finish` waits
            exit_now(status)

    return _exit


def finish_between_tasks(worker: Callable[..., None], finish: Callable[[], object]) -> Callable[..., None]:
    """Wrap `multiprocessing.pool.worker` to call `finish` if SIGTERM comes between two tasks.

    So it does at the end of `with Pool()`, and of joblib's backend of that name. Within a task a worker is killed at
    once, as ever: a handler in Python would wait for native code, which may hang.
    """

    @functools.wraps(worker)
    def run(inqueue: Any, outqueue: Any, *args: Any, **kwargs: Any) -> None:
        if _is_pool_child():
            idle = _Idle(finish)
            inqueue, outqueue = _Tasks(inqueue, idle), _Results(outqueue, idle)
        worker(inqueue, outqueue, *args, **kwargs)

    return run


def _is_pool_child() -> bool:
    """Not a thread of a `ThreadPool`, which has the same `worker`."""
    from multiprocessing import parent_process

    return parent_process() is not None and threading.current_thread() is threading.main_thread()


class _Idle:
    """Handles SIGTERM while the worker has no task, unless the program handles it itself."""

    def __init__(self, finish: Callable[[], object]) -> None:
        self._finish = finish
        self._handles = False

    def begin(self) -> None:
        if not self._handles and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_terminate)
            self._handles = True

    def end(self) -> None:
        if self._handles:
            self._handles = False
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _on_terminate(self, signum: int, _frame: object) -> None:
        """Leave the work to a thread: the interrupted one may hold a lock that `finish` needs, as when it exits."""
        signal.signal(signum, signal.SIG_DFL)
        with contextlib.suppress(RuntimeError):  # the interpreter is shutting down, and the recorder with it
            start_thread(self._finish_and_die, "driftline-terminate")

    def _finish_and_die(self) -> None:
        try:
            self._finish()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


class _Tasks:
    """The queue from which a worker takes its tasks."""

    def __init__(self, queue: Any, idle: _Idle) -> None:
        self._queue = queue
        self._idle = idle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def get(self) -> Any:
        self._idle.begin()
        task = self._queue.get()
        if task is not None:  # None ends the worker
            self._idle.end()
        return task


class _Results:
    """The queue to which a worker gives its results. The pool may end as soon as it has one."""

    def __init__(self, queue: Any, idle: _Idle) -> None:
        self._queue = queue
        self._idle = idle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def put(self, result: Any) -> None:
        self._idle.begin()
        self._queue.put(result)

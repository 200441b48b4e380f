"""Call scope: a context variable that lets only the outermost model call count, also across joblib's workers.

The state of a finished call stays in the context and holds the call's id once somebody asks for it: setting a context
variable is a large part of the cost of a recorded call, so it happens once per call.
"""

import functools
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

# [whether the call is in progress, its prediction id once assigned]. The first element becomes False when the call
# ends, so a context copied inside the call and used later (a task, a timer) does not stay silent forever.
ScopeToken: TypeAlias = list[Any]
CALL_SCOPE: Final[ContextVar[ScopeToken | None]] = ContextVar("driftline_inside", default=None)


class PredictionIds:
    """Ids unique across processes: 96 random bits per process, then a counter."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Draw new random bits, so that a forked child does not repeat its parent's ids."""
        self._numbers = itertools.count(secrets.randbits(96) << 32)

    def make(self) -> str:
        return f"{next(self._numbers):032x}"


PREDICTION_IDS: Final = PredictionIds()


@contextmanager
def paused() -> Iterator[None]:
    """Record no model calls inside this context.

    Use it for explainers, cross-validation and warm-up calls inside a server. It applies to the current thread or task,
    and to the joblib workers started from it.

    Returns:
        A context manager.

    Example:
        >>> import driftline
        >>> with driftline.paused():
        ...     pass  # calls of model.predict(...) in here are not recorded

    """
    token = [True, prediction_id()]
    reset = CALL_SCOPE.set(token)
    try:
        yield
    finally:
        token[0] = False
        CALL_SCOPE.reset(reset)


def prediction_id() -> str | None:
    """Return the id of the model call that just finished in this context, to join an outcome with it later.

    The span of the call carries the same id as `ml.prediction.id`.

    Returns:
        32 hexadecimal digits; the same on every call until the next prediction. None before the first prediction.

    Example:
        >>> import driftline
        >>> driftline.prediction_id() is None  # nothing was predicted yet
        True

    """
    token = CALL_SCOPE.get()
    if token is None or token == [True]:
        return None
    if len(token) == 1:
        token.append(PREDICTION_IDS.make())
    found: str | None = token[1]
    return found


def assign_prediction_id() -> str:
    """Assign a new id to the call that just ended in this context, and return it."""
    made = PREDICTION_IDS.make()
    CALL_SCOPE.set([False, made])  # not the existing token: a callback shares its caller's
    return made


def end_call() -> None:
    """End the call in progress in this context: it does not take place."""
    token = CALL_SCOPE.get()
    if token is not None:
        token[0] = False


class ScopedTask:
    """A joblib task that runs inside the call that created it; unpickled in another process, inside some call."""

    __slots__ = ("function", "token")

    def __init__(self, function: Callable[..., Any], token: ScopeToken | None = None) -> None:
        self.function = function
        self.token = [True] if token is None else token

    def __reduce__(self) -> tuple[Any, ...]:
        return ScopedTask, (self.function,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        reset = CALL_SCOPE.set(self.token)
        try:
            return self.function(*args, **kwargs)
        finally:
            CALL_SCOPE.reset(reset)


def carry_scope(parallel_call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `joblib.Parallel.__call__` so that its threads and workers inherit the caller's scope."""

    @functools.wraps(parallel_call)
    def __call__(self: Any, iterable: Any) -> Any:  # noqa: N807  # joblib's name
        token = CALL_SCOPE.get()
        if token is not None and token[0]:
            iterable = ((ScopedTask(function, token), args, kwargs) for function, args, kwargs in iterable)
        return parallel_call(self, iterable)

    return __call__

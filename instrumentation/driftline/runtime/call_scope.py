"""What makes only the outermost model call count: a flag in the context, carried into joblib's threads and workers.

The flag of a call that is over stays, and holds the id of the call once somebody has asked for it: setting a context
variable is a large part of what a recorded call costs, so it is done once.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from driftline.runtime.ids import IDS

# The token is a list of whether the call is under way, and of its id if somebody asked. The first is set to False when
# the call ends: a context copied inside the call and used later (a task, a timer) is not quiet for ever.
Token: TypeAlias = list[Any]
INSIDE: Final[ContextVar[Token | None]] = ContextVar("driftline_inside", default=None)


@contextmanager
def paused() -> Iterator[None]:
    """Record nothing in this context: for explainers, cross-validation and warm-up calls inside a server."""
    token = [True, prediction_id()]
    reset = INSIDE.set(token)
    try:
        yield
    finally:
        token[0] = False
        INSIDE.reset(reset)


def prediction_id() -> str | None:
    """The id of the model call just made in this context, to join an outcome with it later; None before any."""
    token = INSIDE.get()
    if token is None or token == [True]:
        return None
    if len(token) == 1:
        token.append(IDS.make())
    found: str | None = token[1]
    return found


def identify() -> str:
    """Gives the call that has just ended in this context an id, which is returned."""
    made = IDS.make()
    INSIDE.set([False, made])  # not into the token that is there: a callback has that of its caller
    return made


class Carried:
    """A function of joblib's that runs inside the call that made it. In another process it is simply inside one."""

    __slots__ = ("function", "token")

    def __init__(self, function: Callable[..., Any], token: Token | None = None) -> None:
        self.function = function
        self.token = [True] if token is None else token

    def __reduce__(self) -> tuple[Any, ...]:
        return Carried, (self.function,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        reset = INSIDE.set(self.token)
        try:
            return self.function(*args, **kwargs)
        finally:
            INSIDE.reset(reset)


def carrying(parallel_call: Callable[..., Any]) -> Callable[..., Any]:
    """`joblib.Parallel.__call__` that carries the guard into its threads and workers."""

    @functools.wraps(parallel_call)
    def __call__(self: Any, iterable: Any) -> Any:  # noqa: N807  # joblib's name
        token = INSIDE.get()
        if token is not None and token[0]:
            iterable = ((Carried(function, token), args, kwargs) for function, args, kwargs in iterable)
        return parallel_call(self, iterable)

    return __call__

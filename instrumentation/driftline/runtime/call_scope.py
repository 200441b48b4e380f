"""Call scope: a context variable that lets only the outermost model call count, also across joblib's workers.

The state of a finished call stays in the context and holds the call's number once somebody asks for it: setting a
context variable is a large part of the cost of a recorded call, so it happens once per call.
"""

import functools
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

# [state, number of the call once assigned]. The state is True while the call is in progress; then it is what it was
# before: False, or the RowIds that the call was made with. So a context copied inside the call and used later (a task,
# a timer) does not stay silent forever.
ScopeToken: TypeAlias = list[Any]
CALL_SCOPE: Final[ContextVar[ScopeToken | None]] = ContextVar("driftline_inside", default=None)


class PredictionIds:
    """Numbers of calls, unique across processes: 96 random bits per process, then a counter.

    The id of a call is its number in hexadecimal digits.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Draw new random bits, so that a forked child does not repeat its parent's ids."""
        self.process = secrets.randbits(96)
        self._numbers = itertools.count(self.process << 32)

    def of(self, token: ScopeToken) -> int:
        """The number of a call. Of two threads that ask at once, both get that of the first; the other is nobody's."""
        if len(token) == 1:
            token.append(next(self._numbers))
        number: int = token[1]
        return number


PREDICTION_IDS: Final = PredictionIds()


class RowIds:
    """The caller's ids for the rows of the calls made while this is open, in this context or a copy of it.

    An object that calls fill: what they set in a copied context, as that of a thread pool, is not seen outside. True
    while open. ids: one for each row, or one for all. call: token of the last call.
    """

    __slots__ = ("_outer", "call", "ids", "is_open")

    def __init__(self, ids: Iterable[Any]) -> None:
        self.ids = tuple(ids)
        self.is_open = True
        self.call: ScopeToken | None = None
        self._outer: Any = False

    def __bool__(self) -> bool:
        return self.is_open

    def __enter__(self) -> "RowIds":  # noqa: PYI034  # typing.Self is 3.11's
        token = CALL_SCOPE.get()
        self._outer = token is not None and token[0]
        if self._outer is not True:  # inside a call nothing is recorded, whatever its ids
            CALL_SCOPE.set([self, _number(token)])
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False
        if self._outer and self._outer is not True:
            CALL_SCOPE.set([self._outer, _number(CALL_SCOPE.get())])

    @property
    def prediction_id(self) -> str | None:
        """The id of the last call made with these ids; None before the first."""
        return None if self.call is None else f"{PREDICTION_IDS.of(self.call):032x}"


def identified(ids: Any) -> RowIds:
    """Give the rows of the model calls inside this context the ids that the caller knows them by.

    Outcomes, recomputed features and other tables are joined by them. An id may be a number or a text: 42, 42.0 and
    "42" are one id. It is hashed, and not sent itself. It applies to this thread or task and what it awaits, starts
    with `asyncio.to_thread` or runs in a copy of its context; elsewhere rows have the ids of their calls.

    Args:
        ids: one id for each row of a call, in order; or one for all, whose rows are told apart by their numbers.

    Returns:
        A context manager. Its `prediction_id` is the id of the last call made inside, also from another thread.

    Example:
        >>> import driftline
        >>> with driftline.identified(["A-17", "A-18"]):
        ...     pass  # model.predict(two_orders)

    """
    if hasattr(ids, "tolist"):  # an array, a series or a tensor; or a scalar of one
        ids = ids.tolist()
    return RowIds([ids] if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable) else ids)


def row_ids_of(token: ScopeToken) -> RowIds | None:
    """After a call: the ids that it was made with, which know of it from then on; None if it was made without."""
    held: RowIds = token[0]
    if not held:  # closed before the call: a task that outlives its request gets no more of its ids
        token[0] = False
        return None
    held.call = token
    return held


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
    token = [True, _number(CALL_SCOPE.get())]
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
    number = _number(CALL_SCOPE.get())
    return None if number is None else f"{number:032x}"


def _number(token: ScopeToken | None) -> int | None:
    if token is None or token == [True]:
        return None
    return PREDICTION_IDS.of(token)


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
        if token is not None and token[0] is True:
            iterable = ((ScopedTask(function, token), args, kwargs) for function, args, kwargs in iterable)
        return parallel_call(self, iterable)

    return __call__

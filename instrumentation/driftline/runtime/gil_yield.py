"""Background work that yields the GIL to request threads.

A thread that wants the GIL waits up to 5 ms (`sys.getswitchinterval`) for a computing thread to release it, and so does
the request it serves.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar, overload

T = TypeVar("T")

_WORK_SECONDS: Final = 0.0005
"""Work between two yields: a yield takes 20 to 80 us, about as long as a column."""


class GilYield:
    """Yields the GIL at most once every half millisecond. For one thread at a time."""

    def __init__(self) -> None:
        self._yielded = 0.0

    def pause(self) -> None:
        """Release the GIL if it has been held long enough for another thread to be waiting."""
        if time.perf_counter() - self._yielded >= _WORK_SECONDS:
            time.sleep(0)
            self._yielded = time.perf_counter()

    def between(self, items: Sequence[T]) -> Sequence[T]:
        """The same items, with a `pause` before each when they are iterated."""
        return _YieldingSequence(items, self)


class _YieldingSequence(Sequence[T]):
    def __init__(self, items: Sequence[T], gil_yield: GilYield) -> None:
        self._items = items
        self._gil_yield = gil_yield

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            self._gil_yield.pause()
            yield item

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, position: int) -> T: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[T]: ...
    def __getitem__(self, position: Any) -> Any:
        return self._items[position]

"""Work in the background that lets callers go first.

A thread that wants the interpreter lock waits up to 5 ms for one that computes (`sys.getswitchinterval`), and so does
the prediction that it serves.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar, overload

T = TypeVar("T")

_WORK_SECONDS: Final = 0.0005
"""Work between two pauses: a pause takes 20 to 80 us, about as long as a column."""


class Courtesy:
    """The pauses of one thread at a time."""

    def __init__(self) -> None:
        self._paused = 0.0

    def pause(self) -> None:
        """Lets go of the interpreter lock, where it has been held for long enough that somebody may wait."""
        if time.perf_counter() - self._paused >= _WORK_SECONDS:
            time.sleep(0)
            self._paused = time.perf_counter()

    def between(self, items: Sequence[T]) -> Sequence[T]:
        """The same items; whoever goes through them pauses between them, without knowing of it."""
        return _Paced(items, self)


class _Paced(Sequence[T]):
    def __init__(self, items: Sequence[T], courtesy: Courtesy) -> None:
        self._items = items
        self._courtesy = courtesy

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            self._courtesy.pause()
            yield item

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, position: int) -> T: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[T]: ...
    def __getitem__(self, position: Any) -> Any:
        return self._items[position]

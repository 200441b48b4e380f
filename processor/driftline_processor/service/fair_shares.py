"""Whose turn it is: of all senders that wait, the one that has been given the least so far.

Senders are paths, such as a connection and a service that speaks over it: first the connections share what there is,
then the services of each. A sender that comes back after a pause gets no more than the others for having been away
(start-time fair queueing: Goyal, Vin, Cheng 1996).
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, Generic, TypeAlias, TypeVar

Sender: TypeAlias = tuple[str, ...]

_MANY: Final = 1024
"""Senders of a level that are remembered before those without debts are forgotten."""

T = TypeVar("T")


@dataclass(slots=True)
class _Share(Generic[T]):
    """A sender at some level. used: what it has been given; clock: of its parts, what the last one chosen had.

    waiting: how many items wait here and below. held: the room that it takes.
    """

    used: float = 0.0
    clock: float = 0.0
    waiting: int = 0
    held: float = 0.0
    items: deque[T] = field(default_factory=deque)
    parts: "dict[str, _Share[T]]" = field(default_factory=dict)


class FairShares(Generic[T]):
    """Items that wait, by sender. Not thread-safe."""

    def __init__(self) -> None:
        self._all: _Share[T] = _Share()

    def __len__(self) -> int:
        return self._all.waiting

    def add(self, sender: Sender, item: T) -> None:
        """Lets an item wait for the sender's turn."""
        above = self._all
        above.waiting += 1
        for share in self._path(sender):
            if not share.waiting:
                share.used = max(share.used, above.clock)
            share.waiting += 1
            above = share
        above.items.append(item)

    def next(self, barred: Collection[str] = ()) -> T | None:
        """Takes out the item whose turn it is. barred: of the first level, who has no turn now."""
        share, path = self._all, [self._all]
        while not share.items:
            waiting = [part for name, part in share.parts.items() if part.waiting and name not in barred]
            if not waiting:
                return None
            chosen, barred = min(waiting, key=attrgetter("used")), ()
            share.clock = max(share.clock, chosen.used)
            share = chosen
            path.append(chosen)
        return self._taken(path, share.items.popleft())

    @staticmethod
    def _taken(path: Iterable[_Share[T]], item: T) -> T:
        for share in path:
            share.waiting -= 1
        return item

    def charge(self, sender: Sender, cost: float) -> None:
        """Counts what the sender was given."""
        for share in self._path(sender):
            share.used += cost

    def hold(self, sender: Sender, room: float) -> None:
        """Counts room that the sender takes, or gives back if negative."""
        for share in self._path(sender):
            share.held += room

    def takes_more(self, other: Sender, sender: Sender, room: float) -> bool:
        """Whether another takes more room than a sender would with more, where the two paths part."""
        for own, its in zip(self._path(sender), self._path(other), strict=False):
            if own is not its:
                return its.held > own.held + room
        return False

    def pushed_out(self, sender: Sender, room: float) -> T | None:
        """Takes out the last item of who takes the most room, if that is more than the sender would take with more."""
        share, path, apart = self._all, [self._all], False
        for name in sender:
            most = max((part for part in share.parts.values() if part.waiting), key=attrgetter("held"), default=None)
            if most is None:
                return None
            own = share.parts.get(name)
            if most is not own and not apart:
                apart = most.held > (own.held if own else 0.0) + room
                if not apart:
                    return None
            share = most
            path.append(most)
        return self._taken(path, share.items.pop()) if apart and share.items else None

    def _path(self, sender: Sender) -> Iterator[_Share[T]]:
        share = self._all
        for name in sender:
            part = share.parts.get(name)
            if part is None:
                self._forget(share)
                part = share.parts[name] = _Share(used=share.clock)
            yield part
            share = part

    @staticmethod
    def _forget(share: _Share[T]) -> None:
        """Forgets those of many senders who would get no less without a memory of them."""
        if len(share.parts) >= _MANY:
            busy = {name: part for name, part in share.parts.items() if part.held or part.waiting}
            owing = {name: part for name, part in share.parts.items() if part.used > share.clock}
            share.parts = {**owing, **busy}
